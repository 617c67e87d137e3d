"""What was encrypted for us: the examples of RFC 7516 and RFC 7520, other libraries' JWEs, and every way to get one wrong."""

import json
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any

import pytest
from authlib.jose import JsonWebEncryption
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwe as joserfc
from joserfc.jwk import ECKey, OctKey, RSAKey

from service.crypto.incoming_jwe import MAX_JWE, DecryptionKey, decrypt, parse, symmetric_key
from service.crypto.jws import UnverifiableError
from service.crypto.key_material import generate
from service.protocol.credentials import base64url
from service.protocol.names import ContentEncryption, KeyManagement

OF_RFCS: dict[str, dict[str, Any]] = json.loads((Path(__file__).parent / "jwe_of_rfcs.json").read_text())
OFFERED = tuple(KeyManagement)
SECRET = "s" * 43
KEYS: dict[KeyManagement, DecryptionKey] = {one: generate(one, 2048) for one in OFFERED if not one.is_symmetric}
CONTENT = b"e30.e30.c2ln"


def number(text: str) -> int:
    return int.from_bytes(urlsafe_b64decode(text + "=="), "big")


def key_of(jwk: dict[str, str]) -> DecryptionKey:
    """The key of an example."""
    if jwk["kty"] == "oct":
        return urlsafe_b64decode(jwk["k"] + "==")
    if jwk["kty"] == "RSA":
        n, e, d = (number(jwk[name]) for name in ("n", "e", "d"))
        p, q = rsa.rsa_recover_prime_factors(n, e, d)
        numbers = rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), rsa.RSAPublicNumbers(e, n))
        return numbers.private_key()
    curve: ec.EllipticCurve = ec.SECP384R1() if jwk["crv"] == "P-384" else ec.SECP256R1()
    return ec.derive_private_key(number(jwk["d"]), curve)


@pytest.mark.parametrize("name", [name for name, one in OF_RFCS.items() if one["alg"] in OFFERED])
def test_the_examples_of_the_rfcs(name: str) -> None:
    """Those by algorithms that there are here open; the one that is compressed (RFC 7520 5.9) is refused for that."""
    example = OF_RFCS[name]
    if name == "RFC 7520 5.9":
        with pytest.raises(UnverifiableError, match="zip"):
            parse(example["compact"], OFFERED)
        return
    opened = decrypt(parse(example["compact"], OFFERED), key_of(example["key"]))
    assert opened == example["plaintext"].encode()


@pytest.mark.parametrize("name", ["RFC 7520 5.1", "RFC 7520 5.3", "RFC 7520 5.7"])
def test_those_by_algorithms_that_must_not_be_are_refused(name: str) -> None:
    """RSA1_5 (a padding oracle), PBES2 (as much work as the sender likes) and A256GCMKW."""
    with pytest.raises(UnverifiableError, match="encrypted by"):
        parse(OF_RFCS[name]["compact"], OFFERED)


def test_the_agreement_of_rfc_7518_appendix_c() -> None:
    """The key that Alice and Bob agree on is right if what joserfc encrypts with the same parties opens."""
    bob = key_of({"kty": "EC", "crv": "P-256", "d": "VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw"})
    assert isinstance(bob, ec.EllipticCurvePrivateKey)
    header = {"alg": "ECDH-ES", "enc": "A128GCM", "apu": "QWxpY2U", "apv": "Qm9i"}
    sealed = joserfc.encrypt_compact(header, CONTENT, ECKey.import_key(pem(bob)), algorithms=["ECDH-ES", "A128GCM"])
    assert decrypt(parse(sealed, OFFERED), bob) == CONTENT
    assert parse(sealed, OFFERED).header["apu"] == "QWxpY2U"


def pem(key: DecryptionKey) -> bytes:
    assert isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def own_key(algorithm: KeyManagement, encryption: ContentEncryption) -> DecryptionKey:
    return symmetric_key(SECRET, algorithm, encryption) if algorithm.is_symmetric else KEYS[algorithm]


def by_joserfc(
    algorithm: KeyManagement, encryption: ContentEncryption, content: bytes = CONTENT, **header: object
) -> str:
    """A JWE as joserfc makes it, for our key."""
    key = own_key(algorithm, encryption)
    theirs: Any = (
        OctKey.import_key(key)
        if isinstance(key, bytes)
        else (RSAKey if algorithm.is_rsa else ECKey).import_key(pem(key))
    )
    whole = {"alg": algorithm.value, "enc": encryption.value, **header}
    return str(joserfc.encrypt_compact(whole, content, theirs, algorithms=[*OFFERED, *ContentEncryption, "DEF"]))


@pytest.mark.parametrize("algorithm", OFFERED)
@pytest.mark.parametrize("encryption", list(ContentEncryption))
def test_what_joserfc_and_authlib_encrypt(algorithm: KeyManagement, encryption: ContentEncryption) -> None:
    key = own_key(algorithm, encryption)
    theirs = [by_joserfc(algorithm, encryption)]
    header = {"alg": algorithm.value, "enc": encryption.value}
    theirs.append(
        JsonWebEncryption()
        .serialize_compact(header, CONTENT, key if isinstance(key, bytes) else pem(key))
        .decode("ascii")
    )
    for sealed in theirs:
        assert decrypt(parse(sealed, OFFERED), key) == CONTENT


@pytest.mark.parametrize("algorithm", OFFERED)
@pytest.mark.parametrize("encryption", list(ContentEncryption))
def test_whatever_is_changed_it_does_not_open(algorithm: KeyManagement, encryption: ContentEncryption) -> None:
    """Each part, at its beginning and its end; and none of it raises anything else, or says what was wrong."""
    sealed, key = by_joserfc(algorithm, encryption), own_key(algorithm, encryption)
    parts = sealed.split(".")
    for place, part in enumerate(parts):
        for changed in (part[:-4], part[4:], "", "A" * len(part), part + "AAAA", flipped(part)):
            if changed == part:
                continue
            forged = ".".join([*parts[:place], changed, *parts[place + 1 :]])
            try:
                jwe = parse(forged, OFFERED)
            except UnverifiableError:
                continue
            assert decrypt(jwe, key) is None, (place, changed)


def flipped(part: str) -> str:
    """Another first character."""
    return ("B" if part[:1] == "A" else "A") + part[1:]


@pytest.mark.parametrize("algorithm", OFFERED)
def test_another_key_does_not_open_it(algorithm: KeyManagement) -> None:
    jwe = parse(by_joserfc(algorithm, ContentEncryption.A256GCM), OFFERED)
    others: list[DecryptionKey] = [generate("RSA-OAEP", 2048), generate("ECDH-ES", 0), generate("EdDSA", 0)]
    others += [bytes(16), bytes(32), b"", generate("ES384", 0)]
    for other in others:
        if isinstance(other, rsa.RSAPrivateKey) and not algorithm.is_rsa:
            continue  # keys are chosen by their algorithm
        assert decrypt(jwe, other) is None


def with_header(sealed: str, **changes: object) -> str:
    """The same JWE with another header."""
    head, rest = sealed.split(".", 1)
    header = json.loads(urlsafe_b64decode(head + "==")) | changes
    return base64url(json.dumps({name: one for name, one in header.items() if one is not None}).encode()) + "." + rest


@pytest.mark.parametrize(
    "changes",
    [
        {"alg": "RSA1_5"},
        {"alg": "none"},
        {"alg": "RS256"},
        {"alg": None},
        {"alg": ["ECDH-ES"]},
        {"alg": {"a": 1}},
        {"alg": "PBES2-HS256+A128KW", "p2c": 2**31, "p2s": "AAAA"},
        {"alg": "A256GCMKW"},
        {"alg": "ECDH-1PU"},
        {"enc": "none"},
        {"enc": "XC20P"},
        {"enc": None},
        {"enc": ["A256GCM"]},
        {"zip": "DEF"},
        {"zip": "GZIP"},
        {"zip": None, "crit": ["exp"], "exp": 1},
        {"crit": []},
        {"b64": False},
        {"kid": "x" * 3000},
    ],
)
def test_headers_that_are_refused_before_any_key_is_used(changes: dict[str, object]) -> None:
    sealed = by_joserfc(KeyManagement.ECDH_ES, ContentEncryption.A256GCM)
    with pytest.raises(UnverifiableError):
        parse(with_header(sealed, **changes), OFFERED)


EPK = json.loads(urlsafe_b64decode(by_joserfc(KeyManagement.ECDH_ES, ContentEncryption.A128GCM).split(".")[0] + "=="))[
    "epk"
]


@pytest.mark.parametrize(
    "epk",
    [
        None,
        7,
        [],
        {},
        {**EPK, "y": EPK["x"]},  # off the curve
        {**EPK, "x": EPK["x"] + "AAAA"},
        {**EPK, "x": 7},
        {**EPK, "x": "ü"},
        {**EPK, "crv": "P-384"},
        {**EPK, "crv": "secp256k1"},
        {"kty": "OKP", "crv": "X25519", "x": base64url(bytes(32))},
        {"kty": "oct", "k": "AAAA"},
        {**EPK, "x": base64url(bytes(32)), "y": base64url(bytes(32))},  # the point at infinity has no coordinates
    ],
)
def test_invalid_curves_and_other_ephemeral_keys(epk: object) -> None:
    sealed = with_header(by_joserfc(KeyManagement.ECDH_ES, ContentEncryption.A128GCM), epk=epk)
    assert decrypt(parse(sealed, OFFERED), KEYS[KeyManagement.ECDH_ES]) is None


def test_zeros_in_front_of_a_coordinate_may_be_left_out() -> None:
    """RFC 7518 section 6.2.1.2 wants them, and Authlib writes none: one key in 128 has one."""
    key = ec.generate_private_key(ec.SECP256R1())
    for _ in range(5000):
        sealed = JsonWebEncryption().serialize_compact({"alg": "ECDH-ES", "enc": "A128GCM"}, CONTENT, pem(key)).decode()
        epk = parse(sealed, OFFERED).header["epk"]
        if min(len(epk["x"]), len(epk["y"])) < 43:
            break
    assert decrypt(parse(sealed, OFFERED), key) == CONTENT


@pytest.mark.parametrize("text", ["", "....", "a.b.c.d.e", "e30....", "ü....", "W10.a.b.c.d", "x" * (MAX_JWE + 1)])
def test_garbage_is_refused(text: str) -> None:
    with pytest.raises(UnverifiableError):
        parse(text, OFFERED)


def test_a_bomb_is_refused_before_it_is_looked_into() -> None:
    """A megabyte of blanks, compressed, is a short JWE."""
    bomb = by_joserfc(KeyManagement.ECDH_ES, ContentEncryption.A256GCM, b" " * 1_000_000, zip="DEF")
    assert len(bomb) < MAX_JWE
    with pytest.raises(UnverifiableError, match="zip"):
        parse(bomb, OFFERED)


def test_a_key_that_cannot_be_found_is_made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 7516 section 11.5: whatever was wrong with the encrypted key, the content is tried, and the answer is the same."""
    tried: list[int] = []
    sealed = by_joserfc(KeyManagement.RSA_OAEP_256, ContentEncryption.A256GCM)
    head, _, *rest = sealed.split(".")

    def made_up(size: int) -> bytes:
        tried.append(size)
        return bytes(size)

    monkeypatch.setattr("service.crypto.incoming_jwe.secrets.token_bytes", made_up)
    for encrypted_key in ("", "AAAA", base64url(bytes(256)), base64url(b"\xff" * 256)):
        forged = ".".join([head, encrypted_key, *rest])
        assert decrypt(parse(forged, OFFERED), KEYS[KeyManagement.RSA_OAEP_256]) is None
    assert tried == [32] * 4


def test_nothing_is_taken_where_nothing_is_offered() -> None:
    with pytest.raises(UnverifiableError, match="nothing encrypted is taken"):
        parse(by_joserfc(KeyManagement.ECDH_ES, ContentEncryption.A256GCM), ())


def test_the_key_that_a_secret_is() -> None:
    """OpenID Connect Core 10.2: the leftmost bytes of the hash that is long enough."""
    lengths = {one: len(symmetric_key(SECRET, KeyManagement.DIR, one)) for one in ContentEncryption}
    assert lengths == {one: one.key_bytes for one in ContentEncryption}
    wrapping = symmetric_key(SECRET, KeyManagement.A128KW, ContentEncryption.A256CBC_HS512)
    assert symmetric_key(SECRET, KeyManagement.A256KW, ContentEncryption.A128GCM).startswith(wrapping)
    assert len(wrapping) == 16
