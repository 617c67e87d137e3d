"""Assertions of private_key_jwt that were forged, changed, or signed for something else."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.crypto.jws import UnverifiableError, checked_claims, parse
from service.crypto.key_material import generate, public_jwk
from service.protocol.names import ClientAuthMethod, SigningAlgorithm
from tests.assertions import ISSUER, JWKS, KEYS, Signer, types_but
from tests.client_auth.proving import ES256, GOOD, NOW, ask
from tests.forging import hs256
from tests.world import World, error_of

MINE = generate(ES256, 0)


def _with_null(name: str) -> str:
    return jwt.encode({**GOOD.claims(), name: None}, KEYS[ES256], "ES256", {"kid": JWKS["keys"][2]["kid"]})


EMBEDDED = {"jwk": public_jwk(MINE, ES256), "jku": "https://evil.example/jwks", "x5u": "https://evil.example/x"}
FORGED = {
    "alg none": jwt.encode(GOOD.claims(), None, "none"),  # type: ignore[arg-type]
    "alg None": jwt.encode(GOOD.claims(), None, "none").replace("eyJhbGciOiJub25lI", "eyJhbGciOiJOb25lI"),  # type: ignore[arg-type]
    "unsigned": ".".join([*GOOD.sign().split(".")[:2], ""]),
    "an HMAC with the public key": hs256(GOOD.claims(), json.dumps(JWKS["keys"][0]).encode()),
    "an HMAC with the public key as PEM": hs256(GOOD.claims(), b"-----BEGIN PUBLIC KEY-----"),
    "an HMAC with nothing": hs256(GOOD.claims(), b""),
    "another's key": Signer(MINE).sign(),
    "another's key under our kid": Signer(MINE).sign({"kid": JWKS["keys"][2]["kid"]}),
    "a key in the header": Signer(MINE).sign({"kid": None, **EMBEDDED}),
    "an unknown kid": GOOD.sign({"kid": "x"}),
    "a kid that is a path": GOOD.sign({"kid": "../../dev/null"}),
    "iss of another": GOOD.sign(iss="other"),
    "sub of another": GOOD.sign(sub="other"),
    "both of another": GOOD.sign(iss="other", sub="other"),
    "no iss": GOOD.sign(iss=None),
    "no sub": GOOD.sign(sub=None),
    "no aud": GOOD.sign(aud=None),
    "aud of another": GOOD.sign(aud="https://other.example"),
    "aud that begins like ours": GOOD.sign(aud=ISSUER + ".evil.example"),
    "aud that is a list of others": GOOD.sign(aud=["https://other.example", {}, None]),
    "aud that is a number": GOOD.sign(aud=7),
    "an empty aud": GOOD.sign(aud=[]),
    "no exp": GOOD.sign(exp=None),
    "expired": GOOD.sign(exp=NOW - 60),
    "good for ever": GOOD.sign(exp=NOW + 86400 * 365),
    "exp that is a text": GOOD.sign(exp="soon"),
    "exp that is a list": GOOD.sign(exp=[NOW + 60]),
    "exp beyond all numbers": GOOD.sign(exp=1e300),
    "exp that is infinite": GOOD.sign(exp=float("inf")),
    "exp that is not a number": GOOD.sign(exp=float("nan")),
    "exp that is null": _with_null("exp"),
    "iat that is null": _with_null("iat"),
    "not yet good": GOOD.sign(nbf=NOW + 86400),
    "from the future": GOOD.sign(iat=NOW + 86400),
    "iat that is a text": GOOD.sign(iat="now"),
    "no jti": GOOD.sign(jti=None),
    "an empty jti": GOOD.sign(jti=""),
    "jti that is a number": jwt.encode(GOOD.claims(jti=7), KEYS[ES256], "ES256"),
    "jti that is too long": GOOD.sign(jti="x" * 256),
    "a critical header": GOOD.sign({"crit": ["b64"], "b64": False}),
    "claims that are a list": jwt.api_jws.encode(b"[]", KEYS[ES256], "ES256"),
    "claims that are no JSON": jwt.api_jws.encode(b"{", KEYS[ES256], "ES256"),
    "claims nested deep": jwt.api_jws.encode(b'{"a":' * 900 + b"1" + b"}" * 900, KEYS[ES256], "ES256"),
    "half a character": jwt.api_jws.encode(b'{"iss":"\\ud800","sub":"\\ud800"}', KEYS[ES256], "ES256"),
    "five parts": GOOD.sign() + ".a.b",
    "two parts": "a.b",
    "one part": "a",
    "dots": "..",
    "binary": "\x01\x02.\x03.\x04",
    "beyond ASCII": "ü.ü.ü",
    "oversized": GOOD.sign(extra="x" * 20_000),
    "an encrypted JWT": "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.a.b.c.d",
}


@pytest.mark.parametrize("kind", FORGED)
@pytest.mark.parametrize("path", ["/token", "/introspect"])
async def test_forged_assertions_are_refused(
    app: World, kind: str, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """IT-14, IT-16, IT-17: each with the right error, a reason, and without a trace."""
    await app.client(
        "other", auth_method=ClientAuthMethod.PRIVATE_KEY_JWT, secrets=(), jwks={"keys": [public_jwk(MINE, ES256)]}
    )
    response = await ask(app, FORGED[kind], path)
    assert await error_of(response) == (401, "invalid_client"), await response.text()
    assert not [record for record in caplog.records if record.exc_info]
    assert not app.key_names(":access:")


# bytes


@pytest.mark.parametrize("algorithm", ["ES256", "RS256", "EdDSA"])
@given(data=st.data())
def test_any_single_changed_byte_is_refused(algorithm: str, data: st.DataObject) -> None:
    """What is signed is every byte; and there is one way only to write a signature (base64url without stray bits)."""
    key = KEYS[SigningAlgorithm(algorithm)]
    token = Signer(key, algorithm).sign()
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda character: character != token[place]))
    changed = token[:place] + other + token[place + 1 :]
    with suppress(UnverifiableError):
        assert checked_claims(parse(changed, 9000), key.public_key(), algorithm) is None


def test_a_signature_is_written_in_one_way_only() -> None:
    """The last character of base64url holds bits that mean nothing: other ones there make no second assertion."""
    head, body, signature = Signer().sign().split(".")
    raw = urlsafe_b64decode(signature + "==")
    for last in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_":
        other = signature[:-1] + last
        if other != signature and urlsafe_b64decode(other + "==") == raw:
            assert urlsafe_b64encode(raw).rstrip(b"=").decode() == signature
            with pytest.raises(UnverifiableError):
                checked_claims(parse(f"{head}.{body}.{other}", 9000), KEYS[ES256].public_key(), "ES256")


@pytest.mark.parametrize("typ", [*types_but("client-authentication+jwt"), 7])
async def test_what_was_signed_for_another_purpose_is_no_assertion(app: World, typ: Any) -> None:
    """RFC 8725 3.11: a request object, seen in somebody's address bar, must not be a way in."""
    token = jwt.api_jws.encode(json.dumps(GOOD.claims()).encode(), KEYS[ES256], "ES256", headers={"typ": typ})
    assert await error_of(await ask(app, token)) == (401, "invalid_client")


@pytest.mark.parametrize("typ", ["JWT", "jwt", "client-authentication+jwt", None])
async def test_these_types_will_do(app: World, typ: str | None) -> None:
    assert (await ask(app, GOOD.sign({"typ": typ}))).status == 200
