"""Proofs that must not count, at the token endpoint and at UserInfo (RFC 9449 sections 4.3, 7 and 11)."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from multidict import CIMultiDict

from service.crypto.key_material import algorithm_object, generate
from service.protocol.credentials import base64url
from service.protocol.names import ClientAuthMethod, SigningAlgorithm
from tests.assertions import JWKS, Signer
from tests.dpop import TOKEN_URL, USERINFO_URL, Prover
from tests.forging import hs256
from tests.world import World, basic, error_of

PROVER = Prover()
RSA = Prover("RS256", generate(SigningAlgorithm.RS256, 2048))
PRIVATE = json.loads(algorithm_object("ES256").to_jwk(PROVER.key))
PEM = PROVER.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
CLIENT_CREDENTIALS = {"grant_type": "client_credentials"}
PASSWORD = {"grant_type": "password", "username": "alice", "password": "wonderland"}

Make = Callable[[str, str, str], str]
"""Makes a proof for this method, URL and access token."""


def _unsigned(method: str, url: str, token: str) -> str:
    body = PROVER.proof(method, url, token).split(".")[1]
    header = {"typ": "dpop+jwt", "alg": "none", "jwk": PROVER.jwk}
    return f"{base64url(json.dumps(header).encode())}.{body}."


def _signed_by_another(method: str, url: str, token: str) -> str:
    head, body, _ = PROVER.proof(method, url, token).split(".")
    signing_input = f"{head}.{body}"
    return f"{signing_input}.{base64url(algorithm_object('ES256').sign(signing_input.encode(), Prover().key))}"


def _by_public_key(secret: bytes) -> Make:
    def make(method: str, url: str, _: str) -> str:
        claims = {"jti": "1", "htm": method, "htu": url, "iat": int(time.time())}
        return hs256(claims, secret, typ="dpop+jwt", jwk=PROVER.jwk)

    return make


def _with(header: dict[str, Any] | None = None, prover: Prover = PROVER, **claims: Any) -> Make:
    return lambda method, url, token: prover.proof(method, url, token, header, **claims)


def _other_url(change: Callable[[str], str]) -> Make:
    return lambda method, url, token: PROVER.proof(method, change(url), token)


FORGED: dict[str, Make] = {
    "no JWT": lambda *_: "x",
    "two parts": lambda *of: PROVER.proof(*of).rpartition(".")[0],
    "unsigned": _unsigned,
    "HMAC with the public key as PEM": _by_public_key(PEM),
    "HMAC with the public key as JWK": _by_public_key(json.dumps(PROVER.jwk).encode()),
    "HMAC with an empty secret": _by_public_key(b""),
    "signed by another key than it names": _signed_by_another,
    "RS256, which is not accepted": _with(prover=RSA),
    "another alg than that of the key": _with({"alg": "ES384"}),
    "alg is a list": _with({"alg": ["ES256"]}),
    "a private key": _with({"jwk": PRIVATE}),
    "a symmetric key": _with({"jwk": {"kty": "oct", "k": "AAAA"}}),
    "no alg": _with({"alg": None}),
    "no key": _with({"jwk": None}),
    "a key that is a text": _with({"jwk": "key"}),
    "a point that is on no curve": _with({"jwk": PROVER.jwk | {"x": PROVER.jwk["y"]}}),
    "a key for encryption": _with({"jwk": PROVER.jwk | {"use": "enc"}}),
    "a small RSA key": _with({"alg": "PS256", "jwk": {"kty": "RSA", "e": "AQAB", "n": base64url(b"\xff" * 64)}}),
    "a huge RSA key": _with({"alg": "PS256", "jwk": {"kty": "RSA", "e": "AQAB", "n": base64url(b"\xff" * 2048)}}),
    "an RSA key with a huge exponent": _with(
        {"alg": "PS256", "jwk": {"kty": "RSA", "e": base64url(b"\x7f" * 200), "n": base64url(b"\xff" * 256)}}
    ),
    "no typ": _with({"typ": None}),
    "typ of another JWT": _with({"typ": "JWT"}),
    "crit": _with({"crit": ["exp"], "exp": 1}),
    "b64": _with({"b64": False}),
    "no jti": _with(jti=None),
    "an empty jti": _with(jti=""),
    "a long jti": _with(jti="j" * 256),
    "jti is a number": _with(jti=7),
    "no htm": _with(htm=None),
    "another method": _with(htm="PUT"),
    "the method in lower case": lambda method, url, token: PROVER.proof(method, url, token, htm=method.lower()),
    "no htu": _with(htu=None),
    "htu is a list": lambda method, url, token: PROVER.proof(method, url, token, htu=[url]),
    "another path": _other_url(lambda url: url + "/x"),
    "another port": _other_url(lambda url: url.replace(":8080", ":8081")),
    "no port": _other_url(lambda url: url.replace(":8080", "")),
    "another scheme": _other_url(lambda url: url.replace("http:", "https:")),
    "another host": _other_url(lambda url: url.replace("127.0.0.1", "127.0.0.1.evil.example")),
    "a host that begins like ours": _other_url(
        lambda url: url.replace("127.0.0.1:8080", "127.0.0.1:8080@evil.example")
    ),
    "another case of the path": _other_url(
        lambda url: url.replace("/token", "/TOKEN").replace("/userinfo", "/UserInfo")
    ),
    "an encoded slash": _other_url(lambda url: url.replace("8080/", "8080/%2F")),
    "no iat": _with(iat=None),
    "iat is a text": lambda method, url, token: PROVER.proof(method, url, token, iat=None, iat_="x"),
    "iat is true": _with(iat=True),
    "an hour ago": lambda *of: PROVER.proof(*of, iat=int(time.time()) - 3600),
    "in an hour": lambda *of: PROVER.proof(*of, iat=int(time.time()) + 3600),
    "expired": lambda *of: PROVER.proof(*of, exp=int(time.time()) - 60),
    "too long": _with(further="x" * 4096),
    "not ASCII": lambda *of: PROVER.proof(*of) + "ä",
    "two proofs in one header": lambda *of: f"{PROVER.proof(*of)}, {PROVER.proof(*of)}",
}

RIGHT: dict[str, Make] = {
    "as it is": _with(),
    "iat 10 seconds ahead": lambda *of: PROVER.proof(*of, iat=int(time.time()) + 10),
    "iat 10 seconds ago": lambda *of: PROVER.proof(*of, iat=int(time.time()) - 10),
    "nbf and exp": lambda *of: PROVER.proof(*of, nbf=int(time.time()) - 5, exp=int(time.time()) + 60),
    "a query": _other_url(lambda url: url + "?a=b"),
    "a fragment": _other_url(lambda url: url + "#f"),
    "an encoding without need": _other_url(lambda url: url.replace("/token", "/%74oken").replace("/user", "/%75ser")),
    "scheme in upper case": _other_url(lambda url: url.replace("http:", "HTTP:")),
    "typ in upper case": _with({"typ": "DPOP+JWT"}),
    "further members": _with({"kid": "k", "x5c": ["junk"]}, further={"a": 1}),
    "further members of the key": _with({"jwk": PROVER.jwk | {"kid": "k", "use": "sig", "alg": "ES256"}}),
    "a long jti that is not too long": _with(jti="j" * 255),
}


@pytest.fixture
async def world(world: World) -> World:
    await world.user()
    await world.client(scopes=("openid", "read"), default_scope="openid")
    return world


async def _token(world: World, prover: Prover | None = PROVER, form: dict[str, str] = PASSWORD) -> str:
    headers = basic("app") | (prover.headers() if prover else {})
    response = await world.http.post("/token", data=form, headers=headers)
    assert response.status == 200, await response.text()
    return str((await response.json())["access_token"])


@pytest.mark.parametrize("what", FORGED)
async def test_at_the_token_endpoint(world: World, what: str) -> None:
    headers = basic("app") | {"DPoP": FORGED[what]("POST", TOKEN_URL, "")}
    refused = await world.http.post("/token", data=CLIENT_CREDENTIALS, headers=headers)
    assert await error_of(refused) == (400, "invalid_dpop_proof")
    assert not world.key_names(":access:")


@pytest.mark.parametrize("what", [*FORGED, "no ath", "ath of another token", "ath is a list"])
async def test_at_userinfo(world: World, what: str) -> None:
    token = await _token(world)
    further: dict[str, Make] = {
        "no ath": _with(ath=None),
        "ath of another token": lambda method, url, _: PROVER.proof(method, url, "another"),
        "ath is a list": _with(ath=["x"]),
    }
    proof = (FORGED | further)[what]("GET", USERINFO_URL, token)
    refused = await world.http.get("/userinfo", headers={"Authorization": f"DPoP {token}", "DPoP": proof})
    assert await error_of(refused) == (401, "invalid_dpop_proof")
    challenge = refused.headers.getall("WWW-Authenticate")
    assert len(challenge) == 1
    assert challenge[0].startswith(
        'DPoP realm="mintmark", error="invalid_dpop_proof", error_description="The DPoP proof '
    )
    assert challenge[0].endswith(', algs="ES256 PS256 EdDSA ES384"')


@pytest.mark.parametrize("what", RIGHT)
async def test_what_is_right_however_it_is_written(world: World, what: str) -> None:
    headers = basic("app") | {"DPoP": RIGHT[what]("POST", TOKEN_URL, "")}
    response = await world.http.post("/token", data=PASSWORD, headers=headers)
    assert response.status == 200, await response.text()
    token = (await response.json())["access_token"]
    headers = {"Authorization": f"dpop {token}", "DPoP": RIGHT[what]("GET", USERINFO_URL, token)}
    if "jti" not in what:
        assert (await world.http.get("/userinfo", headers=headers)).status == 200


async def test_two_headers_are_none(world: World) -> None:
    token = await _token(world)
    no_proof: Make = lambda *_: "x"  # noqa: E731
    for make in (_with(), no_proof):
        twice = [("DPoP", PROVER.proof()), ("DPoP", make("POST", TOKEN_URL, ""))]
        headers = CIMultiDict([*basic("app").items(), *twice])
        refused = await world.http.post("/token", data=CLIENT_CREDENTIALS, headers=headers)
        assert await error_of(refused) == (400, "invalid_dpop_proof")
        shown = [("DPoP", PROVER.proof("GET", USERINFO_URL, token)), ("DPoP", make("GET", USERINFO_URL, token))]
        headers = CIMultiDict([("Authorization", f"DPoP {token}"), *shown])
        assert await error_of(await world.http.get("/userinfo", headers=headers)) == (401, "invalid_dpop_proof")


async def test_a_stolen_token(world: World) -> None:
    """By whom it is sent: without a proof, as Bearer, in a form, with a key of the thief's own, with a proof that was seen."""
    token, thief = await _token(world), Prover()
    seen = PROVER.with_token(token)
    assert (await world.http.get("/userinfo", headers=seen)).status == 200
    bearer = {"Authorization": f"Bearer {token}"}
    tries: list[tuple[str, dict[str, str], str]] = [
        ("without a proof", {"Authorization": f"DPoP {token}"}, "invalid_dpop_proof"),
        ("as Bearer", bearer, "invalid_token"),
        ("as Bearer with a proof", bearer | PROVER.headers("GET", USERINFO_URL, token), "invalid_token"),
        ("with another key", thief.with_token(token), "invalid_token"),
        ("with a proof that was seen", seen, "invalid_dpop_proof"),
        (
            "with a proof for the token endpoint",
            {"Authorization": f"DPoP {token}", **PROVER.headers()},
            "invalid_dpop_proof",
        ),
    ]
    for what, headers, error in tries:
        refused = await world.http.get("/userinfo", headers=headers)
        assert await error_of(refused) == (401, error), what
        assert 'algs="ES256' in refused.headers["WWW-Authenticate"], what
    headers = PROVER.headers("POST", USERINFO_URL, token)
    in_form = await world.http.post("/userinfo", data={"access_token": token}, headers=headers)
    assert await error_of(in_form) == (401, "invalid_token")
    assert (await world.http.get("/userinfo", headers=PROVER.with_token(token))).status == 200, "its client still can"


async def test_a_token_that_is_bound_to_nothing_is_no_dpop_token(world: World) -> None:
    token = await _token(world, None)
    assert await error_of(await world.http.get("/userinfo", headers=PROVER.with_token(token))) == (401, "invalid_token")
    assert (await world.http.get("/userinfo", headers={"Authorization": f"Bearer {token}"})).status == 200


async def test_the_challenges(world: World) -> None:
    """RFC 9449 section 7.2: the scheme in use says what is wrong, and no error where there is no token."""
    algs = 'DPoP realm="mintmark", algs="ES256 PS256 EdDSA ES384"'
    for headers, challenge in (
        ({}, f'Bearer realm="mintmark", {algs}'),
        (
            {"Authorization": "Bearer x"},
            'Bearer realm="mintmark", error="invalid_token", '
            f'error_description="The access token is invalid, expired, or was revoked.", {algs}',
        ),
    ):
        assert (await world.http.get("/userinfo", headers=headers)).headers["WWW-Authenticate"] == challenge


async def test_of_many_uses_of_a_proof_at_once_one_counts(any_world: World) -> None:
    """Raced on every shape of Redis, at both endpoints."""
    await any_world.user()
    await any_world.client(scopes=("openid",), default_scope="openid")
    for form in (CLIENT_CREDENTIALS, PASSWORD):
        headers = basic("app") | PROVER.headers()
        sent = [any_world.http.post("/token", data=form, headers=headers) for _ in range(100)]
        answered = await asyncio.gather(*sent)
        assert sorted(response.status for response in answered) == [200] + [400] * 99
        tokens = any_world.key_names(":access:")
        assert len(tokens) == 1, "what began beside the check is taken back"
        granted = next(response for response in answered if response.status == 200)
        token = (await granted.json())["access_token"]
        if form is PASSWORD:
            shown = PROVER.with_token(token)
            told = await asyncio.gather(*(any_world.http.get("/userinfo", headers=shown) for _ in range(100)))
            assert sorted(response.status for response in told) == [200] + [401] * 99
        await any_world.revoke(token)


async def test_who_has_no_token_leaves_nothing_in_redis(world: World) -> None:
    """Anybody can make keys and proofs, as many as they like."""
    token = await _token(world)
    before = world.key_names()
    for stolen in ("mm_at_" + "x" * 65, token, "x"):
        refused = await world.http.get("/userinfo", headers=Prover().with_token(stolen))
        assert await error_of(refused) == (401, "invalid_token")
    assert world.key_names() == before


async def test_a_refused_request_costs_no_other_proof_of_the_same_name(world: World) -> None:
    """A jti counts for its key: nobody can use up those of another client."""
    for prover in (Prover(), PROVER):
        headers = basic("app") | prover.headers(jti="the same")
        assert (await world.http.post("/token", data=CLIENT_CREDENTIALS, headers=headers)).status == 200


async def test_a_client_that_is_called_dpop_uses_up_no_proof_of_another(world: World) -> None:
    """Assertions are remembered beside proofs, by who made them and their jti."""
    await world.client("dpop", auth_method=ClientAuthMethod.PRIVATE_KEY_JWT, jwks=JWKS)
    theirs = Signer(subject="dpop").form(jti=f"{PROVER.jkt}\0seen")
    assert (await world.post("/token", CLIENT_CREDENTIALS | theirs, None)).status == 200
    headers = basic("app") | PROVER.headers(jti="seen")
    assert (await world.http.post("/token", data=CLIENT_CREDENTIALS, headers=headers)).status == 200
