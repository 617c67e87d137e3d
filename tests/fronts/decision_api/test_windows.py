"""Windows on lists: what they hold, how much work they cause, and that they say so where that is not all."""

from collections.abc import Sequence

import pytest

from service.fronts.decision_api.call import CallError
from service.fronts.decision_api.windows import WIDEST, WindowBody, cut, read_window


@pytest.mark.parametrize(
    ("members", "start", "stop"),
    [
        ({}, 0, 5),
        ({"start": 7}, 7, 12),
        ({"start": 0, "end": 0}, 0, 5),
        ({"start": "3", "end": "4"}, 3, 4),
        ({"start": 4, "end": 4}, 4, 4),
        ({"end": WIDEST}, 0, WIDEST),
    ],
)
def test_a_window(members: dict[str, object], start: int, stop: int) -> None:
    window = WindowBody.read(members)
    assert (window.start, window.stop) == (start, stop)


@pytest.mark.parametrize(
    "members", [{"start": -1}, {"start": 2, "end": 1}, {"end": WIDEST + 1}, {"start": 10**30}, {"end": []}]
)
def test_no_window(members: dict[str, object]) -> None:
    with pytest.raises(CallError):
        WindowBody.read(members)


def test_a_list_that_is_known_whole_is_cut() -> None:
    assert cut(list("abcdef"), WindowBody.read({"start": 4, "end": 9})) == (["e", "f"], 6, "")


async def test_a_walk_ends_at_a_bound_and_says_so() -> None:
    asked = []

    async def endless(cursor: str) -> tuple[Sequence[int], str]:
        asked.append(cursor)
        return range(10), "more"

    found, total, detail = await read_window(endless, WindowBody.read({"start": 195, "end": 205}))
    assert (len(asked), list(found), total) == (20, [5, 6, 7, 8, 9], 200)
    assert "more than one call looks at" in detail


async def test_a_walk_passes_over_empty_pages() -> None:
    pages = {"": ((), "a"), "a": ((1,), "b"), "b": ((), "c"), "c": ((2, 3), "")}

    async def page_at(cursor: str) -> tuple[Sequence[int], str]:
        return pages[cursor]

    assert await read_window(page_at, WindowBody.read({"start": 1})) == ([2, 3], 3, "")
