"""Wrong client secrets by way of a backend: they delay whoever guesses, and nobody who knows the secret."""

import asyncio
import json
import logging
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from service.crypto.passwords import Hashing
from service.records.client import ClientSecret
from tests.deciding import OTHER_KEY, OTHER_SECRET, Backend, backend
from tests.world import World, basic, settings_for

STRICT: dict[str, Any] = {"client_failures_allowed": 2, "failure_first_delay": 60}
FORM = "grant_type=client_credentials"
CALLS = {
    "/auth/token": FORM,
    "/auth/revocation": "token=x",
    "/pushed_auth_req": "response_type=code",
    "/device/authorization": "scope=read",
    "/backchannel/authentication": "scope=openid",
}


async def _of_authlete(world: World, client_id: str = "app") -> None:
    """A client with the secret that it had at Authlete."""
    await world.client(client_id, secrets=(ClientSecret(await world.issuer.hashing.hash("imported")),))


def _with(secret: str, parameters: str = FORM, client_id: str = "app") -> dict[str, str]:
    return {"parameters": parameters, "clientId": client_id, "clientSecret": secret}


async def _actions(caller: Backend, *secrets: str) -> list[str]:
    return [(await caller.answer("/auth/token", **_with(secret)))["action"] for secret in secrets]


async def test_a_stranger_locks_no_client_out_by_way_of_a_backend(world: World) -> None:
    """The address of all clients is the backend's; Authlete's API has no member for that of a client."""
    await _of_authlete(world)
    async with backend(world, **STRICT) as caller:
        assert set(await _actions(caller, *["wrong"] * 5)) == {"INVALID_CLIENT"}
        assert await _actions(caller, "imported") == ["OK"]
        other = await caller.post("/auth/token", _with("imported"), OTHER_KEY, OTHER_SECRET)
        assert (await other.json())["action"] == "OK"


async def test_nor_at_the_token_endpoint_from_the_address_of_the_backend(world: World) -> None:
    await _of_authlete(world)
    async with backend(world, **STRICT) as caller:
        await _actions(caller, *["wrong"] * 5)
        headers = basic("app", "imported")
        response = await caller.world.http.post("/token", data={"grant_type": "client_credentials"}, headers=headers)
        assert response.status == 200


@pytest.mark.parametrize("path", CALLS)
async def test_too_many_failures_are_told_as_what_is_over_soon(
    world: World, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """As 429 and Retry-After of /token say it, and not as a wrong secret."""
    await _of_authlete(world)
    async with backend(world, **STRICT) as caller:
        wrong = [await caller.answer(path, **_with("wrong", CALLS[path])) for _ in range(3)]
    first, last = wrong[0], wrong[-1]
    assert (first["resultCode"], "retryAfter" in first) == ("M200002", False)
    assert (last["resultCode"], last["retryAfter"], last["action"]) == ("M100016", 60, first["action"])
    content = json.loads(last["responseContent"])
    assert content == {
        "error": "invalid_client",
        "error_description": "Too many failed attempts; try again in 60 seconds.",
    }
    assert "try again in 60 seconds" in last["resultMessage"]
    blocked = [record for record in caplog.records if record.getMessage() == "client_blocked"]
    assert [record.levelno for record in blocked] == [logging.WARNING]


async def test_guesses_at_one_client_do_not_push_another_out_of_the_queue(world: World) -> None:
    """By a backend clients take turns; the queue of hashes stays bounded."""
    slow = settings_for(world.redis.url, argon2_threads=1, argon2_queue=4, argon2_memory=65_536, argon2_iterations=3)
    costly = replace(world, issuer=replace(world.issuer, hashing=Hashing(slow)))
    await _of_authlete(costly)
    await _of_authlete(costly, "other")
    async with backend(costly, **STRICT) as caller:
        guesses = [asyncio.create_task(caller.post("/auth/token", _with(f"guess {n}"))) for n in range(20)]
        await asyncio.wait(guesses, return_when=asyncio.FIRST_COMPLETED)
        other = await caller.post("/auth/token", _with("imported", client_id="other"))
        statuses = {(await guess).status for guess in guesses}
    costly.issuer.hashing.close()
    assert (other.status, statuses) == (200, {200, 503})


async def test_unusable_documents_keep_no_client_of_a_backend_out(world: World) -> None:
    async with backend(world, client_metadata_documents=True, fetch_private_addresses=True, **STRICT) as caller:
        for number in range(5):
            claimed = quote(f"https://localhost:1/{number}.json")
            answer = await caller.answer("/auth/token", parameters=f"{FORM}&client_id={claimed}")
            assert (answer["resultCode"], "retryAfter" in answer) == ("M200002", False)
