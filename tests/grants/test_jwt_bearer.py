"""The JWT bearer grant (RFC 7523): whose word counts, for whom, and for what."""

import asyncio
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestServer

from service.admin import trusts
from service.admin.errors import InvalidInput, NotFound
from service.admin.trusts import TrustInput
from service.app import open_issuer
from service.crypto.key_material import generate, public_jwk
from service.protocol.credentials import base64url
from service.protocol.names import ClientAuthMethod, GrantTypeName, SigningAlgorithm
from tests.assertions import ISSUER, JWKS, KEYS, Signer, types_but
from tests.cutting_proxy import CuttingProxy
from tests.dpop import Prover
from tests.forging import hs256
from tests.patience import PATIENCE
from tests.redis_shapes import Shape
from tests.world import World, basic, error_of, in_process, settings_for

GRANT = GrantTypeName.JWT_BEARER.value
CI = "https://ci.example.com"
RS256 = SigningAlgorithm.RS256
NOW = int(time.time())


@pytest.fixture
async def app(world: World) -> World:
    """A client that may bring assertions, and an issuer that is trusted."""
    await world.client(grant_types=(GRANT, "refresh_token"))
    await trust(world)
    return world


async def trust(world: World, **members: Any) -> None:
    await trusts.add_trust(world.issuer, TrustInput.read({"issuer": CI, "jwks": JWKS} | members))


async def ask(world: World, assertion: str, client_id: str = "app", **form: str) -> ClientResponse:
    return await world.token(client_id, grant_type=GRANT, assertion=assertion, **form)


def vouch(headers: dict[str, Any] | None = None, **claims: Any) -> str:
    """An assertion of the trusted issuer about alice."""
    return Signer().sign(headers, **{"iss": CI, "sub": "alice", **claims})


async def test_a_trusted_issuer_vouches_for_somebody(app: World) -> None:
    """IT-05, IA-17: the token is for the subject, and there is no refresh token."""
    response = await ask(app, vouch(), scope="read")
    body = await response.json()
    assert (response.status, body["scope"], "refresh_token" in body) == (200, "read", False)
    told = await app.introspect(body["access_token"])
    assert (told["sub"], told["client_id"]) == ("alice", "app")
    (listed,) = (await app.issuer.store.grants.list_of_user("alice")).grants
    assert (listed.grant.grant_type, listed.grant.auth_time) == (GRANT, 0)


async def test_a_setting_allows_refresh_tokens(app: World) -> None:
    async with app.having(jwt_bearer_refresh=True) as other:
        body = await (await ask(other, vouch())).json()
        refreshed = await other.refresh(body["refresh_token"])
        assert "refresh_token" in await refreshed.json()
    assert (await app.refresh((await refreshed.json())["refresh_token"])).status == 400, "and ends them again"


@pytest.mark.parametrize("method", [ClientAuthMethod.CLIENT_SECRET_BASIC, ClientAuthMethod.PRIVATE_KEY_JWT])
async def test_a_client_vouches_by_its_own_key(world: World, method: ClientAuthMethod) -> None:
    """IT-06, IT-16: sub may differ from iss here, unlike in client authentication."""
    own: dict[str, Any] = {"grant_types": (GRANT,), "jwks": JWKS, "token_endpoint_auth_signing_alg": "RS256"}
    await world.client(auth_method=method, may_assert_subjects=True, **own)
    signer = Signer(KEYS[RS256], "RS256")
    form = {"grant_type": GRANT, "assertion": signer.sign(sub="alice")}
    proved = signer.form() if method is ClientAuthMethod.PRIVATE_KEY_JWT else {}
    response = await world.post("/token", form | proved, None if proved else "app")
    assert (await world.issuer.store.grants.list_of_user("alice")).grants, await response.text()
    other = {"grant_type": GRANT, "assertion": Signer().sign(sub="alice")}
    proved = signer.form() if proved else {}
    refused = await world.post("/token", other | proved, None if proved else "app")
    assert await error_of(refused) == (400, "invalid_grant"), "another algorithm than the registered one"


async def test_no_client_vouches_by_another_s_key(app: World) -> None:
    await app.client("other", grant_types=(GRANT,), jwks=JWKS)
    assert await error_of(await ask(app, Signer().sign(iss="other", sub="alice"))) == (400, "invalid_grant")
    assert await error_of(await ask(app, Signer().sign(iss="app", sub="alice"))) == (400, "invalid_grant"), (
        "it has none"
    )


@pytest.mark.parametrize(
    ("limits", "claims", "told"),
    [
        ({"clients": ["other"]}, {}, "not trusted for this client"),
        ({"subjects": ["bob", "carol"]}, {}, "may not assert this subject"),
        ({"algorithms": ["RS256"]}, {}, "signed with ES256"),
        ({}, {"iss": "https://other.example"}, "not trusted"),
        ({}, {"iss": "x" * 300}, "not trusted"),
        ({}, {"aud": "https://other.example"}, "aud must be"),
        ({}, {"aud": [ISSUER, "https://other.example"]}, "nothing beside it"),
        ({}, {"aud": f"{ISSUER}/token"}, f"aud must be {ISSUER}"),
        ({"audience": "urn:us"}, {"aud": "urn:them"}, "urn:us"),
        ({"audience": "urn:us"}, {"aud": ["urn:us", ISSUER]}, "nothing beside it"),
        ({}, {"exp": None}, "exp is missing"),
        ({}, {"exp": NOW + 86400}, "seconds away"),
        ({}, {"exp": NOW - 60}, "expired"),
        ({}, {"nbf": NOW + 86400}, "nbf"),
        ({}, {"sub": None}, "needs iss and sub"),
        ({}, {"sub": "al\nice"}, "printable ASCII"),
        ({}, {"sub": "a" * 256}, "printable ASCII"),
        ({}, {"jti": ""}, "jti"),
    ],
)
async def test_every_refusal_says_why(app: World, limits: dict[str, Any], claims: dict[str, Any], told: str) -> None:
    await trust(app, **limits)
    response = await ask(app, vouch(**claims))
    body = await response.json()
    assert (response.status, body["error"]) == (400, "invalid_grant")
    assert told in body["error_description"]
    assert not app.key_names(":access:")


@pytest.mark.parametrize("typ", types_but("authorization-grant+jwt", "oauth-id-jag+jwt"))
async def test_what_was_signed_for_another_purpose_is_no_grant(app: World, typ: str) -> None:
    """RFC 8725 3.11, by an issuer or by a client that may assert subjects itself."""
    await app.client("keyed", may_assert_subjects=True, jwks=JWKS, grant_types=(GRANT,))
    by_client = Signer().sign({"typ": typ}, iss="keyed", sub="alice")
    for client_id, assertion in (("app", vouch({"typ": typ})), ("keyed", by_client)):
        response = await ask(app, assertion, client_id)
        assert "another purpose" in (await response.json())["error_description"]


async def test_a_grant_may_say_that_it_is_one(app: World) -> None:
    assert (await ask(app, vouch({"typ": "authorization-grant+jwt"}))).status == 200


MINE = generate(SigningAlgorithm.ES256, 0)


@pytest.mark.parametrize(
    "assertion",
    [
        Signer(MINE).sign(iss=CI, sub="alice"),
        Signer(MINE).sign({"kid": JWKS["keys"][2]["kid"]}, iss=CI, sub="alice"),
        Signer(MINE).sign({"kid": None, "jwk": public_jwk(MINE, SigningAlgorithm.ES256)}, iss=CI, sub="alice"),
        hs256(Signer().claims(iss=CI, sub="alice"), str(JWKS["keys"][0]).encode()),
        vouch()[:-4],
        "x",
        "x" * 20_000,
    ],
)
async def test_forged_ones_are_refused(app: World, assertion: str) -> None:
    assert await error_of(await ask(app, assertion)) == (400, "invalid_grant")


@pytest.mark.parametrize("jti", ["once", None])
async def test_an_assertion_counts_once(any_world: World, jti: str | None) -> None:
    """Raced, with a jti and without one; what was begun for the others is taken back."""
    await any_world.client(grant_types=(GRANT,))
    await trust(any_world)
    assertion = vouch(jti=jti)
    responses = await asyncio.gather(*(ask(any_world, assertion) for _ in range(100)))
    assert sorted(response.status for response in responses) == [200] + [400] * 99
    assert await any_world.issuer.store.grants.revoke_user("alice") == 1


CORRECTABLE = {
    "another scope": {"scope": "zzz"},
    "a malformed scope": {"scope": '"'},
    "an unknown resource": {"resource": "https://nope.example"},
    "a malformed resource": {"resource": "nope"},
    "malformed details": {"authorization_details": "[{}]"},
}


@pytest.mark.parametrize("form", CORRECTABLE.values(), ids=CORRECTABLE)
async def test_a_mistake_that_can_be_corrected_uses_nothing_up(app: World, form: dict[str, str]) -> None:
    """By any client: whoever brings it first with a mistake could keep the right one from using it."""
    await app.client("other", grant_types=(GRANT,))
    assertion = vouch(jti="once")
    for client_id in ("app", "other"):
        assert (await ask(app, assertion, client_id, **form)).status == 400
    assert (await ask(app, assertion)).status == 200
    assert await error_of(await ask(app, assertion)) == (400, "invalid_grant")


async def test_nor_does_a_used_proof_or_a_user_who_is_disabled(app: World) -> None:
    await app.user()
    prover, assertion = Prover(), vouch(jti="once")
    form, headers = {"grant_type": GRANT, "assertion": assertion}, basic("app") | prover.headers(url=f"{ISSUER}/token")
    assert (await app.http.post("/token", data=form | {"assertion": vouch()}, headers=headers)).status == 200
    assert await error_of(await app.http.post("/token", data=form, headers=headers)) == (400, "invalid_dpop_proof")
    await app.set_enabled("alice", enabled=False)
    assert await error_of(await ask(app, assertion)) == (400, "invalid_grant")
    await app.set_enabled("alice", enabled=True)
    assert (await ask(app, assertion)).status == 200


async def test_the_audience_may_be_one_of_its_own(app: World) -> None:
    await trust(app, audience="urn:mint")
    for audience in ("urn:mint", ISSUER, ["urn:mint"]):
        assert (await ask(app, vouch(aud=audience))).status == 200
    async with app.having(assertion_audience="endpoint") as other:
        assert (await ask(other, vouch(aud=ISSUER + "/token"))).status == 200
        assert (await ask(other, vouch(aud=["urn:mint", ISSUER]))).status == 400


async def test_scopes_are_those_of_client_and_trust(app: World) -> None:
    await trust(app, scopes=["write"])
    assert await error_of(await ask(app, vouch(), scope="read")) == (400, "invalid_scope")
    assert (await (await ask(app, vouch(), scope="write")).json())["scope"] == "write"


async def test_a_disabled_user_gets_nothing(app: World) -> None:
    await app.user()
    await app.set_enabled("alice", enabled=False)
    assert await error_of(await ask(app, vouch())) == (400, "invalid_grant")


async def test_keys_are_fetched_and_trust_ends_at_once(world: World) -> None:
    async def keys(_: web.Request) -> web.Response:
        return web.json_response(JWKS)

    site = web.Application()
    site.router.add_get("/jwks", keys)
    async with TestServer(site) as server, world.having(fetch_private_addresses=True) as other:
        http_client = type(other.issuer.http_client)(other.issuer.settings)
        client_keys = type(other.issuer.client_keys)(other.issuer.settings, http_client.get)
        async with other.with_part(http_client=http_client, client_keys=client_keys) as able:
            await able.client(grant_types=(GRANT,))
            await trust(able, jwks=None, jwks_uri=f"http://127.0.0.1:{server.port}/jwks")
            assert (await ask(able, vouch())).status == 200
            await trusts.remove_trust(able.issuer, CI)
            assert (await ask(able, vouch())).status == 400
            with pytest.raises(NotFound):
                await trusts.remove_trust(able.issuer, CI)
        await http_client.close()


@pytest.mark.parametrize(
    "members",
    [
        {"issuer": "ci", "jwks": None},
        {"issuer": "https://ci.example.com/?a=b", "jwks": None},
        {"jwks_uri": "https://ci.example.com/jwks"},
        {"jwks": {"keys": []}},
        {"issuer": "a b"},
        {"algorithms": ["none"]},
        {"algorithms": ["HS256"]},
        {"colour": "blue"},
    ],
)
async def test_what_cannot_be_trusted(world: World, members: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        await trust(world, **members)


def _malleated(assertion: str) -> str:
    """The same ECDSA signature in other numbers: (r, n - s) verifies whatever (r, s) does."""
    head, body, signature = assertion.split(".")
    raw = urlsafe_b64decode(signature + "==")
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    other = (order - int.from_bytes(raw[32:], "big")).to_bytes(32, "big")
    return f"{head}.{body}.{base64url(raw[:32] + other)}"


@pytest.mark.parametrize("change", [str, _malleated, lambda assertion: assertion + "=="], ids=["same", "s", "padding"])
async def test_without_a_jti_what_is_signed_counts_once(app: World, change: Callable[[str], str]) -> None:
    """Not the text: a signature can be written in more than one way."""
    assertion = vouch(jti=None)
    assert (await ask(app, assertion)).status == 200
    assert await error_of(await ask(app, change(assertion))) == (400, "invalid_grant")
    assert await app.issuer.store.grants.revoke_user("alice") == 1


async def test_a_used_client_assertion_uses_no_other_up(app: World) -> None:
    await app.client("keyed", auth_method=ClientAuthMethod.PRIVATE_KEY_JWT, secrets=(), jwks=JWKS, grant_types=(GRANT,))
    used, fresh = Signer(subject="keyed"), vouch()
    form = {"grant_type": GRANT, "assertion": vouch(), **used.form()}
    assert (await app.post("/token", form, None)).status == 200
    before = app.key_names()
    for _ in range(10):
        assert (await app.post("/token", form | {"assertion": fresh}, None)).status == 401
    assert app.key_names() == before, "nothing is left of it"
    assert (await app.post("/token", {"grant_type": GRANT, "assertion": fresh, **used.form()}, None)).status == 200


async def test_no_client_vouches_unless_it_may(app: World) -> None:
    """A client that may bring assertions of others, and gives itself keys, speaks for nobody."""
    await app.client("keyed", jwks=JWKS, grant_types=(GRANT,))
    assertion = Signer().sign(iss="keyed", sub="alice")
    assert await error_of(await ask(app, assertion, "keyed")) == (400, "invalid_grant")


async def test_an_assertion_is_good_again_where_nothing_came_of_it(redis: Shape, proxy: CuttingProxy) -> None:
    """Redis goes away between the use and the token: a 503, and the same assertion once more."""
    async with open_issuer(settings_for(proxy.url, redis_timeout=1)) as issuer, in_process(issuer) as http:
        world = World(issuer, http, redis)
        await world.client(grant_types=(GRANT,))
        await trust(world)
        assertion = vouch()
        proxy.cut_before(
            lambda command: any(word.endswith(b":access:") or b"}:access:" in word for word in command[1:6]), times=60
        )
        assert (await ask(world, assertion)).status == 503
        proxy.heal()
        async with asyncio.timeout(PATIENCE):
            while (response := await ask(world, assertion)).status == 503:
                await asyncio.sleep(0.05)
        assert response.status == 200, await response.text()


async def test_what_is_reusable_is_used_until_it_ends(app: World) -> None:
    """Platforms give their workloads a token for hours; from all others an assertion counts once."""
    await trust(app, reusable=True, subjects=["system:serviceaccount:shop:billing"])
    token = vouch(sub="system:serviceaccount:shop:billing", exp=NOW + 36_000)
    told = [await (await ask(app, token)).json() for _ in range(3)]
    assert len({one["access_token"] for one in told}) == 3
    assert (await app.introspect(told[0]["access_token"]))["sub"] == "system:serviceaccount:shop:billing"
    for wrong in (vouch(exp=NOW + 36_000), vouch(sub="system:serviceaccount:shop:billing", exp=NOW + 864_000)):
        assert await error_of(await ask(app, wrong)) == (400, "invalid_grant")
