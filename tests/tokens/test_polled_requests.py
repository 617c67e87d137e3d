"""A request that a client polls for: pending, too early, decided, spent once (RFC 8628 section 3.5, P1, P3, P5)."""

import asyncio
import logging

import pytest
from aiohttp import ClientResponse

from service.app import open_issuer
from service.protocol.binding import Binding
from service.protocol.credentials import parse
from service.protocol.names import GrantTypeName
from service.records.grant import Grant
from service.records.polled_request import Allowance
from service.tokens import polled_requests, redeemed_once
from tests import redis_shapes
from tests.cutting_proxy import CuttingProxy
from tests.dpop import Prover
from tests.polling import (
    DENIED,
    EXPIRED,
    GRANT_TYPES,
    PENDING,
    REFUSED,
    SLOW_DOWN,
    after_the_pause,
    allow,
    begin,
    poll,
    poll_at_once,
)
from tests.world import World, basic, error_of, in_process, settings_for


@pytest.fixture(autouse=True)
def short_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redeemed_once, "MOMENT", 0.05)


async def test_a_client_polls_until_somebody_has_decided(world: World) -> None:
    client = await world.client(grant_types=GRANT_TYPES)
    begun = await begin(world, client)
    for _ in range(3):
        assert await error_of(await poll(world, begun.credential)) == PENDING
        after_the_pause(world)
    assert await allow(world, client, begun.reference)
    response = await poll(world, begun.credential)
    tokens = await response.json()
    assert (response.status, tokens["scope"], tokens["token_type"]) == (200, "read write", "Bearer")
    assert (await world.introspect(tokens["access_token"]))["sub"] == "alice"
    assert (await world.refresh(tokens["refresh_token"])).status == 200


async def test_a_denied_request_says_so(world: World) -> None:
    client = await world.client(grant_types=GRANT_TYPES)
    begun = await begin(world, client)
    assert await polled_requests.deny(world.issuer, begun.reference)
    assert not await polled_requests.deny(world.issuer, begun.reference)
    assert not await allow(world, client, begun.reference)
    assert await error_of(await poll(world, begun.credential)) == DENIED


async def test_what_was_not_decided_in_time_has_expired(world: World) -> None:
    client = await world.client(grant_types=GRANT_TYPES)
    begun = await begin(world, client, lifetime=1)
    await world.wait_for_end(":polled:")
    assert await error_of(await poll(world, begun.credential)) == EXPIRED
    assert not await allow(world, client, begun.reference)


async def test_who_polls_too_early_waits_longer(world: World) -> None:
    client = await world.client(grant_types=GRANT_TYPES)
    begun = await begin(world, client)
    assert await error_of(await poll(world, begun.credential)) == PENDING
    assert await error_of(await poll(world, begun.credential)) == SLOW_DOWN
    assert await allow(world, client, begun.reference)
    assert await error_of(await poll(world, begun.credential)) == SLOW_DOWN, "there is no way around the interval"
    after_the_pause(world)
    assert (await poll(world, begun.credential)).status == 200


async def test_another_client_gets_nothing_and_does_no_harm(world: World) -> None:
    client = await world.client(grant_types=GRANT_TYPES)
    await world.client("other", grant_types=GRANT_TYPES)
    begun = await begin(world, client)
    for _ in range(3):
        assert await error_of(await poll(world, begun.credential, "other")) == REFUSED
    assert await error_of(await poll(world, begun.credential)) == PENDING
    assert await allow(world, client, begun.reference)
    after_the_pause(world)
    assert await error_of(await poll(world, begun.credential, "other")) == REFUSED
    assert (await poll(world, begun.credential)).status == 200


async def test_a_client_whose_grants_were_ended_begins_anew(world: World) -> None:
    client = await world.client(grant_types=GRANT_TYPES)
    begun = await begin(world, client)
    await world.change(client, generation=client.generation + 1)
    assert await error_of(await poll(world, begun.credential)) == REFUSED


@pytest.mark.parametrize("code", ["x", "mm_dc_x", "mm_ac_" + "a" * 65, "mm_dc_" + "a" * 60_000, "ä" * 71])
async def test_what_is_no_device_code(world: World, code: str) -> None:
    await world.client(grant_types=GRANT_TYPES)
    assert await error_of(await poll(world, code)) == REFUSED


async def test_a_second_redemption_ends_the_grant(world: World, caplog: pytest.LogCaptureFixture) -> None:
    client = await world.client(grant_types=GRANT_TYPES)
    begun = await begin(world, client)
    await allow(world, client, begun.reference)
    tokens = await (await poll(world, begun.credential)).json()
    await world.wait_for_end(":reply:")
    after_the_pause(world)
    assert await error_of(await poll(world, begun.credential)) == REFUSED
    assert not await world.is_active(tokens["access_token"])
    (event,) = [record for record in caplog.records if record.getMessage() == "polled_request_replayed"]
    assert (event.levelno, event.client_id, event.subject) == (logging.WARNING, "app", "alice")  # type: ignore[attr-defined]


async def test_a_user_who_is_disabled_meanwhile_gets_nothing(world: World) -> None:
    client = await world.client(grant_types=GRANT_TYPES)
    await world.user()
    begun, early = await begin(world, client), await begin(world, client)
    assert await allow(world, client, early.reference)
    await world.set_enabled("alice", enabled=False)
    assert not await allow(world, client, begun.reference)
    for one in (begun, early):
        assert await error_of(await poll(world, one.credential)) == REFUSED


async def test_who_has_not_the_key_gets_nothing(world: World) -> None:
    """P9: the key that the client named when it asked."""
    client = await world.client(grant_types=GRANT_TYPES)
    begun = await begin(world, client, binding=Binding(jkt="k" * 43))
    await allow(world, client, begun.reference)
    assert await error_of(await poll(world, begun.credential)) == REFUSED


@pytest.mark.parametrize("is_answered", [True, False])
async def test_a_redeemed_request_ends_nothing_without_its_key(
    world: World, monkeypatch: pytest.MonkeyPatch, is_answered: bool
) -> None:
    """P9, also while its response waits; who holds the key has used it twice once they had it."""
    if not is_answered:
        monkeypatch.setattr(redeemed_once.RedeemedOnce, "note_delivery", lambda *_, **__: None)
    client, prover = await world.client(grant_types=GRANT_TYPES), Prover()
    begun = await begin(world, client, binding=Binding(jkt=prover.jkt))
    await allow(world, client, begun.reference)
    tokens = await (await _poll_by(world, prover, begun.credential)).json()
    if is_answered:
        await world.wait_for_end(":reply:")
    for thief in (None, Prover()):
        assert await error_of(await _poll_by(world, thief, begun.credential)) == REFUSED
    assert await world.is_active(tokens["access_token"])
    again = await _poll_by(world, prover, begun.credential)
    assert again.status == (400 if is_answered else 200)
    assert await world.is_active(tokens["access_token"]) is not is_answered


async def _poll_by(world: World, prover: Prover | None, device_code: str) -> ClientResponse:
    after_the_pause(world)
    form = {"grant_type": GrantTypeName.DEVICE_CODE.value, "device_code": device_code}
    return await world.http.post("/token", data=form, headers=basic("app") | (prover.headers() if prover else {}))


async def test_redis_has_nothing_to_poll_with_and_nothing_to_read(world: World) -> None:
    """P5."""
    client = await world.client(grant_types=GRANT_TYPES)
    begun = await begin(world, client)
    kept = b"".join(key + entry.value for key, entry in world.redis.dump().items() if entry.type == "string")
    assert b":polled:" in kept
    assert begun.credential[28:].encode() not in kept
    assert b"read write" not in kept


async def test_a_poll_is_one_round_trip(proxy: CuttingProxy, redis: redis_shapes.Shape) -> None:
    async with (
        open_issuer(settings_for(proxy.url), listen=False) as issuer,
        in_process(issuer) as http,
    ):
        world = World(issuer, http, redis)
        client = await world.client(grant_types=GRANT_TYPES)
        begun = await begin(world, client)
        assert await error_of(await poll(world, begun.credential)) == PENDING
        after_the_pause(world)
        before = proxy.round_trips
        assert await error_of(await poll(world, begun.credential)) == PENDING
        assert proxy.round_trips == before + 1
        after_the_pause(world)
        await allow(world, client, begun.reference)
        before = proxy.round_trips
        assert (await poll(world, begun.credential)).status == 200
        assert proxy.round_trips == before + 2


async def test_a_poll_whose_reply_was_lost_is_not_an_early_one(proxy: CuttingProxy, redis: redis_shapes.Shape) -> None:
    """P3: what is sent again after a dropped connection is the same poll; a response that was lost is given again."""
    async with (
        open_issuer(settings_for(proxy.url), listen=False) as issuer,
        in_process(issuer) as http,
    ):
        proxy.shorten(issuer.store.connection.address)
        world = World(issuer, http, redis)
        client = await world.client(grant_types=GRANT_TYPES)
        begun = await begin(world, client)
        proxy.cut_after(_is_about_polling)
        assert await error_of(await poll(world, begun.credential)) == PENDING
        after_the_pause(world)
        proxy.cut_after(_is_about_polling)
        assert await allow(world, client, begun.reference)
        proxy.cut_after(_is_spending, times=100)
        assert (await poll(world, begun.credential)).status == 503
        proxy.heal()
        after_the_pause(world)
        tokens = await (await poll(world, begun.credential)).json()
        assert await world.is_active(tokens["access_token"])
        assert len(world.ends(":access:")) == len(world.ends(":refresh:")) == 1, "nothing was issued twice"


async def test_an_allowance_sent_again_counts_although_its_client_was_faster(world: World) -> None:
    """P3: the device polls between the lost reply and the command that is sent again; the user is told that it worked."""
    client = await world.client(grant_types=GRANT_TYPES, refresh_idle_lifetime=0, refresh_absolute_lifetime=0)
    begun = await begin(world, client)
    request, now = parse(begun.credential), int(world.issuer.clock())
    assert request
    grant = Grant("app", "alice", "read", client_generation=client.generation, issued_at=now, auth_time=now)
    store = world.issuer.store.polled_requests
    assert await store.allow(request, grant, Allowance(by="me"), now + 600)
    tokens = await (await poll(world, begun.credential)).json()
    assert await store.allow(request, grant, Allowance(by="me"), now + 600)
    assert not await store.allow(request, grant, Allowance(by="another"), now + 600)
    index = world.issuer.store.keys.user_grants("alice")
    assert world.redis.nodes[0].admin.zscore(index, request.grant_id) == float("inf"), "revoke_user will always find it"
    assert (await world.refresh(tokens["refresh_token"])).status == 200, "nothing was begun anew"


def _is_about_polling(command: list[bytes]) -> bool:
    return command[0] in (b"EVALSHA", b"EVAL") and any(b":polled:" in word for word in command)


def _is_spending(command: list[bytes]) -> bool:
    return _is_about_polling(command) and any(b":access:" in word for word in command)


@pytest.mark.topologies
async def test_of_polls_at_once_exactly_one_gets_the_tokens(any_world: World) -> None:
    """P1, raced on every shape of Redis. One that comes when another was answered already is refused, and ends nothing."""
    client = await any_world.client(grant_types=GRANT_TYPES)
    for _ in range(100):
        begun = await begin(any_world, client)
        polls = asyncio.gather(*(poll(any_world, begun.credential) for _ in range(5)))
        assert await allow(any_world, client, begun.reference)
        answers = await polls
        if all(one.status != 200 for one in answers):
            after_the_pause(any_world)
            answers = await poll_at_once(any_world, begun.credential, 5)
        (tokens,) = [await one.json() for one in answers if one.status == 200]
        assert {await error_of(one) for one in answers if one.status != 200} <= {PENDING, SLOW_DOWN, REFUSED}
        assert await any_world.is_active(tokens["access_token"])


async def test_a_poll_right_after_the_answer_is_refused_and_ends_nothing(world: World) -> None:
    client = await world.client(grant_types=GRANT_TYPES)
    begun = await begin(world, client)
    await allow(world, client, begun.reference)
    tokens = await (await poll(world, begun.credential)).json()
    await world.wait_for_end(":reply:")
    assert await error_of(await poll(world, begun.credential)) == REFUSED
    assert await world.is_active(tokens["access_token"])


@pytest.mark.topologies
async def test_of_decisions_at_once_exactly_one_counts(any_world: World) -> None:
    client = await any_world.client(grant_types=GRANT_TYPES)
    for _ in range(100):
        begun = await begin(any_world, client)
        decided = await asyncio.gather(
            allow(any_world, client, begun.reference, "alice"),
            polled_requests.deny(any_world.issuer, begun.reference),
            allow(any_world, client, begun.reference, "bob"),
            polled_requests.deny(any_world.issuer, begun.reference),
        )
        assert sum(decided) == 1
        answer = await poll(any_world, begun.credential)
        if decided[1] or decided[3]:
            assert await error_of(answer) == DENIED
        else:
            told = await any_world.introspect((await answer.json())["access_token"])
            assert told["sub"] == ("alice" if decided[0] else "bob")


@pytest.mark.topologies
async def test_what_is_revoked_meanwhile_buys_nothing(any_world: World) -> None:
    """P6: whoever comes first, no token is left."""
    client = await any_world.client(grant_types=GRANT_TYPES)
    for number in range(100):
        subject = f"user-{number}"
        begun = await begin(any_world, client)
        decide = allow(any_world, client, begun.reference, subject)
        if number % 2:
            assert await decide
            steps = (poll(any_world, begun.credential), any_world.issuer.store.grants.revoke_user(subject))
            answer, _ = await asyncio.gather(*steps)
        else:
            await asyncio.gather(decide, any_world.set_enabled(subject, enabled=False))
            answer = await poll(any_world, begun.credential)
        if answer.status == 200:
            tokens = await answer.json()
            assert not await any_world.is_active(tokens["access_token"])
        else:
            assert await error_of(answer) in (REFUSED, PENDING)
        assert not (await any_world.issuer.store.grants.list_of_user(subject)).grants
