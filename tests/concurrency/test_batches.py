"""Batches: together, each for itself."""

import asyncio

import pytest

from service.concurrency.batches import WorkBatch


async def test_work_of_one_turn_is_done_together() -> None:
    """Nothing that waits for it goes on in between."""
    batch = WorkBatch()
    told: list[str] = []

    async def one(number: int) -> None:
        await batch.do(lambda: told.append(f"work {number}"))
        told.append(f"goes on {number}")

    await asyncio.gather(*(one(number) for number in range(3)))
    assert told == ["work 0", "work 1", "work 2", "goes on 0", "goes on 1", "goes on 2"]


async def test_an_error_is_for_who_asked_for_it() -> None:
    batch = WorkBatch()
    broken, whole = batch.do(lambda: 1 / 0), batch.do(lambda: "done")
    assert await whole == "done"
    with pytest.raises(ZeroDivisionError):
        await broken
    assert await batch.do(lambda: "again") == "again"


async def test_what_nobody_waits_for_is_not_done() -> None:
    batch = WorkBatch()
    done: list[str] = []
    given_up, other = batch.do(lambda: done.append("given up")), batch.do(lambda: done.append("other"))
    given_up.cancel()
    await other
    assert done == ["other"]
