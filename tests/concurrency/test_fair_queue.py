"""The queue before scarce work: groups and networks take turns, and nobody's wait is without an end."""

import asyncio
from collections.abc import Awaitable

import pytest

from service.concurrency.fair_queue import FairQueue, Requester, RequesterGroup
from service.protocol.errors import TemporarilyUnavailable


class Work:
    """Work that one at a time does; ``order``: who had their turn."""

    def __init__(self, most: int = 100, patience: float = 60.0) -> None:
        self.queue = FairQueue(1, most, patience, "work")
        self.order: list[str] = []

    async def do(self, name: str, network: str, group: RequesterGroup = RequesterGroup.OTHERS) -> None:
        await self.queue.take(Requester(group, network))
        self.order.append(name)
        await asyncio.sleep(0)
        self.queue.release()


async def _all(*waiting: Awaitable[None]) -> list[BaseException | None]:
    return await asyncio.gather(*waiting, return_exceptions=True)


async def test_a_network_that_asks_a_hundred_times_waits_for_itself() -> None:
    work = Work()
    await work.queue.take(Requester())
    flood = [asyncio.ensure_future(work.do("flood", "192.0.2.0/24")) for _ in range(90)]
    others = [asyncio.ensure_future(work.do(f"one-{number}", f"198.51.{number}.0/24")) for number in range(5)]
    await asyncio.sleep(0)
    work.queue.release()
    await _all(*flood, *others)
    assert work.order[:6] == ["flood", "one-0", "one-1", "one-2", "one-3", "one-4"]
    assert work.order[6:] == ["flood"] * 89


async def test_every_group_has_its_turn() -> None:
    work = Work()
    await work.queue.take(Requester())
    flood = [asyncio.ensure_future(work.do("flood", f"192.0.{number}.0/24")) for number in range(90)]
    await asyncio.sleep(0)
    known = [asyncio.ensure_future(work.do("known", "203.0.113.0/24", RequesterGroup.KNOWN)) for _ in range(3)]
    clients = [asyncio.ensure_future(work.do("client", "203.0.113.0/24", RequesterGroup.CLIENTS)) for _ in range(3)]
    await asyncio.sleep(0)
    work.queue.release()
    await _all(*flood, *known, *clients)
    assert work.order[:9] == ["flood", "known", "client"] * 3


async def test_a_full_group_takes_a_place_from_the_network_that_has_most() -> None:
    work = Work(most=10)
    await work.queue.take(Requester())
    flood = [asyncio.ensure_future(work.do("flood", "192.0.2.0/24")) for _ in range(12)]
    await asyncio.sleep(0)
    others = [asyncio.ensure_future(work.do("other", f"198.51.{number}.0/24")) for number in range(20)]
    await asyncio.sleep(0)
    work.queue.release()
    flooded, came = await _all(*flood), await _all(*others)
    assert [error is None for error in came] == [True] * 9 + [False] * 11, "each network has one place of the ten"
    assert [error is None for error in flooded] == [True] + [False] * 11
    assert {type(error) for error in (*flooded, *came) if error} == {TemporarilyUnavailable}


async def test_another_group_does_not_fill_up_with_it() -> None:
    work = Work(most=2)
    await work.queue.take(Requester())
    flood = [asyncio.ensure_future(work.do("flood", f"192.0.{number}.0/24")) for number in range(50)]
    known = [asyncio.ensure_future(work.do("known", "203.0.113.0/24", RequesterGroup.KNOWN)) for _ in range(2)]
    await asyncio.sleep(0)
    work.queue.release()
    assert await _all(*known) == [None, None]
    assert (await _all(*flood)).count(None) == 2


async def test_who_waited_too_long_is_told_and_leaves_nothing_behind() -> None:
    work = Work(patience=0.01)
    await work.queue.take(Requester())
    with pytest.raises(TemporarilyUnavailable) as told:
        await work.do("late", "192.0.2.0/24")
    assert told.value.headers["Retry-After"] == "1"
    assert work.order == []
    work.queue.release()
    await work.do("next", "192.0.2.0/24")
    assert work.order == ["next"]


async def test_a_turn_is_not_lost_with_the_one_who_had_it() -> None:
    """Cancelled while waiting, and cancelled at the very moment of the turn."""
    work = Work()
    await work.queue.take(Requester())
    waiting = [asyncio.ensure_future(work.do("gone", f"192.0.{number}.0/24")) for number in range(4)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    await asyncio.sleep(0)
    work.queue.release()
    waiting[1].cancel()
    waiting[2].cancel()
    ended = await _all(*waiting)
    assert [type(one) for one in ended] == [asyncio.CancelledError] * 3 + [type(None)]
    await work.do("next", "192.0.2.0/24")
    assert work.order == ["gone", "next"]
