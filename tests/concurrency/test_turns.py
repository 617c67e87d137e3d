"""Turns: one at a time for each name, no more waiting than may, and nothing remembered."""

import asyncio

import pytest

from service.concurrency.turns import Turns
from service.protocol.errors import TemporarilyUnavailable


async def test_one_at_a_time_and_others_beside_it() -> None:
    turns, inside, most = Turns(50, "work"), {"a": 0, "b": 0}, {"a": 0, "b": 0}

    async def work(who: str) -> None:
        async with turns.turn_of(who):
            inside[who] += 1
            most[who] = max(most[who], inside[who])
            assert len(turns) <= 2
            await asyncio.sleep(0)
            inside[who] -= 1

    await asyncio.gather(*(work(who) for who in "ab" * 40))
    assert most == {"a": 1, "b": 1}
    assert len(turns) == 0


async def test_no_more_wait_than_may_and_one_who_leaves_makes_room() -> None:
    turns = Turns(2, "work")
    async with turns.turn_of("a"):
        waiting = asyncio.ensure_future(turns.turn_of("a").__aenter__())
        await asyncio.sleep(0)
        with pytest.raises(TemporarilyUnavailable) as refused:
            async with turns.turn_of("a"):
                pass
        assert refused.value.log == "work: too many at once"
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        later = asyncio.ensure_future(turns.turn_of("a").__aenter__())
        await asyncio.sleep(0)
        later.cancel()
        await asyncio.gather(later, return_exceptions=True)
    assert len(turns) == 0
