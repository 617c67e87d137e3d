"""Clients that register themselves by way of a caller (Authlete tier 2, DCR; RFC 7591, RFC 7592)."""

import json
from typing import Any

import pytest
from authlete.dto import ClientRegistrationRequest

from service.admin.registration import create_initial_access_token
from tests.deciding import Backend, backend
from tests.world import CALLBACK, World

METADATA = {"client_name": "Reader", "redirect_uris": [CALLBACK], "grant_types": ["authorization_code"]}


async def ask(caller: Backend, call: str, metadata: object = None, **members: str) -> Any:
    """A call of the SDK with this metadata."""
    request = ClientRegistrationRequest()
    request.json = metadata if isinstance(metadata, str) or metadata is None else json.dumps(metadata)
    for name, value in members.items():
        setattr(request, name, value)
    return await caller.ask(call, request)


async def test_a_client_registers_reads_changes_and_deletes_itself(world: World) -> None:
    """Authlete tier 2, DCR: CREATED, OK, UPDATED, DELETED; the response is ready-made, the client told beside it."""
    async with backend(world, registration="open") as caller:
        made = await ask(caller, "dynamicClientRegister", METADATA)
        told = json.loads(made.responseContent)
        assert (made.action.name, made.client.clientName, told["client_name"]) == ("CREATED", "Reader", "Reader")
        assert made.client.dynamicallyRegistered
        assert made.client.clientIdAlias == told["client_id"]
        assert "client_secret" in told
        assert told["client_secret"] not in made.client.to_json()
        assert told["registration_access_token"] not in made.client.to_json()
        own = {"clientId": told["client_id"], "token": told["registration_access_token"]}
        read = await ask(caller, "dynamicClientGet", **own)
        shown = json.loads(read.responseContent)
        assert (read.action.name, shown["client_id"]) == ("OK", told["client_id"])
        assert shown["registration_access_token"] == own["token"]
        by_number = await ask(caller, "dynamicClientGet", token=own["token"], clientId=str(made.client.clientId))
        assert by_number.action.name == "OK"
        changed = await ask(
            caller, "dynamicClientUpdate", METADATA | {"client_id": told["client_id"], "client_name": "Writer"}, **own
        )
        assert (changed.action.name, changed.client.clientName) == ("UPDATED", "Writer")
        gone = await ask(caller, "dynamicClientDelete", **own)
        assert (gone.action.name, gone.responseContent, gone.client) == ("DELETED", "", None)
        assert await world.issuer.store.clients.read(told["client_id"]) is None


async def test_registration_that_needs_a_token(world: World) -> None:
    """Authlete tier 2, DCR: an initial access token is spent; without one UNAUTHORIZED."""
    async with backend(world, registration="initial_access_token") as caller:
        members = {"json": json.dumps(METADATA)}
        for token in ({}, {"token": "mm_ia_wrong"}):
            answer = await caller.answer("/client/registration", **members, **token)
            assert answer["action"] == "UNAUTHORIZED"
            assert json.loads(answer["responseContent"])["error"] == "invalid_token"
        for malformed in ("two words", "x\r\ny: z"):
            answer = await caller.answer("/client/registration", **members, token=malformed)
            assert answer["action"] == "BAD_REQUEST"
            assert json.loads(answer["responseContent"])["error"] == "invalid_request"
        token = {"token": await create_initial_access_token(caller.world.issuer, uses=1, lifetime=60)}
        assert (await ask(caller, "dynamicClientRegister", METADATA, **token)).action.name == "CREATED"
        assert (await caller.answer("/client/registration", **members, **token))["action"] == "UNAUTHORIZED"


async def test_where_registration_is_off_nobody_registers(world: World) -> None:
    """Authlete tier 2, DCR: the setting holds for callers too."""
    async with backend(world, registration="off") as caller:
        token = await create_initial_access_token(caller.world.issuer, uses=1, lifetime=60)
        assert (await ask(caller, "dynamicClientRegister", METADATA, token=token)).action.name == "BAD_REQUEST"
        assert not world.key_names("mm:client:")


@pytest.mark.parametrize(
    ("metadata", "error"),
    [
        (METADATA | {"redirect_uris": ["http://evil.example/"]}, "invalid_redirect_uri"),
        (METADATA | {"grant_types": ["password"]}, "invalid_client_metadata"),
        (METADATA | {"client_name": 7}, "invalid_client_metadata"),
        ("{", "invalid_client_metadata"),
        ("[]", "invalid_client_metadata"),
        ("", "invalid_client_metadata"),
        (None, "invalid_client_metadata"),
        ("[" * 50_000, "invalid_client_metadata"),
    ],
)
async def test_metadata_that_is_refused(world: World, metadata: object, error: str) -> None:
    """Authlete tier 2, DCR: BAD_REQUEST with the error of RFC 7591 3.2.2."""
    async with backend(world, registration="open") as caller:
        answer = await ask(caller, "dynamicClientRegister", metadata)
        assert (answer.action.name, json.loads(answer.responseContent)["error"]) == ("BAD_REQUEST", error)


@pytest.mark.parametrize("call", ["get", "update", "delete"])
async def test_somebody_elses_registration(world: World, call: str) -> None:
    """Authlete tier 2, DCR: whatever is wrong, UNAUTHORIZED, and the client stays."""
    async with backend(world, registration="open") as caller:
        one, two = [
            json.loads((await ask(caller, "dynamicClientRegister", METADATA)).responseContent) for _ in range(2)
        ]
        for client_id, token in (
            (one["client_id"], two["registration_access_token"]),
            (one["client_id"], ""),
            ("nobody", one["registration_access_token"]),
            ("", one["registration_access_token"]),
            ("a" * 3000, one["registration_access_token"]),
        ):
            metadata = json.dumps(METADATA | {"client_id": client_id})
            answer = await caller.answer(f"/client/registration/{call}", json=metadata, clientId=client_id, token=token)
            assert answer["action"] == "UNAUTHORIZED"
        assert await world.issuer.store.clients.read(one["client_id"]) is not None
