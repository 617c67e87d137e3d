"""Requests of clients that are elsewhere, where the user's yes meets an end or an outage: it is no yes, and no no."""

import asyncio
import random
import secrets
from collections import Counter
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from service.app import open_issuer
from service.issuer import Issuer
from service.login.channels import CHANNELS
from service.login.ending_sessions import end_session
from service.login.interaction import ClientInteraction
from service.protocol.errors import TemporarilyUnavailable
from service.protocol.names import DeliveryMode
from service.records.interaction import BACKCHANNEL, Progress
from service.records.session import Session
from service.tokens import polled_requests
from tests import redis_shapes
from tests.backchannel import (
    approvals,
    ask,
    asked,
    backchannel_client,
    decide,
    notification_token,
    poll_at_last,
    references,
)
from tests.cutting_proxy import Command, CuttingProxy
from tests.devices import begun, confirm, connect, device_client, polled
from tests.person import Person
from tests.polling import PENDING
from tests.world import World, error_of, in_process, settings_for

ROUNDS = 200
really_allow = polled_requests.allow


@pytest.fixture
async def person(world: World) -> Person:
    await backchannel_client(world)
    await world.user()
    return Person(world)


async def session_of(world: World) -> Session:
    (sid,) = await world.issuer.store.sessions.of_user("alice")
    session = await world.issuer.store.sessions.get(sid)
    assert session
    return session


# a session that ends meanwhile


@pytest.mark.parametrize("mode", [DeliveryMode.POLL, DeliveryMode.PING])
async def test_a_session_that_ends_meanwhile_allows_nothing(
    person: Person, monkeypatch: pytest.MonkeyPatch, mode: DeliveryMode
) -> None:
    """P6: and the client is not told to come for tokens."""
    endpoint = "https://bank.example/cb" if mode is DeliveryMode.PING else None
    changes: dict[str, Any] = {
        "backchannel_token_delivery_mode": mode,
        "backchannel_client_notification_endpoint": endpoint,
    }
    await backchannel_client(person.world, **changes)
    response = await ask(person.world, client_notification_token=notification_token())
    auth_req_id = (await response.json())["auth_req_id"]
    shown = await approvals(person)

    async def end_first(*args: Any) -> bool:
        await end_session(person.world.issuer, await session_of(person.world))
        return await really_allow(*args)

    monkeypatch.setattr(polled_requests, "allow", end_first)
    assert (await decide(person, "allow", shown)).heading == "This page is no longer valid"
    assert await error_of(await poll_at_last(person.world, auth_req_id)) == (400, "invalid_grant")
    assert not person.world.key_names("backchannel}"), "nothing is queued"
    assert (await person.world.issuer.store.grants.list_of_user("alice")).grants == []


@pytest.mark.slow
async def test_sign_outs_race_with_a_yes(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever was written after the session had ended gets no tokens; what the page calls allowed does."""
    world, gone = person.world, False

    async def look_first(*args: Any) -> bool:
        nonlocal gone
        await asyncio.sleep(random.uniform(0, 0.01))
        gone = not await world.issuer.store.sessions.of_user("alice")
        return await really_allow(*args)

    async def sign_out(session: Session) -> None:
        await asyncio.sleep(random.uniform(0, 0.02))
        await end_session(world.issuer, session)

    monkeypatch.setattr(polled_requests, "allow", look_first)
    outcomes = Counter[tuple[bool, bool]]()
    for _ in range(ROUNDS):
        gone, auth_req_id, somebody = False, await asked(world), Person(world)
        shown = await approvals(somebody)
        done, _ = await asyncio.gather(decide(somebody, "allow", shown), sign_out(await session_of(world)))
        got = (await poll_at_last(world, auth_req_id)).status == 200
        assert got is (done.heading == "Allowed")
        outcomes[gone, got] += 1
        world.expire(":polled:")
        world.expire(":approvals")
    assert not outcomes[True, True], outcomes
    assert outcomes[True, False], outcomes
    assert outcomes[False, True], outcomes


# Redis is away


def through(proxy: CuttingProxy) -> AbstractAsyncContextManager[Issuer]:
    return open_issuer(settings_for(proxy.url), listen=False)


def is_about(part: bytes) -> Any:
    """Scripts on a key whose name holds this."""

    def matches(command: Command) -> bool:
        return command[0] in (b"EVALSHA", b"EVAL") and any(part in word for word in command)

    return matches


async def test_a_device_is_not_denied_where_its_yes_could_not_be_written(
    proxy: CuttingProxy, redis: redis_shapes.Shape
) -> None:
    async with through(proxy) as issuer, in_process(issuer) as http:
        world = World(issuer, http, redis)
        await device_client(world)
        await world.user()
        person, device = Person(world), await begun(world)
        shown = await person.log_in(await confirm(person, device["user_code"]))
        proxy.shorten(issuer.store.connection.address)
        proxy.cut_before(is_about(b":polled:"), times=100)
        failed = await person.agree(shown)
        assert (failed.status, 'href="/device"' in failed.text) == (503, True)
        proxy.heal()
        assert await error_of(await polled(world, device["device_code"])) == PENDING
        world.expire("form:")  # the same form, a moment later
        assert (await connect(person, device["user_code"])).heading == "Your device is connected"
        assert (await polled(world, device["device_code"])).status == 200


async def test_a_device_gets_nothing_of_which_nobody_knows_whether_its_session_is_alive(
    proxy: CuttingProxy, redis: redis_shapes.Shape
) -> None:
    async with through(proxy) as issuer, in_process(issuer) as http:
        world = World(issuer, http, redis)
        await device_client(world)
        await world.user()
        person, device = Person(world), await begun(world)
        shown = await person.log_in(await confirm(person, device["user_code"]))
        proxy.shorten(issuer.store.connection.address)
        proxy.cut_before(is_about(b":clients"), times=100)
        assert (await person.agree(shown)).status == 503
        proxy.heal()
        assert await error_of(await polled(world, device["device_code"])) == (400, "invalid_grant")
        assert (await issuer.store.grants.list_of_user("alice")).grants == []


async def test_a_ciba_request_is_not_denied_where_its_yes_could_not_be_written(person: Person) -> None:
    world, auth_req_id = person.world, await asked(person.world)
    reference = references(await approvals(person))[0]
    loaded = await world.issuer.store.clients.get("bank")
    record = await polled_requests.load(world.issuer, reference)
    assert loaded
    assert record
    interaction = ClientInteraction(
        progress=Progress(secrets.token_hex(8), 0),
        client=loaded,
        request=record.request,
        channel=BACKCHANNEL,
        reference=reference,
    )
    away, session = TemporarilyUnavailable(log="Redis"), await session_of(world)
    with pytest.raises(TemporarilyUnavailable):
        await CHANNELS[BACKCHANNEL].refuse(world.issuer, interaction, away, session)
    assert await error_of(await poll_at_last(world, auth_req_id)) == PENDING


async def test_nothing_is_decided_where_too_many_notifications_wait(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user is told to try again, and the request waits on."""
    changes: dict[str, Any] = {"backchannel_client_notification_endpoint": "https://bank.example/cb"}
    await backchannel_client(person.world, backchannel_token_delivery_mode=DeliveryMode.PING, **changes)
    response = await ask(person.world, client_notification_token=notification_token())
    auth_req_id, store = (await response.json())["auth_req_id"], person.world.issuer.store
    admin, queue = person.world.redis.nodes[0].admin, store.keys.backchannel_deliveries()
    with monkeypatch.context() as patch:
        patch.setattr(store.backchannel_deliveries, "_most", 3)
        admin.zadd(queue, {f"other-{number}": 2**40 for number in range(3)})
        assert (await decide(person, "allow")).status == 503
        assert await error_of(await poll_at_last(person.world, auth_req_id)) == PENDING
        admin.zrem(queue, "other-0")
        assert (await decide(person, "allow")).heading == "Allowed"
