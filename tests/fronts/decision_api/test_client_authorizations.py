"""What people have allowed clients, by API (Authlete tier 2: authorised-app list, update, delete; granted scopes)."""

from typing import Any

import pytest
from authlete.api import AuthleteApiException
from authlete.dto import ClientAuthorizationGetListRequest, ClientAuthorizationUpdateRequest

from service.admin import authorizations
from service.admin.clients import get_client
from service.records.consent import Consent
from tests.deciding import API_KEY, API_SECRET, Backend
from tests.world import World, basic

LIST = "/client/authorization/get/list"


async def two_clients(world: World) -> dict[str, str]:
    """Alice has allowed 11 and 12 something, bob 11; access tokens by who and what."""
    one, two = await world.client("11", name="One"), await world.client("12", name="two")
    return {
        "alice one": (await world.tokens(one, scope="read write"))["access_token"],
        "alice two": (await world.tokens(two, scope="read"))["access_token"],
        "bob one": (await world.tokens(one, subject="bob", scope="read"))["access_token"],
    }


async def consent(world: World, client_id: str, *scopes: str, subject: str = "alice") -> None:
    client = await world.issuer.store.clients.read(client_id)
    assert client is not None
    await world.issuer.store.consents.keep(subject, client_id, Consent(scopes, client.generation, 1_700_000_000), 0)


async def living(world: World, tokens: dict[str, str]) -> set[str]:
    return {name for name, token in tokens.items() if await world.is_active(token, "12" if "two" in name else "11")}


async def update(caller: Backend, client: object, **members: Any) -> None:
    request = ClientAuthorizationUpdateRequest()
    for name, value in members.items():
        setattr(request, name, value)
    await caller.ask("updateClientAuthorization", client, request)


async def test_the_clients_that_somebody_has_authorized(caller: Backend) -> None:
    """Authlete tier 2, authorised-app list: by grant or consent, by name, in windows; in a body and in the path."""
    await two_clients(caller.world)
    await caller.world.client("13", name="Asked before")
    await consent(caller.world, "13", "read")
    body = await caller.answer(LIST, subject="alice", end=10)
    assert [one["clientId"] for one in body["clients"]] == [13, 11, 12]
    assert (body["totalCount"], body["subject"], body["start"], body["end"]) == (3, "alice", 0, 10)
    window = await caller.answer(f"{LIST}/alice", start=1, end=2)
    assert ([one["clientId"] for one in window["clients"]], window["totalCount"]) == ([11], 3)
    response = await caller.http.get(f"/api{LIST}/bob", headers=basic(API_KEY, API_SECRET))
    assert [one["clientId"] for one in (await response.json())["clients"]] == [11]
    assert (await caller.answer(LIST, subject="nobody"))["totalCount"] == 0


async def test_scopes_are_taken_away_in_every_grant_however_many(
    caller: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Authlete tier 2, authorised-app update: a list may be cut off, what is taken away must be gone everywhere."""
    monkeypatch.setattr(authorizations, "_PAGE", 3)
    monkeypatch.setattr(authorizations, "_MOST", 5)
    client = await caller.world.client("11")
    tokens = [(await caller.world.tokens(client, scope="read write"))["access_token"] for _ in range(8)]
    await update(caller, 11, subject="alice", scopes=["read"])
    assert [(await caller.world.introspect(token, "11"))["scope"] for token in tokens] == ["read"] * 8


async def test_the_sdk_sends_the_list_request_and_fails_on_any_answer(caller: Backend) -> None:
    """Authlete tier 2, authorised-app list: version 1.3.0 of the SDK cannot read this answer, whatever is in it; that it is
    an answer and no refusal can be seen.
    """
    request = ClientAuthorizationGetListRequest()
    request.subject = "alice"
    with pytest.raises(AttributeError):
        await caller.ask("getClientAuthorizationList", request)
    request.subject = None
    with pytest.raises(AuthleteApiException):
        await caller.ask("getClientAuthorizationList", request)


async def test_an_authorization_is_changed_in_every_grant(caller: Backend) -> None:
    """Authlete tier 2, authorised-app update: the scopes of all that the person gave the client, and of nobody else's."""
    world = caller.world
    tokens = await two_clients(world)
    again = await world.tokens(await get_client(world.issuer, "11"), scope="write")
    tokens["alice one again"] = again["access_token"]
    await consent(world, "11", "read", "write")
    await update(caller, 11, subject="alice", scopes=["read"])
    assert [(await world.introspect(tokens[name], "11"))["scope"] for name in ("alice one", "alice one again")] == [
        "read"
    ] * 2
    assert (await world.introspect(tokens["bob one"], "11"))["scope"] == "read"
    assert await world.issuer.store.consents.get("alice", "11") is None
    await update(caller, 11, subject="alice", scopes=[])
    assert "scope" not in await world.introspect(tokens["alice one"], "11")
    await update(caller, 12, subject="alice", scopes=None)
    assert (await world.introspect(tokens["alice two"], "12"))["scope"] == "read"


@pytest.mark.parametrize("scopes", [["admin"], ["read", "admin"], ['"'], ["two words"]])
async def test_no_more_than_the_client_may_have(caller: Backend, scopes: list[str]) -> None:
    """Authlete tier 2, authorised-app update: refused whole."""
    tokens = await two_clients(caller.world)
    await consent(caller.world, "11", "read", "write")
    with pytest.raises(AuthleteApiException):
        await update(caller, 11, subject="alice", scopes=scopes)
    assert (await caller.world.introspect(tokens["alice one"], "11"))["scope"] == "read write"
    assert await caller.world.issuer.store.consents.get("alice", "11") is not None


async def test_an_authorization_is_ended(caller: Backend) -> None:
    """Authlete tier 2, authorised-app delete; IA-40: grants and consent, of this person and client only."""
    world = caller.world
    tokens = await two_clients(world)
    await consent(world, "11", "read")
    await caller.ask("deleteClientAuthorization", 11, "alice")
    assert await living(world, tokens) == {"alice two", "bob one"}
    assert await world.issuer.store.consents.get("alice", "11") is None
    response = await caller.http.delete(
        "/api/client/authorization/delete/11?subject=bob", headers=basic(API_KEY, API_SECRET)
    )
    assert response.status == 200
    assert await living(world, tokens) == {"alice two"}


async def test_granted_scopes(caller: Backend) -> None:
    """Authlete tier 2, granted scopes: those of the newest grant, and all that were ever allowed; forgotten, they are asked
    for again, and tokens live on.
    """
    world = caller.world
    tokens = await two_clients(world)
    await consent(world, "12", "write")
    held = await caller.ask("getGrantedScopes", 12, "alice")
    assert (held.clientId, held.subject) == (12, "alice")
    assert (held.latestGrantedScopes, held.mergedGrantedScopes) == (["read"], ["read", "write"])
    assert held.modifiedAt > 1_700_000_000_000
    await caller.ask("deleteGrantedScopes", 12, "alice")
    assert (await caller.ask("getGrantedScopes", 12, "alice")).mergedGrantedScopes == ["read"]
    assert "alice two" in await living(world, tokens)
    assert (await caller.ask("getGrantedScopes", 12, "bob")).mergedGrantedScopes is None


@pytest.mark.parametrize(
    ("path", "members", "status"),
    [
        (LIST, {}, 400),
        (LIST, {"subject": ["alice"]}, 400),
        (LIST, {"subject": "a" * 300}, 400),
        (f"{LIST}/{'a' * 300}", {}, 400),
        (LIST, {"subject": "alice", "start": 3, "end": 1}, 400),
        ("/client/authorization/update/99", {"subject": "alice", "scopes": []}, 404),
        ("/client/authorization/update/11", {"scopes": []}, 400),
        ("/client/authorization/update/11", {"subject": "alice", "scopes": 7}, 400),
        ("/client/authorization/delete/99", {"subject": "alice"}, 404),
        ("/client/authorization/delete/11", {"subject": ""}, 400),
        ("/client/granted_scopes/get/99", {"subject": "alice"}, 404),
        ("/client/granted_scopes/delete/11", {"subject": None}, 400),
    ],
)
async def test_calls_that_name_nobody_or_nothing(
    caller: Backend, path: str, members: dict[str, Any], status: int
) -> None:
    """Authlete tier 2, authorised-app calls: 400 and 404 with a result code, and nothing is ended."""
    tokens = await two_clients(caller.world)
    response = await caller.post(path, members)
    assert (response.status, "resultCode" in await response.json()) == (status, True)
    assert await living(caller.world, tokens) == set(tokens)


async def test_the_person_may_stand_in_the_path(caller: Backend) -> None:
    """As Authlete 3 has it, beside the body and the query; somebody has to be named."""
    await two_clients(caller.world)
    headers = basic(API_KEY, API_SECRET)
    granted = await (await caller.http.get("/api/client/granted_scopes/get/11/bob", headers=headers)).json()
    assert (granted["subject"], granted["latestGrantedScopes"]) == ("bob", ["read"])
    await consent(caller.world, "11", "read", subject="bob")
    assert (await caller.http.delete("/api/client/granted_scopes/delete/11/bob", headers=headers)).status == 200
    assert await caller.world.issuer.store.consents.get("bob", "11") is None
    ended = await (await caller.http.delete("/api/client/authorization/delete/11/bob", headers=headers)).json()
    assert "Grants: 1." in ended["resultMessage"]
    for path in ("/api/client/authorization/delete/11", "/api/client/granted_scopes/delete/11"):
        nobody = await caller.http.delete(path, headers=headers)
        assert (nobody.status, (await nobody.json())["resultCode"]) == (400, "M000003")
