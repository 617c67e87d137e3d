"""How many grants a user may have of one client, and how many browser sessions: one more ends the one not used for longest."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from service.app import open_issuer
from service.protocol.errors import InvalidGrant
from service.protocol.requested import Granted
from service.records.grant import Grant
from service.tokens.authorization import Authorization, Issued
from service.tokens.issuing import issue
from tests.person import Person
from tests.redis_shapes import Shape
from tests.world import VERIFIER, World, in_process, settings_for

MOST = 5
AT_ONCE = 400
BOUNDS = {"grants_per_user_and_client": MOST, "sessions_per_user": 3}


@asynccontextmanager
async def bounded(shape: Shape) -> AsyncIterator[World]:
    """A service that says how much there may be."""
    async with open_issuer(settings_for(shape.url, **BOUNDS)) as issuer, in_process(issuer) as http:
        yield World(issuer, http, shape)


@pytest.fixture
async def world(redis: Shape) -> AsyncIterator[World]:
    async with bounded(redis) as made:
        yield made


@pytest.fixture
async def any_world(any_redis: Shape) -> AsyncIterator[World]:
    async with bounded(any_redis) as made:
        yield made


async def _alive(world: World, tokens: list[dict[str, Any]]) -> list[bool]:
    return [await world.is_active(one["refresh_token"]) for one in tokens]


async def _indexed(world: World, subject: str = "alice") -> int:
    return len((await world.issuer.store.grants.list_of_user(subject, count=1000)).grants)


async def test_one_grant_too_many_ends_the_oldest_with_everything_of_it(any_world: World) -> None:
    client = await any_world.client()
    other = await any_world.client("other")
    apart = await any_world.tokens(other)
    tokens = [await any_world.tokens(client) for _ in range(MOST + 2)]
    assert await _alive(any_world, tokens) == [False, False] + [True] * MOST
    assert not await any_world.is_active(tokens[0]["access_token"])
    assert (await any_world.refresh(tokens[0]["refresh_token"])).status == 400
    assert await any_world.is_active(apart["refresh_token"], "other"), "of another client"
    assert await any_world.issuer.store.grants.revoke_user("alice") == MOST + 1
    assert not any_world.key_names("{user:alice}"), "no index is left behind"


async def test_the_one_that_is_used_stays(any_world: World) -> None:
    client = await any_world.client()
    tokens = [await any_world.tokens(client) for _ in range(MOST)]
    async with any_world.with_part(clock=lambda: any_world.issuer.clock() + 2) as later:
        used = await (await later.refresh(tokens[0]["refresh_token"])).json()
    await any_world.tokens(client)
    assert await any_world.is_active(used["refresh_token"])
    assert await _alive(any_world, tokens[1:]) == [False] + [True] * (MOST - 2)


async def test_what_ended_counts_no_longer(any_world: World) -> None:
    """By whichever way it ended: places are for the living."""
    client = await any_world.client()
    first = await any_world.tokens(client)
    for _ in range(2):
        ended = [await any_world.tokens(client) for _ in range(MOST - 1)]
        await any_world.revoke(ended[0]["refresh_token"])
        await any_world.issuer.store.grants.revoke(ended[1]["access_token"][6:28], "alice")
        assert await any_world.issuer.store.grants.revoke_of_client("alice", "app") == MOST - 2
        first = await any_world.tokens(client)
    for _ in range(MOST - 1):
        await any_world.tokens(client)
    assert await any_world.is_active(first["refresh_token"])


async def test_codes_without_end_push_no_grant_out_that_lasts(any_world: World) -> None:
    """Any site can send a signed-in browser to the authorization endpoint, again and again."""
    client = await any_world.client()
    tokens = [await any_world.tokens(client) for _ in range(MOST)]
    codes = await asyncio.gather(*(any_world.code(client) for _ in range(AT_ONCE)))
    assert await _indexed(any_world) == 2 * MOST
    assert await _alive(any_world, tokens) == [True] * MOST
    answers = [(await any_world.redeem(code)).status for code in codes]
    assert (answers.count(200), answers.count(400)) == (MOST, AT_ONCE - MOST)
    assert await _indexed(any_world) == MOST, "and now these are the latest"
    assert await _alive(any_world, tokens) == [False] * MOST


async def test_400_grants_at_once_leave_as_many_as_there_may_be(any_world: World) -> None:
    client = await any_world.client()
    grant = Grant("app", "alice", scope="read", grant_type="password", issued_at=int(any_world.issuer.clock()))
    begun = Authorization(grant, Granted("read", ()))
    issued = await asyncio.gather(
        *(issue(any_world.issuer, client, begun) for _ in range(AT_ONCE)), return_exceptions=True
    )
    tokens = [{"refresh_token": one.refresh_token} for one in issued if isinstance(one, Issued)]
    assert all(isinstance(one, Issued | InvalidGrant) for one in issued), (
        "one that others pushed out was refused at once"
    )
    assert sum(await _alive(any_world, tokens)) == MOST == await _indexed(any_world)
    assert await any_world.issuer.store.grants.revoke_user("alice") == MOST


async def test_operators_hear_of_it(world: World, caplog: pytest.LogCaptureFixture) -> None:
    client = await world.client()
    for _ in range(MOST + 1):
        await world.tokens(client)
    (line,) = [record for record in caplog.records if record.message == "grant_over_limit"]
    told = vars(line)
    assert (told["client_id"], told["subject"], told["most"]) == ("app", "alice", MOST)
    shown = world.issuer.metrics.exposition().decode()
    assert 'mintmark_security_events_total{event="grant_over_limit"} 1.0' in shown


async def test_whom_nobody_ended_is_ended_by_who_comes_next(world: World) -> None:
    """A process that dies between being told and ending it leaves nothing alive for good."""
    client = await world.client()

    async def dies(*_: Any) -> None:
        pass

    ends, world.issuer.store.indexing.end_excess = world.issuer.store.indexing.end_excess, dies
    tokens = [await world.tokens(client) for _ in range(MOST + 2)]
    assert await _alive(world, tokens) == [True] * (MOST + 2)
    world.issuer.store.indexing.end_excess = ends
    (kin,) = world.key_names(":lasting:app")
    for one in tokens[:2]:  # told ten seconds ago
        world.redis.primaries()[0].admin.zincrby(kin, 10, one["refresh_token"][6:28])
    tokens.append(await world.tokens(client))
    assert await _alive(world, tokens) == [False] * 3 + [True] * MOST


async def test_the_oldest_session_ends_with_what_was_granted_in_it(any_world: World) -> None:
    await any_world.openid_client()
    await any_world.user()
    people, tokens = [Person(any_world) for _ in range(4)], []
    for person in people:
        shown = await person.sign_in(scope="openid")
        answer = await any_world.redeem(shown.answer["code"], code_verifier=VERIFIER)
        tokens.append(await answer.json())
    assert await _alive(any_world, tokens) == [False, True, True, True]
    assert (await people[0].authorize(prompt="none")).error == "login_required"
    assert "code" in (await people[1].authorize(prompt="none")).answer
