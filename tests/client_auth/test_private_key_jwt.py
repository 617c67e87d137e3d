"""private_key_jwt (OpenID Connect Core 9, RFC 7523): what passes, and the table of what does not."""

import asyncio
import json
import time
from typing import Any

import pytest
from authlib.jose import jwt as authlib_jwt
from joserfc import jwk as joserfc_jwk
from joserfc import jwt as joserfc_jwt

from service.crypto.jws import SKEW
from service.crypto.key_material import algorithm_object, public_jwk
from service.protocol.names import ClientAuthMethod, SigningAlgorithm
from tests.assertions import ISSUER, JWKS, KEYS, Signer
from tests.client_auth.proving import ES256, GOOD, NOW, RS256, ask
from tests.world import SECRET, World, error_of

TOKEN_URL = ISSUER + "/token"


@pytest.mark.parametrize("algorithm", list(SigningAlgorithm))
async def test_a_client_proves_itself_with_its_key(app: World, algorithm: SigningAlgorithm) -> None:
    """IT-14, oidcc-dynamic: every algorithm that discovery names."""
    signer = Signer(KEYS[algorithm], algorithm.value)
    assert (await ask(app, signer.sign())).status == 200
    assert (await ask(app, signer.sign(), client_id="app")).status == 200, "client_id beside it (RFC 7521 4.2)"


@pytest.mark.parametrize("path", ["/token", "/introspect", "/revoke"])
async def test_it_works_wherever_clients_authenticate(app: World, path: str) -> None:
    assert (await ask(app, Signer().sign(), path)).status == 200


_OTHERS = "https://other.example"
_AUDIENCES: dict[str, list[Any]] = {
    "issuer": [ISSUER, [ISSUER]],
    "endpoint": [TOKEN_URL, ISSUER + "/introspect", [TOKEN_URL]],
    "several": [[ISSUER, _OTHERS], [_OTHERS, TOKEN_URL], [ISSUER, TOKEN_URL], [ISSUER, ISSUER]],
}


@pytest.mark.parametrize("allowed", ["issuer", "endpoint", "several"])
async def test_whom_an_assertion_may_be_for(world: World, allowed: str) -> None:
    """CVE-2025-27370, draft-ietf-oauth-rfc7523bis: the issuer alone, unless the settings say otherwise."""
    settings = {} if allowed == "issuer" else {"assertion_audience": allowed}
    async with world.having(**settings) as app:
        await app.client(auth_method=ClientAuthMethod.PRIVATE_KEY_JWT, secrets=(), jwks=JWKS)
        passes = True
        for kind, audiences in _AUDIENCES.items():
            for audience in audiences:
                response = await ask(app, Signer().sign(aud=audience), "/introspect")
                assert (response.status == 200) is passes, f"{audience}: {await response.text()}"
            passes = passes and kind != allowed
        assert (await ask(app, Signer().sign(aud=[_OTHERS, {}]), "/introspect")).status == 401


async def test_the_refusal_says_what_aud_must_be(app: World) -> None:
    body = await (await ask(app, Signer().sign(aud=TOKEN_URL))).json()
    assert f"aud must be {ISSUER}, and nothing beside it" in body["error_description"]


@pytest.mark.parametrize(
    ("audience", "passes"), [(ISSUER, True), ([ISSUER], False), (TOKEN_URL, False), ([ISSUER, TOKEN_URL], False)]
)
async def test_a_strict_client_names_the_issuer_and_nothing_else(app: World, audience: Any, passes: bool) -> None:
    """The audience of private_key_jwt was abused to replay assertions elsewhere: FAPI 2.0 wants the issuer alone."""
    client = await app.issuer.store.clients.read("app")
    assert client is not None
    await app.change(client, strict_assertion_audience=True)
    assert ((await ask(app, Signer().sign(aud=audience))).status == 200) is passes


@pytest.mark.parametrize("jti", ["first", "x" * 255])
async def test_an_assertion_counts_once(app: World, jti: str) -> None:
    """IRIS JWTid. What was issued beside a second use is taken back."""
    assertion = Signer().sign(jti=jti)
    assert (await ask(app, assertion)).status == 200
    tokens = app.key_names(":access:")
    for path in ("/token", "/introspect", "/revoke"):
        assert await error_of(await ask(app, assertion, path)) == (401, "invalid_client")
    assert (await ask(app, assertion, grant_type="telepathy")).status == 401, "whoever replays learns nothing else"
    assert app.key_names(":access:") == tokens
    assert (await ask(app, Signer().sign(jti=jti))).status == 401, "the same jti in another assertion"
    other = Signer(subject="other")
    await app.client("other", auth_method=ClientAuthMethod.PRIVATE_KEY_JWT, secrets=(), jwks=JWKS)
    assert (await ask(app, other.sign(jti=jti))).status == 200, "another client's jti"
    ends = app.ends("{assertion:")
    assert all(NOW < end <= time.time() + 60 + 11 for end in ends.values()), "remembered as long as it would be good"


async def test_a_use_is_remembered_for_as_long_as_the_assertion_is_good(app: World) -> None:
    """Parts of a second and the clock's skew included: else it would pass again at the very end."""
    exp = time.time() + 60.9
    assert (await ask(app, Signer().sign(exp=exp))).status == 200
    (end,) = app.ends("{assertion:").values()
    assert exp + SKEW < end <= exp + SKEW + 3


async def test_of_a_hundred_at_once_one_passes(any_world: World) -> None:
    """Raced on every shape of Redis; and nothing of the others is left."""
    await any_world.client(auth_method=ClientAuthMethod.PRIVATE_KEY_JWT, secrets=(), jwks=JWKS)
    for _ in range(3):
        assertion = Signer().sign()
        responses = await asyncio.gather(*(ask(any_world, assertion) for _ in range(100)))
        assert sorted(response.status for response in responses) == [200] + [401] * 99
    assert len(any_world.key_names(":access:")) == 3


async def test_what_is_spent_is_not_spent_for_a_replayed_assertion(app: World) -> None:
    client = await app.issuer.store.clients.read("app")
    assert client is not None
    code = await app.code(client)
    assertion = Signer().sign()
    assert (await ask(app, assertion)).status == 200
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": "https://app.example/callback"}
    assert (await ask(app, assertion, **form)).status == 401
    tokens = await (await ask(app, Signer().sign(), **form)).json()
    assert "refresh_token" in tokens, "the code is as good as before"
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert (await ask(app, assertion, **form)).status == 401
    assert (await ask(app, Signer().sign(), **form)).status == 200


@pytest.mark.parametrize("registered", [method for method in ClientAuthMethod if "jwt" not in method])
async def test_a_client_that_is_registered_for_something_else(world: World, registered: ClientAuthMethod) -> None:
    """AU-33: the registered method is the only one, keys or not."""
    await world.client(auth_method=registered, jwks=JWKS)
    assert await error_of(await ask(world, Signer().sign(), "/revoke")) == (401, "invalid_client")


async def test_exactly_the_registered_algorithm(app: World) -> None:
    client = await app.issuer.store.clients.read("app")
    assert client is not None
    await app.change(client, token_endpoint_auth_signing_alg="PS256")
    assert (await ask(app, Signer(KEYS[RS256], "PS256").sign())).status == 200
    assert (await ask(app, Signer(KEYS[RS256], "RS256").sign())).status == 401
    assert (await ask(app, Signer().sign())).status == 401


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"}, "invalid_client"),
        ({"client_assertion_type": ""}, "invalid_client"),
        ({"client_id": "other"}, "invalid_request"),
        ({"client_secret": SECRET, "client_id": "app"}, "invalid_request"),
    ],
)
async def test_parameters_that_contradict(app: World, form: dict[str, str], error: str) -> None:
    response = await app.post("/token", {"grant_type": "client_credentials", **Signer().form(), **form}, None)
    assert (await error_of(response))[1] == error


async def test_beside_http_authentication_it_is_one_method_too_many(app: World) -> None:
    response = await app.post("/token", {"grant_type": "client_credentials", **Signer().form()}, "app")
    assert await error_of(response) == (400, "invalid_request")


async def test_the_reason_helps_and_tells_no_secret(app: World) -> None:
    body = await (await ask(app, Signer().sign(aud="https://other.example"))).json()
    assert ISSUER in body["error_description"]
    body = await (await ask(app, Signer().sign(exp=NOW - 60))).json()
    assert "expired" in body["error_description"]


# other libraries


def _others() -> dict[str, str]:
    key = json.dumps(algorithm_object("ES256").to_jwk(KEYS[ES256], as_dict=True))
    header = {"alg": "ES256", "kid": Signer().sign() and public_jwk(KEYS[ES256], ES256, shared=True)["kid"]}
    return {
        "PyJWT": Signer().sign(),
        "Authlib": authlib_jwt.encode(header, GOOD.claims(), json.loads(key)).decode(),
        "joserfc": joserfc_jwt.encode(header, GOOD.claims(), joserfc_jwk.ECKey.import_key(json.loads(key))),
    }


@pytest.mark.parametrize("library", ["PyJWT", "Authlib", "joserfc"])
async def test_assertions_of_other_libraries_pass(app: World, library: str) -> None:
    assert (await ask(app, _others()[library])).status == 200


async def test_a_used_assertion_does_no_harm(app: World) -> None:
    """Whoever sends a whole request once more, or a captured one, ends nothing, counts nothing, uses nothing up."""
    client = await app.issuer.store.clients.read("app")
    assert client is not None
    await app.user()
    form = {
        "grant_type": "authorization_code",
        "code": await app.code(client),
        "redirect_uri": "https://app.example/callback",
    }
    assertion = GOOD.sign()
    tokens = await (await ask(app, assertion, **form)).json()
    assert (await ask(app, assertion, **form)).status == 401
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    again = GOOD.sign()
    tokens = await (await ask(app, again, **form)).json()
    app.expire(":reply:")
    assert (await ask(app, again, **form)).status == 401
    introspected = await ask(app, GOOD.sign(), "/introspect", token=tokens["access_token"])
    assert (await introspected.json())["active"], "nothing has ended"
    guess = {"grant_type": "password", "username": "alice", "password": "wrong-wrong"}
    for _ in range(30):
        assert (await ask(app, assertion, **guess)).status == 401
    assert (await ask(app, GOOD.sign(), **(guess | {"password": "wonderland"}))).status == 200
    assert (await ask(app, GOOD.sign(), **form)).status == 400, "a new assertion, and the replay counts"


async def test_what_is_withdrawn_leaves_nothing(app: World) -> None:
    assertion = GOOD.sign()
    assert (await ask(app, assertion)).status == 200
    before = app.key_names()
    for _ in range(20):
        assert (await ask(app, assertion)).status == 401
    assert app.key_names() == before


async def test_a_client_learns_nothing_of_our_network(world: World) -> None:
    told = set()
    for host in ("localhost", "127.0.0.1", "no-such-host.invalid"):
        await world.client(
            host, auth_method=ClientAuthMethod.PRIVATE_KEY_JWT, secrets=(), jwks_uri=f"https://{host}/jwks"
        )
        response = await ask(world, Signer(subject=host).sign())
        told.add((await response.json())["error_description"])
    assert len(told) == 1, told
