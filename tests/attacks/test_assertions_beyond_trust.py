"""An issuer that is trusted for little says no more than that: neither scopes beyond, nor that a party of ours acts."""

from typing import Any

import pytest

from service.admin import trusts
from service.admin.resources import ResourceInput, create_resource
from service.admin.trusts import TrustInput
from service.protocol.names import ClientAuthMethod, GrantTypeName, SigningAlgorithm
from tests.assertions import ISSUER, JWKS, KEYS, Signer
from tests.exchanging import EXCHANGE, acting, exchange, exchanged
from tests.registering import register
from tests.world import World, basic, error_of

GRANT = GrantTypeName.JWT_BEARER.value
CI, MCP = "https://ci.example.com", "https://mcp.example"
RS256 = SigningAlgorithm.RS256


async def trust(world: World, **members: Any) -> None:
    await trusts.add_trust(world.issuer, TrustInput.read({"issuer": CI, "jwks": JWKS} | members))


def vouch(**claims: Any) -> str:
    return Signer().sign(**{"iss": CI, "sub": "alice", **claims})


async def test_who_acts_is_a_party_of_the_issuer(world: World) -> None:
    """Without iss it would be a client of ours that acted, as an API reads it."""
    await world.client("app", grant_types=(GRANT,))
    await trust(world)
    act = {"sub": "billing", "client_id": "billing", "act": {"sub": "x", "iss": "https://other.example"}}
    body = await (await world.token(grant_type=GRANT, assertion=vouch(act=act))).json()
    assert (await world.introspect(body["access_token"]))["act"] == {"iss": CI, **act}
    for claimed in ({"sub": "billing", "iss": ISSUER}, {"sub": "x", "act": {"sub": "billing", "iss": ISSUER}}, "app"):
        refused = await world.token(grant_type=GRANT, assertion=vouch(act=claimed))
        assert await error_of(refused) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("act", "status"),
    [
        ({"sub": "app"}, 200),
        ({"sub": "app", "client_id": "app"}, 200),
        ({"sub": "billing"}, 400),
        ({"sub": "app", "act": {"sub": "billing"}}, 400),
        ({}, 400),
    ],
)
async def test_a_client_says_of_itself_alone_that_it_acts(world: World, act: dict[str, Any], status: int) -> None:
    own: dict[str, Any] = {"grant_types": (GRANT,), "jwks": JWKS, "token_endpoint_auth_signing_alg": "RS256"}
    await world.client(auth_method=ClientAuthMethod.CLIENT_SECRET_BASIC, may_assert_subjects=True, **own)
    assertion = Signer(KEYS[RS256], "RS256").sign(sub="alice", act=act)
    response = await world.token(grant_type=GRANT, assertion=assertion)
    assert response.status == status, await response.text()
    if status == 200:
        said = await world.introspect((await response.json())["access_token"])
        assert said["act"] == {"sub": "app", "client_id": "app"}


async def test_who_may_act_is_kept_for_exchanges_of_the_token(world: World) -> None:
    """What the issuer of the assertion allows one party, no other gets by redeeming first (RFC 8693 section 4.4)."""
    await world.client("app", grant_types=(GRANT, EXCHANGE))
    await world.client("agent", grant_types=("client_credentials", EXCHANGE), exchange_from=("app",))
    await trust(world)
    assertion = vouch(may_act={"client_id": "agent"})
    token = (await (await world.token(grant_type=GRANT, assertion=assertion)).json())["access_token"]
    assert (await world.introspect(token))["may_act"] == {"client_id": "agent"}
    assert await error_of(await exchange(world, "app", token)) == (400, "invalid_request")
    body = await exchanged(world, "agent", token, **await acting(world, "agent"))
    assert (await world.introspect(body["access_token"], "agent"))["act"] == {"sub": "agent", "client_id": "agent"}
    refused = await world.token(grant_type=GRANT, assertion=vouch(may_act=["agent"]))
    assert await error_of(refused) == (400, "invalid_grant")


async def test_scopes_of_open_resources_are_within_the_trust_too(world: World) -> None:
    resource = {"resource": MCP, "scopes": ["mcp:read", "mcp:admin"], "self_registered": True}
    await create_resource(world.issuer, ResourceInput.read(resource))
    await trust(world, scopes=["mcp:read"])
    async with world.having(registration="open") as other:
        _, made = await register(other, {"redirect_uris": ["https://app.example/callback"]})
        seen = await other.issuer.store.clients.read(made["client_id"])
        assert seen
        await other.change(seen, grant_types=(GRANT,))
        other.issuer.store.clients.forget([made["client_id"]])
        answers = []
        for scope in ("mcp:read", "mcp:read mcp:admin"):
            form = {"grant_type": GRANT, "assertion": vouch(), "resource": MCP, "scope": scope}
            headers = basic(made["client_id"], made["client_secret"])
            answers.append(await other.http.post("/token", data=form, headers=headers))
        assert (answers[0].status, await error_of(answers[1])) == (200, (400, "invalid_scope"))
