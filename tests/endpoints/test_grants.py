"""Grant management: a client looks at what a user allowed it, and gives it back (Grant Management for OAuth 2.0)."""

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import ClientResponse

from service.protocol.names import AccessTokenFormat
from tests.dpop import Prover
from tests.person import Person
from tests.world import ALL_GRANT_TYPES, FORM, VERIFIER, World, basic, error_of

QUERY, REVOKE = "grant_management_query", "grant_management_revoke"
DETAILS = [{"type": "account", "actions": ["read"]}]
API = "https://api.example"


@pytest.fixture
async def world(world: World) -> AsyncIterator[World]:
    async with world.having(grant_management=True, authorization_details_types={"account": {}}) as made:
        scopes = ("openid", "email", "read", QUERY, REVOKE)
        await made.openid_client(scopes=scopes, audiences=(API,), authorization_details_types=("account",))
        await made.user(claims={"email": "alice@example.com", "name": "Alice"})
        yield made


async def granted(world: World, **request: str) -> dict[str, Any]:
    code = (await Person(world).sign_in(grant_management_action="create", **request)).answer["code"]
    tokens: dict[str, Any] = await (await world.redeem(code, code_verifier=VERIFIER)).json()
    return tokens


async def own_token(world: World, scope: str = f"{QUERY} {REVOKE}", client_id: str = "app") -> str:
    response = await world.token(client_id, grant_type="client_credentials", scope=scope)
    return str((await response.json())["access_token"])


async def ask(world: World, method: str, grant_id: str, token: str) -> ClientResponse:
    return await world.http.request(method, f"/grants/{grant_id}", headers={"Authorization": f"Bearer {token}"})


async def test_a_token_that_is_kept_nowhere_will_do(world: World) -> None:
    """It is introspected as active, with its scope; and it needs its key, as every other one, and a client that is there."""
    client = await world.client(
        "clerk", scopes=(QUERY, REVOKE), access_token_format=AccessTokenFormat.STATELESS, grant_types=ALL_GRANT_TYPES
    )
    grant_id = (await world.tokens(client, scope=QUERY))["grant_id"]
    token, prover = await own_token(world, client_id="clerk"), Prover()
    assert (await ask(world, "GET", grant_id, token)).status == 200
    assert await error_of(await ask(world, "GET", grant_id, await own_token(world, REVOKE, "clerk"))) == (
        403,
        "insufficient_scope",
    )
    headers = basic("clerk") | prover.headers() | {"Content-Type": FORM}
    form = urlencode({"grant_type": "client_credentials", "scope": f"{QUERY} {REVOKE}"})
    bound = (await (await world.http.post("/token", data=form, headers=headers)).json())["access_token"]
    assert (await ask(world, "GET", grant_id, bound)).status == 401
    proved = prover.with_token(bound, url=f"http://127.0.0.1:8080/grants/{grant_id}")
    assert (await world.http.get(f"/grants/{grant_id}", headers=proved)).status == 200
    await world.change(client, generation=client.generation + 1)
    world.issuer.store.clients.forget(["clerk"])
    assert await error_of(await ask(world, "GET", grant_id, token)) == (401, "invalid_token")


async def test_discovery_says_what_can_be_done(world: World) -> None:
    document = await (await world.http.get("/.well-known/oauth-authorization-server")).json()
    assert document["grant_management_endpoint"] == "http://127.0.0.1:8080/grants"
    assert document["grant_management_actions_supported"] == ["create", "query", "revoke"]
    assert document["grant_management_action_required"] is False


async def test_a_client_looks_at_a_grant_and_ends_it(world: World) -> None:
    claims = {"claims": json.dumps({"userinfo": {"email": None}})}
    tokens = await granted(
        world, scope="openid email read", resource=API, authorization_details=json.dumps(DETAILS), **claims
    )
    token, grant_id = await own_token(world), tokens["grant_id"]
    response = await ask(world, "GET", grant_id, token)
    assert (response.status, response.headers["Cache-Control"]) == (200, "no-store")
    assert await response.json() == {
        "scopes": [{"scope": "openid email read", "resource": [API]}],
        "claims": ["email"],
        "authorization_details": DETAILS,
    }
    refreshed = await (await world.refresh(tokens["refresh_token"])).json()
    assert refreshed["grant_id"] == grant_id
    assert (await ask(world, "DELETE", grant_id, token)).status == 204
    assert not await world.is_active(refreshed["access_token"])
    assert (await world.refresh(refreshed["refresh_token"])).status == 400
    for method in ("GET", "DELETE"):
        assert await error_of(await ask(world, method, grant_id, token)) == (404, "invalid_grant_id")


async def test_a_grant_of_another_client_is_as_none(world: World) -> None:
    grant_id = (await granted(world))["grant_id"]
    await world.client("other", scopes=(QUERY, REVOKE))
    token = await own_token(world, client_id="other")
    for method in ("GET", "DELETE"):
        assert await error_of(await ask(world, method, grant_id, token)) == (404, "invalid_grant_id")
    assert (await ask(world, "GET", grant_id, await own_token(world))).status == 200, "it lives"


async def test_two_tokens_are_refused_with_a_challenge(world: World) -> None:
    """RFC 6750 section 3.1."""
    headers = [("Authorization", f"Bearer {await own_token(world)}")] * 2
    response = await world.http.get("/grants/" + "A" * 22, headers=headers)
    assert await error_of(response) == (400, "invalid_request")
    assert response.headers["WWW-Authenticate"].startswith('Bearer realm="mintmark", error="invalid_request"')


@pytest.mark.parametrize(
    "grant_id", ["", "x", "A" * 22, "A" * 21 + "*", "A" * 22 + "/x", "%7B" + "A" * 21, "*", "A" * 4000]
)
async def test_what_is_no_grant_is_not_found(world: World, grant_id: str) -> None:
    assert (await ask(world, "GET", grant_id, await own_token(world))).status == 404


async def test_each_act_needs_its_scope(world: World) -> None:
    grant_id = (await granted(world))["grant_id"]
    for method, other in (("GET", REVOKE), ("DELETE", QUERY)):
        refused = await ask(world, method, grant_id, await own_token(world, other))
        assert await error_of(refused) == (403, "insufficient_scope")
    tokens = await granted(world, scope="openid read")
    assert await error_of(await ask(world, "GET", grant_id, tokens["access_token"])) == (403, "insufficient_scope")
    for token in ("mm_at_x", tokens["refresh_token"], tokens["id_token"]):
        assert (await ask(world, "GET", grant_id, token)).status == 401
    assert (await world.http.post(f"/grants/{grant_id}")).status == 405


async def test_who_is_refused_is_told_what_would_do(world: World) -> None:
    """RFC 9449 section 7.2: a challenge of the scheme in use, and never one for clients' passwords."""
    grant_id, prover, url = (await granted(world))["grant_id"], Prover(), "http://127.0.0.1:8080/grants/"
    form = {"grant_type": "client_credentials", "scope": QUERY}
    bought = await world.http.post("/token", data=form, headers=basic("app") | prover.headers())
    token = (await bought.json())["access_token"]
    good, forged = prover.with_token(token, url=url + grant_id), prover.with_token(token, url=url)
    assert (await world.http.get(f"/grants/{grant_id}", headers=good)).status == 200
    for headers, challenge in (
        (good, 'DPoP realm="mintmark", error="invalid_dpop_proof"'),
        (forged, 'DPoP realm="mintmark", error="invalid_dpop_proof"'),
        ({"Authorization": f"Bearer {token}"}, 'Bearer realm="mintmark", error="invalid_token"'),
        ({}, 'Bearer realm="mintmark", DPoP realm="mintmark"'),
    ):
        refused = await world.http.get(f"/grants/{grant_id}", headers=headers)
        assert (refused.status, refused.headers["WWW-Authenticate"].startswith(challenge)) == (401, True), challenge


async def test_a_client_that_was_revoked_has_no_grants(world: World) -> None:
    tokens, token = await granted(world), await own_token(world)
    client = await world.issuer.store.clients.get("app")
    assert client
    await world.change(client, generation=client.generation + 1)
    assert (await ask(world, "GET", tokens["grant_id"], token)).status == 401


@pytest.mark.parametrize(
    "request_", [{"grant_management_action": "merge"}, {"grant_management_action": "replace"}, {"grant_id": "A" * 22}]
)
async def test_what_is_not_supported_is_said(world: World, request_: dict[str, str]) -> None:
    assert (await Person(world).authorize(**request_)).error == "invalid_request"


async def test_without_the_setting_nothing_of_it_is_there(world: World) -> None:
    async with world.having() as other:
        tokens = await granted(other, grant_id="x")
        assert "grant_id" not in tokens
        assert (await ask(other, "GET", "A" * 22, tokens["access_token"])).status == 404
        document = await (await other.http.get("/.well-known/oauth-authorization-server")).json()
        assert not [name for name in document if name.startswith("grant_management")]


async def test_only_grants_of_users_have_an_id_for_clients(world: World) -> None:
    response = await world.token(grant_type="client_credentials", scope="read")
    assert "grant_id" not in await response.json()
