"""Clients are notified of the end of a CIBA request (ping), or get its tokens (push): once, sealed until then, not for ever."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from service.crypto.keyring import half_hash
from service.login.backchannel_deliveries import deliver_due
from service.protocol.names import DeliveryMode, SigningAlgorithm
from service.store import deliveries
from tests.backchannel import ask, backchannel_client, decide, notification_token, poll, poll_at_last
from tests.person import Person
from tests.world import World, error_of

CLAIM = "urn:openid:params:jwt:claim:"


@dataclass
class Receiver:
    """A client's notification endpoint. ``statuses``: what to answer, one by one, then 204."""

    uri: str = ""
    statuses: list[int] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    async def hear(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.json())
        self.headers.append(dict(request.headers))
        status = self.statuses.pop(0) if self.statuses else 204
        return web.Response(status=status, headers={"Location": "/elsewhere"} if status in (301, 302, 307) else {})


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    app = web.Application()
    app.router.add_post("/cb", made.hear)
    async with TestServer(app) as server:
        made.uri = f"http://127.0.0.1:{server.port}/cb"
        yield made


@pytest.fixture
async def person(world: World) -> AsyncIterator[Person]:
    """Alice, where loopback may be called and tokens may be pushed."""
    modes = ("poll", "ping", "push")
    async with world.having(fetch_private_addresses=True, backchannel_delivery_modes=modes) as other:
        http_client = type(other.issuer.http_client)(other.issuer.settings)
        async with other.with_part(http_client=http_client) as able:
            await able.user()
            yield Person(able)
        await http_client.close()


async def notified_client(world: World, mode: DeliveryMode, uri: str, **changes: Any) -> None:
    wished = {"backchannel_token_delivery_mode": mode, "backchannel_client_notification_endpoint": uri}
    await backchannel_client(world, **(wished | changes))


async def begun(person: Person, **request: str) -> tuple[str, str]:
    """A request that waits: its auth_req_id and the bearer token of the notification."""
    token = notification_token()
    response = await ask(person.world, client_notification_token=token, **request)
    assert response.status == 200, await response.text()
    return (await response.json())["auth_req_id"], token


async def deliver_later(person: Person, *seconds: int) -> None:
    """Let time pass, and deliver what is due then."""
    for ahead in seconds:
        async with person.world.later(ahead) as world:
            await deliver_due(world.issuer)


# ping


@pytest.mark.parametrize("decision", ["allow", "deny"])
async def test_ping(person: Person, receiver: Receiver, decision: str) -> None:
    """Section 10.2: the auth_req_id and nothing else; then the client asks."""
    await notified_client(person.world, DeliveryMode.PING, receiver.uri)
    auth_req_id, token = await begun(person)
    assert await deliver_due(person.world.issuer) == 0, "nothing to say yet"
    assert await error_of(await poll(person.world, auth_req_id)) == (400, "authorization_pending")
    await decide(person, decision)
    assert await deliver_due(person.world.issuer) == 1
    assert receiver.bodies == [{"auth_req_id": auth_req_id}]
    headers = receiver.headers[0]
    assert (headers["Authorization"], headers["Content-Type"]) == (f"Bearer {token}", "application/json")
    response = await poll(person.world, auth_req_id)  # at once, though it asked a moment ago
    assert (await response.json()).get("error", "tokens") == ("tokens" if decision == "allow" else "access_denied")
    assert await deliver_due(person.world.issuer) == 0
    assert not person.world.key_names("backchannel}"), "nothing is left"


async def test_an_endpoint_that_is_down_is_tried_again_until_the_request_is_over(
    person: Person, receiver: Receiver
) -> None:
    receiver.statuses = [500, 503, 429]
    await notified_client(person.world, DeliveryMode.PING, receiver.uri)
    await begun(person)
    await decide(person, "allow")
    assert await deliver_due(person.world.issuer) == 1
    assert await deliver_due(person.world.issuer) == 0, "not before the pause is over"
    await deliver_later(person, 3, 8, 20, 60)
    assert len(receiver.bodies) == 4
    receiver.statuses = [500] * 20
    await begun(person, requested_expiry="30")
    await decide(person, "allow")
    await deliver_later(person, 0, 3, 8, 17, 33, 90)
    assert len(receiver.bodies) < 4 + 6, "no longer than the request lives"
    assert not person.world.key_names("backchannel}")


def attempts_of_what_was_given_up(caplog: pytest.LogCaptureFixture) -> list[int]:
    given_up = (record for record in caplog.records if record.getMessage() == "backchannel_notification_given_up")
    return [record.__dict__["attempts"] for record in given_up]


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 403, 404])
async def test_what_the_client_refuses_is_not_sent_again_nor_anywhere_else(
    person: Person, receiver: Receiver, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    receiver.statuses = [status]
    await notified_client(person.world, DeliveryMode.PING, receiver.uri)
    await begun(person)
    await decide(person, "allow")
    await deliver_later(person, 0, 5, 60)
    assert len(receiver.bodies) == 1
    assert not person.world.key_names("backchannel}")
    assert attempts_of_what_was_given_up(caplog) == [1]


async def test_a_private_address_is_not_called(world: World, receiver: Receiver) -> None:
    """Not without the setting for development."""
    await world.user()
    await notified_client(world, DeliveryMode.PING, receiver.uri)
    person = Person(world)
    auth_req_id, _ = await begun(person)
    await decide(person, "allow")
    await deliver_later(person, 0, 3)
    assert receiver.bodies == []
    assert (await poll(world, auth_req_id)).status == 200, "and the client finds its tokens all the same"


async def test_what_waits_for_delivery_is_sealed_and_no_log_has_it(
    person: Person, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    receiver.statuses = [500]
    await notified_client(person.world, DeliveryMode.PUSH, receiver.uri)
    auth_req_id, token = await begun(person)
    await decide(person, "allow")
    await deliver_due(person.world.issuer)
    tokens = receiver.bodies[0]
    held = b""
    for node in person.world.redis.primaries():
        for key in node.admin.scan_iter("*"):
            held += key + (node.admin.get(key) or b"" if node.admin.type(key) == b"string" else b"")
    secrets = [auth_req_id, token, tokens["access_token"], tokens["refresh_token"], tokens["id_token"]]
    assert b"{backchannel}:delivery:" in held
    assert not [one for one in secrets if one.encode() in held]
    logged = "".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert not [one for one in secrets if one in logged]
    assert all(ends > 0 for ends in person.world.ends("backchannel}").values())


async def test_a_decision_that_is_cut_off_is_told_all_the_same(person: Person, receiver: Receiver) -> None:
    """The notification is written down first; one of a decision that came to nothing is taken back."""
    await notified_client(person.world, DeliveryMode.PING, receiver.uri)
    auth_req_id, _ = await begun(person)
    queue = person.world.issuer.store.backchannel_deliveries
    first, calls = queue.queue, 0

    async def cut_off(*args: Any) -> bool:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise asyncio.CancelledError
        return await first(*args)

    queue.queue = cut_off  # type: ignore[method-assign, assignment]
    try:
        await decide(person, "allow")
    except Exception:  # noqa: BLE001 (whatever a cut-off request looks like from outside)
        pass
    finally:
        del queue.queue
    await deliver_later(person, 16)
    assert receiver.bodies == [{"auth_req_id": auth_req_id}]


# push


async def test_push(person: Person, receiver: Receiver) -> None:
    """Section 10.3.1: the tokens, and an ID token that is bound to them and to the request."""
    await notified_client(person.world, DeliveryMode.PUSH, receiver.uri)
    auth_req_id, token = await begun(person, scope="openid read")
    await decide(person, "allow")
    assert await deliver_due(person.world.issuer) == 1
    [body] = receiver.bodies
    assert receiver.headers[0]["Authorization"] == f"Bearer {token}"
    assert (body["auth_req_id"], body["token_type"], body["scope"]) == (auth_req_id, "Bearer", "openid read")
    claims = jwt.decode(body["id_token"], options={"verify_signature": False})
    algorithm = SigningAlgorithm.RS256
    assert claims[f"{CLAIM}auth_req_id"] == auth_req_id
    assert claims[f"{CLAIM}rt_hash"] == half_hash(algorithm, body["refresh_token"])
    assert claims["at_hash"] == half_hash(algorithm, body["access_token"])
    assert (claims["sub"], claims["aud"]) == ("alice", "bank")
    assert await person.world.is_active(body["access_token"], "bank")
    assert (await person.world.refresh(body["refresh_token"], "bank")).status == 200
    assert not person.world.key_names("backchannel}"), "nothing is left, the notice of its expiry neither"


async def test_tokens_that_were_not_taken_come_again_as_they_are(person: Person, receiver: Receiver) -> None:
    receiver.statuses = [500, 500]
    await notified_client(person.world, DeliveryMode.PUSH, receiver.uri)
    await begun(person)
    await decide(person, "allow")
    await deliver_later(person, 0, 3, 8)
    assert len(receiver.bodies) == 3
    assert len({json.dumps(body) for body in receiver.bodies}) == 1
    assert await person.world.is_active(receiver.bodies[0]["access_token"], "bank")


async def test_a_delivery_that_died_with_its_process_ends_no_grant(person: Person, receiver: Receiver) -> None:
    """The tokens were made and then the process died: who takes it up delivers the same ones."""
    await notified_client(person.world, DeliveryMode.PUSH, receiver.uri)
    await begun(person)
    await decide(person, "allow")
    queue, store = person.world.issuer.store.backchannel_deliveries, person.world.issuer.store
    [(delivery_id, delivery)] = await queue.claim(int(person.world.issuer.clock()), 1)
    await deliver_due_after_a_crash(person, delivery_id, delivery)
    assert store is person.world.issuer.store
    await deliver_due(person.world.issuer)
    [body] = receiver.bodies
    assert await person.world.is_active(body["access_token"], "bank")


async def deliver_due_after_a_crash(person: Person, delivery_id: str, delivery: Any) -> None:
    """Make the tokens, forget them, and let the lease of the delivery be over."""
    from service.records.backchannel_request import BackchannelNotification
    from service.tokens.backchannel_requests import pushed_tokens

    issuer = person.world.issuer
    content = issuer.request_sealing.unseal(delivery.sealed)
    assert content
    client = await issuer.store.clients.read("bank")
    assert client
    await pushed_tokens(issuer, client, BackchannelNotification.decode(content).auth_req_id)
    person.world.expire(":pause")
    await issuer.store.backchannel_deliveries.queue(delivery_id, delivery, int(issuer.clock()))
    assert deliveries.LEASE > 0


async def test_a_no_is_delivered_too(person: Person, receiver: Receiver) -> None:
    """Section 12."""
    await notified_client(person.world, DeliveryMode.PUSH, receiver.uri)
    auth_req_id, _ = await begun(person)
    await decide(person, "deny")
    await deliver_later(person, 0, 300)
    [body] = receiver.bodies
    assert (body["auth_req_id"], body["error"]) == (auth_req_id, "access_denied")


async def test_that_nobody_decided_is_delivered_once_it_is_clear(person: Person, receiver: Receiver) -> None:
    await notified_client(person.world, DeliveryMode.PUSH, receiver.uri)
    auth_req_id, _ = await begun(person, requested_expiry="30")
    assert await deliver_due(person.world.issuer) == 0
    person.world.expire(":polled:")
    await deliver_later(person, 32)
    [body] = receiver.bodies
    assert (body["auth_req_id"], body["error"]) == (auth_req_id, "expired_token")
    assert not person.world.key_names("backchannel}")


async def test_a_user_who_was_disabled_meanwhile_fails_the_transaction(person: Person, receiver: Receiver) -> None:
    await notified_client(person.world, DeliveryMode.PUSH, receiver.uri)
    await begun(person)
    await decide(person, "allow")
    await person.world.set_enabled("alice", enabled=False)
    await deliver_due(person.world.issuer)
    assert receiver.bodies[0]["error"] == "transaction_failed"


async def test_a_client_that_lost_its_grant_type_is_delivered_no_tokens(person: Person, receiver: Receiver) -> None:
    """Its user had allowed the request before: a client that polls is refused then, too."""
    await notified_client(person.world, DeliveryMode.PUSH, receiver.uri)
    auth_req_id, _ = await begun(person)
    await decide(person, "allow")
    client = await person.world.issuer.store.clients.read("bank")
    assert client
    await person.world.change(client, grant_types=("authorization_code",))
    await deliver_later(person, 0, 3, 300)
    [body] = receiver.bodies
    assert (body["auth_req_id"], body["error"]) == (auth_req_id, "transaction_failed")
    assert "access_token" not in body


async def test_whoever_has_the_auth_req_id_of_a_push_client_cannot_poll(person: Person, receiver: Receiver) -> None:
    await notified_client(person.world, DeliveryMode.PUSH, receiver.uri)
    auth_req_id, _ = await begun(person)
    await decide(person, "allow")
    assert await error_of(await poll_at_last(person.world, auth_req_id)) == (400, "unauthorized_client")
    await backchannel_client(person.world, "other")
    assert await error_of(await poll_at_last(person.world, auth_req_id, "other")) == (400, "invalid_grant")
    await deliver_due(person.world.issuer)
    assert "access_token" in receiver.bodies[0]


@pytest.mark.slow
async def test_of_many_deliverers_one_delivers(person: Person, receiver: Receiver) -> None:
    await notified_client(person.world, DeliveryMode.PUSH, receiver.uri)
    for turn in range(1, 11):
        await begun(person)
        await decide(person, "allow")
        await asyncio.gather(*(deliver_due(person.world.issuer) for _ in range(20)))
        assert len(receiver.bodies) == turn
    tokens = {body["access_token"] for body in receiver.bodies}
    assert len(tokens) == 10
