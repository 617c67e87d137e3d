"""/auth/revocation, driven by Authlete's SDK."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from authlete.dto import RevocationAction, RevocationRequest, RevocationResponse

from tests.deciding import Backend
from tests.world import SECRET


async def ask(caller: Backend, client: tuple[str, str] | None = ("app", SECRET), **form: str) -> RevocationResponse:
    request = RevocationRequest()
    request.parameters = urlencode(form)
    if client is not None:
        request.clientId, request.clientSecret = client
    response: Any = await caller.ask("revocation", request)
    return response


async def test_a_revoked_token_is_dead(caller: Backend) -> None:
    client = await caller.world.client()
    tokens = await caller.world.tokens(client)
    response = await ask(caller, token=tokens["refresh_token"])
    assert (response.action, response.responseContent) == (RevocationAction.OK, "")
    assert not await caller.world.is_active(tokens["access_token"])


async def test_what_is_unknown_or_another_clients_is_ok_and_stays(caller: Backend) -> None:
    client = await caller.world.client()
    await caller.world.client("other")
    tokens = await caller.world.tokens(client)
    assert (await ask(caller, ("other", SECRET), token=tokens["refresh_token"])).action is RevocationAction.OK
    assert (await ask(caller, token="x")).action is RevocationAction.OK
    assert await caller.world.is_active(tokens["access_token"])


@pytest.mark.parametrize("client", [None, ("app", "wrong-secret"), ("nobody", SECRET)])
async def test_who_is_not_the_client(caller: Backend, client: tuple[str, str] | None) -> None:
    await caller.world.client()
    response = await ask(caller, client, token="x")
    assert response.action is RevocationAction.INVALID_CLIENT
    assert json.loads(response.responseContent)["error"] == "invalid_client"


async def test_without_a_token_it_is_a_bad_request(caller: Backend) -> None:
    await caller.world.client()
    response = await ask(caller)
    assert response.action is RevocationAction.BAD_REQUEST
    assert json.loads(response.responseContent)["error"] == "invalid_request"
