"""Who wants the same at the same time gets the same answer."""

import asyncio

import pytest

from service.concurrency.shared_calls import SharedCalls


async def test_calls_of_a_key_at_the_same_time_are_one() -> None:
    calls: SharedCalls[int] = SharedCalls()
    begun: list[str] = []

    async def work(key: str) -> int:
        begun.append(key)
        await asyncio.sleep(0)
        return len(begun)

    answers = await asyncio.gather(*(calls.answer(key, lambda key=key: work(key)) for key in "aab"))  # type: ignore[misc]
    assert (answers, begun) == ([2, 2, 2], ["a", "b"])
    assert await calls.answer("a", lambda: work("a")) == 3


async def test_a_call_outlives_who_waits_for_it() -> None:
    calls: SharedCalls[str] = SharedCalls()
    go = asyncio.Event()

    async def work() -> str:
        await go.wait()
        return "done"

    first, second = (asyncio.ensure_future(calls.answer("", work)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    go.set()
    assert await second == "done"


async def test_a_failure_is_everybodys_and_is_not_kept() -> None:
    calls: SharedCalls[str] = SharedCalls()
    tries: list[int] = []

    async def work() -> str:
        tries.append(1)
        await asyncio.sleep(0)
        raise OSError("away")

    failures = await asyncio.gather(*(calls.answer("", work) for _ in range(3)), return_exceptions=True)
    assert [str(one) for one in failures] == ["away"] * 3
    with pytest.raises(OSError, match="away"):
        await calls.answer("", work)
    assert len(tries) == 2


async def test_what_is_forgotten_is_begun_again() -> None:
    calls: SharedCalls[int] = SharedCalls()
    go = asyncio.Event()
    begun: list[int] = []

    async def work() -> int:
        begun.append(1)
        number = len(begun)
        await go.wait()
        return number

    first = calls.start("", work)
    await asyncio.sleep(0)
    calls.forget()
    second = calls.start("", work)
    await asyncio.sleep(0)
    go.set()
    assert (await first, await second) == (1, 2)
    await asyncio.sleep(0)
    assert await calls.answer("", work) == 3
