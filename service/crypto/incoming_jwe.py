"""Content encrypted to us (JWE, RFC 7516 section 5.2), parsed strictly and decrypted without revealing what failed.

This module finds the key of the content by cryptography; joserfc decrypts the content.
"""

import secrets
from collections.abc import Collection, Mapping
from hashlib import sha256, sha512
from typing import Any, NamedTuple

import orjson
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap
from joserfc.errors import JoseError
from joserfc.jwe import JWERegistry

from service.crypto.jws import UnverifiableError, decoded
from service.crypto.key_material import PrivateKey
from service.protocol.names import ContentEncryption, KeyManagement

MAX_JWE = 24_576
"""The most characters: a signed request object of the largest size, encrypted by the largest key."""
_MAX_HEADER = 2048
_CURVES = {"secp256r1": "P-256", "secp384r1": "P-384"}
_OAEP = {
    KeyManagement.RSA_OAEP: padding.OAEP(padding.MGF1(SHA1()), SHA1(), None),  # noqa: S303 (RFC 7518 4.3; no collisions matter)
    KeyManagement.RSA_OAEP_256: padding.OAEP(padding.MGF1(SHA256()), SHA256(), None),
}
_WRAPPING = {
    KeyManagement.ECDH_ES_A128KW: 16,
    KeyManagement.ECDH_ES_A256KW: 32,
    KeyManagement.A128KW: 16,
    KeyManagement.A256KW: 32,
}
"""Bytes of the key that the content's key is wrapped with."""
DecryptionKey = PrivateKey | bytes
"""Our private key, or one that is shared with the client (``symmetric_key``)."""


class Jwe(NamedTuple):
    """A well-formed JWE that is not decrypted yet."""

    header: Mapping[str, Any]
    algorithm: KeyManagement
    encryption: ContentEncryption
    protected: bytes
    """The header as received, which the tag covers."""
    encrypted_key: bytes
    iv: bytes
    ciphertext: bytes
    tag: bytes

    @property
    def kid(self) -> str | None:
        """The ``kid`` of the key that it is encrypted to, None where the header names none."""
        kid = self.header.get("kid")
        return kid if isinstance(kid, str) else None


def parse(token: str, offered: Collection[KeyManagement]) -> Jwe:
    """Parse a JWE.

    Raises:
        UnverifiableError: It is no JWE, is encrypted by an algorithm that is not ``offered``, or its header asks for
            something unsupported, such as compression, with which the content could be of any size.
    """
    if len(token) > MAX_JWE:
        raise UnverifiableError(f"it has more than {MAX_JWE} characters")
    try:
        protected, *parts = token.encode("ascii").split(b".")
        header = orjson.loads(decoded(protected[:_MAX_HEADER]))
        encrypted_key, iv, ciphertext, tag = map(decoded, parts)
    except ValueError as error:
        raise UnverifiableError("it is not a JWE") from error
    if not isinstance(header, dict) or not header.keys().isdisjoint(("crit", "zip", "b64")):
        raise UnverifiableError("its header asks for what is not supported here (crit, zip)")
    if not offered:
        raise UnverifiableError("nothing encrypted is taken here (setting encryption_algorithms)")
    if header.get("alg") not in offered:
        raise UnverifiableError(f"it must be encrypted by {', '.join(offered)} (alg)")
    if header.get("enc") not in tuple(ContentEncryption):
        raise UnverifiableError(f"its content must be encrypted by {', '.join(ContentEncryption)} (enc)")
    algorithm, encryption = KeyManagement(header["alg"]), ContentEncryption(header["enc"])
    return Jwe(header, algorithm, encryption, protected, encrypted_key, iv, ciphertext, tag)


def decrypt(jwe: Jwe, key: DecryptionKey) -> bytes | None:
    """Return the content, None where it was not encrypted for this key, or was changed.

    Where the content key cannot be recovered, another one is used, so that the time does not reveal what failed (RFC 7516
    section 11.5).
    """
    size = jwe.encryption.key_bytes
    try:
        found = _content_key(jwe, key, size)
    except (ValueError, InvalidUnwrap):
        found = b""
    content_key = found if len(found) == size else secrets.token_bytes(size)
    model = JWERegistry(algorithms=[jwe.encryption.value]).get_enc(jwe.encryption.value)
    try:
        model.check_iv(jwe.iv)
        content: bytes = model.decrypt(jwe.ciphertext, jwe.tag, content_key, jwe.iv, jwe.protected)
    except (JoseError, ValueError):
        return None
    return content


def symmetric_key(secret: str, algorithm: KeyManagement, encryption: ContentEncryption) -> bytes:
    """Return the key made of a client's secret (OpenID Connect Core 10.2): it wraps the content key, or with dir is it."""
    size = _WRAPPING.get(algorithm, encryption.key_bytes)
    digest = sha256 if size <= sha256().digest_size else sha512  # no key has a length that needs SHA-384
    return digest(secret.encode()).digest()[:size]


def _content_key(jwe: Jwe, key: DecryptionKey, size: int) -> bytes:
    """Recover the content key. Raises ValueError or InvalidUnwrap where that fails."""
    if isinstance(key, rsa.RSAPrivateKey):
        return key.decrypt(jwe.encrypted_key, _OAEP[jwe.algorithm])
    if isinstance(key, ec.EllipticCurvePrivateKey):
        key = _agreed(jwe, key, _WRAPPING.get(jwe.algorithm, size))
    if not isinstance(key, bytes):
        raise ValueError("a key that only signs")
    if jwe.algorithm in _WRAPPING:
        return aes_key_unwrap(key, jwe.encrypted_key)
    if jwe.encrypted_key:
        raise ValueError("there is no key to decrypt (RFC 7516 section 5.2, step 10)")
    return key


def _agreed(jwe: Jwe, key: ec.EllipticCurvePrivateKey, size: int) -> bytes:
    """Agree on a key with the sender's ephemeral one (RFC 7518 section 4.6). Raises ValueError."""
    header, direct = jwe.header, jwe.algorithm is KeyManagement.ECDH_ES
    shared = key.exchange(ec.ECDH(), _ephemeral(header.get("epk"), key.curve))
    purpose = jwe.encryption.value if direct else jwe.algorithm.value
    parties = (decoded(_text(header.get(name, ""))) for name in ("apu", "apv"))
    info = b"".join(len(part).to_bytes(4, "big") + part for part in (purpose.encode(), *parties))
    return ConcatKDFHash(SHA256(), size, info + (size * 8).to_bytes(4, "big")).derive(shared)


def _ephemeral(epk: object, curve: ec.EllipticCurve) -> ec.EllipticCurvePublicKey:
    """Read the sender's key; making it checks that it is on the curve. Raises ValueError."""
    if not isinstance(epk, dict) or (epk.get("kty"), epk.get("crv")) != ("EC", _CURVES[curve.name]):
        raise ValueError("epk is no key of our curve")
    x, y = (decoded(_text(epk.get(name))) for name in ("x", "y"))
    if max(len(x), len(y)) > curve.key_size // 8:  # shorter ones are accepted, as some senders leave out leading zeros
        raise ValueError("epk has coordinates of another length")
    return ec.EllipticCurvePublicNumbers(int.from_bytes(x, "big"), int.from_bytes(y, "big"), curve).public_key()


def _text(value: object) -> bytes:
    """Return an ASCII text as bytes. Raises ValueError where it is none."""
    if not isinstance(value, str):
        raise ValueError("a text is missing")
    return value.encode("ascii")
