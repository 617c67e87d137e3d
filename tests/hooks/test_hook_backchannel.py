"""A hook hears of CIBA requests, so that the operator's app can ask the user; what they say comes back by the decision API."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from service.admin.hooks import sample
from service.fronts.health import Health
from service.fronts.operators import make_application
from service.protocol.names import HookEvent
from tests.backchannel import ask, asked, backchannel_client, decide, poll, poll_at_last
from tests.deciding import KEYS, Backend
from tests.hooks.receiver import Receiver, delivered, hooked
from tests.person import Person
from tests.redis_shapes import Shape
from tests.world import World, error_of

COMPLETE = "/backchannel/authentication/complete"


@pytest.fixture
async def world(redis: Shape, receiver: Receiver) -> AsyncIterator[World]:
    hooks: dict[str, dict[str, Any]] = {"phone": {"url": receiver.url, "events": ["backchannel_authentication"]}}
    async with hooked(redis, hooks, admin_port=0, decision_api_keys=KEYS) as made:
        await backchannel_client(made)
        await made.user()
        await made.user("bob", "builder-of-things")
        yield made


@pytest.fixture
async def app(world: World) -> AsyncIterator[Backend]:
    """The operator's app: it answers at the decision API."""
    async with TestClient(TestServer(make_application(world.issuer, Health(world.issuer)))) as http:
        yield Backend(world, http)


async def heard(world: World, receiver: Receiver) -> dict[str, Any]:
    assert await delivered(world) == 1
    facts: dict[str, Any] = receiver.of("backchannel_authentication")[-1]
    return facts


async def test_it_hears_who_asks_whom_for_what_and_nothing_to_poll_with(world: World, receiver: Receiver) -> None:
    auth_req_id = await asked(world, binding_message="W4SCT", acr_values="a b")
    facts = await heard(world, receiver)
    told = {
        name: facts[name] for name in ("client_id", "client_name", "subject", "username", "binding_message", "scope")
    }
    assert told == {
        **{"client_id": "bank", "client_name": "The Bank", "subject": "alice", "username": "alice"},
        **{"binding_message": "W4SCT", "scope": "openid read"},
    }
    assert (facts["acr_values"], facts["audience"], facts["authorization_details"]) == (["a", "b"], [], [])
    assert facts["max_age"] is None
    made_up = sample(HookEvent.BACKCHANNEL_AUTHENTICATION)
    assert made_up.keys() == facts.keys() | {"test"}, "`mintmark hook test` sends the same members"
    assert auth_req_id not in str(facts)
    assert await error_of(await poll(world, facts["ticket"])) == (400, "invalid_grant")


async def test_a_request_that_is_refused_reaches_nobody(world: World, receiver: Receiver) -> None:
    assert (await ask(world, login_hint="nobody")).status == 400
    assert await delivered(world) == 0
    assert receiver.heard == []


async def test_the_app_allows_it(world: World, receiver: Receiver, app: Backend) -> None:
    auth_req_id = await asked(world)
    ticket = (await heard(world, receiver))["ticket"]
    assert await error_of(await poll(world, auth_req_id)) == (400, "authorization_pending")
    done = await app.answer(COMPLETE, ticket=ticket, result="AUTHORIZED", subject="alice", acr="face", authTime=5)
    assert done["action"] == "NO_ACTION", "whatever the client has to hear it hears from us"
    tokens = await (await poll_at_last(world, auth_req_id)).json()
    claims = await world.issuer.keyring.verify(tokens["id_token"])  # type: ignore[union-attr]
    assert claims
    assert (claims["sub"], claims["acr"], claims["auth_time"]) == ("alice", "face", 5)


async def test_the_app_denies_it(world: World, receiver: Receiver, app: Backend) -> None:
    auth_req_id = await asked(world)
    ticket = (await heard(world, receiver))["ticket"]
    assert (await app.answer(COMPLETE, ticket=ticket, result="ACCESS_DENIED"))["action"] == "NO_ACTION"
    assert await error_of(await poll(world, auth_req_id)) == (400, "access_denied")


async def test_another_user_cannot_allow_it(world: World, receiver: Receiver, app: Backend) -> None:
    auth_req_id = await asked(world)
    ticket = (await heard(world, receiver))["ticket"]
    refused = await app.post(COMPLETE, {"ticket": ticket, "result": "AUTHORIZED", "subject": "bob"})
    assert (refused.status, (await refused.json())["resultCode"]) == (400, "M000008")
    assert await error_of(await poll(world, auth_req_id)) == (400, "authorization_pending")


async def test_who_is_no_caller_of_the_api_decides_nothing(world: World, receiver: Receiver, app: Backend) -> None:
    auth_req_id = await asked(world)
    ticket = (await heard(world, receiver))["ticket"]
    members = {"ticket": ticket, "result": "AUTHORIZED", "subject": "alice"}
    assert (await app.post(COMPLETE, members, "shop", "wrong")).status == 401
    assert await error_of(await poll(world, auth_req_id)) == (400, "authorization_pending")


async def test_app_and_page_at_once_decide_it_once(world: World, receiver: Receiver, app: Backend) -> None:
    person = Person(world)
    await person.log_in(await person.get("/approvals"))
    for _ in range(10):
        auth_req_id = await asked(world)
        ticket = (await heard(world, receiver))["ticket"]
        page, answer = await asyncio.gather(
            decide(person, "allow"), app.answer(COMPLETE, ticket=ticket, result="ACCESS_DENIED")
        )
        allowed, denied = page.heading == "Allowed", answer["action"] == "NO_ACTION"
        assert allowed != denied
        response = await poll(world, auth_req_id)
        assert (response.status == 200) is allowed
