"""Grants that are made and ended by many at once: each is counted by exactly one of those who end it (P6)."""

import asyncio
import random
from collections.abc import Awaitable, Callable

from service.admin import grants, users
from service.admin.errors import NotFound
from service.protocol.errors import InvalidGrant
from tests.world import World

ROUNDS = 4
MADE_BEFORE, MADE_MEANWHILE, EACH = 60, 60, 40


async def one_by_one(world: World, grant_ids: list[str]) -> int:
    """As an operator does at a list that gets old while it is read."""
    ended = 0
    for grant_id in grant_ids:
        try:
            await grants.revoke_grant(world.issuer, grant_id)
        except NotFound:
            continue
        ended += 1
    return ended


async def of_one_client(world: World, _: list[str]) -> int:
    return await grants.revoke_of_user(world.issuer, "alice", "app")


async def of_the_user(world: World, _: list[str]) -> int:
    return await grants.revoke_of_user(world.issuer, "alice")


async def signed_out(world: World, _: list[str]) -> int:
    return (await users.sign_out_user(world.issuer, "alice")).counts["grants_ended"]


ENDERS: tuple[Callable[[World, list[str]], Awaitable[int]], ...] = (one_by_one, of_one_client, of_the_user, signed_out)


async def test_every_grant_is_counted_once_by_whoever_ends_it(any_world: World) -> None:
    """What a replayed code ends itself is left to the others: here each says how many it ended."""
    clients = [await any_world.client(), await any_world.client("other")]
    await any_world.user()
    made: list[str] = []

    async def make(turn: int) -> None:
        """A code, and its tokens if nobody ended it yet."""
        client = clients[turn % 2]
        await asyncio.sleep(random.random() / 50)
        try:
            code = await any_world.code(client)
        except InvalidGrant:  # ended before it began
            return
        made.append(code[6:28])
        if turn % 3:
            assert (await any_world.redeem(code, client.client_id)).status in (200, 400)

    for _ in range(ROUNDS):
        made.clear()
        await asyncio.gather(*(make(turn) for turn in range(MADE_BEFORE)))
        known = random.sample(made, EACH)
        counts, _ = await asyncio.gather(
            asyncio.gather(*(end(any_world, known) for end in ENDERS for _ in range(2))),
            asyncio.gather(*(make(turn) for turn in range(MADE_MEANWHILE))),
        )
        counts.append(await of_the_user(any_world, []))
        assert sum(counts) == len(made)
        assert await of_the_user(any_world, []) == 0
