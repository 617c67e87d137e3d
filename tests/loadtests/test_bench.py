"""What the bench measures in how many rounds, however slow the machine is."""

import math
from types import SimpleNamespace
from typing import Any

import pytest

from loadtests import bench
from loadtests.report import LIMITED_AT
from loadtests.rounds import Pace
from loadtests.work import WORKS, Work

LIMITED = [name for name, work in WORKS.items() if work.limits.times_empty is not None]


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Tell in how many rounds a work is measured, before the time is used up or after it."""

    async def measured(_scene: Any, _work: Work, _connections: int, pace: Pace) -> Any:
        return SimpleNamespace(rounds=pace.rounds, times_empty=1.0)

    async def nothing(*_: Any) -> None:
        pass

    monkeypatch.setattr(bench, "_measure", measured)
    monkeypatch.setattr(bench, "_warm_up", nothing)

    async def told(name: str, connections: int, *, late: bool) -> int:
        deadline = -math.inf if late else math.inf
        scene: Any = None
        row: Any = await bench._measure_work(scene, WORKS[name], connections, bench.PACES[connections], deadline)
        return int(row.rounds)

    return told


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("name", LIMITED)
async def test_what_has_a_limit_gets_all_rounds(rounds: Any, name: str, late: bool) -> None:
    assert await rounds(name, LIMITED_AT, late=late) == bench.PACES[LIMITED_AT].rounds


@pytest.mark.parametrize("name", [name for name in WORKS if name not in LIMITED])
async def test_what_has_none_gets_few_and_one_when_the_time_is_used_up(rounds: Any, name: str) -> None:
    assert await rounds(name, LIMITED_AT, late=False) == bench.WITHOUT_LIMIT
    assert await rounds(name, LIMITED_AT, late=True) == 1


async def test_other_numbers_of_connections_are_cut_for_every_work(rounds: Any) -> None:
    assert await rounds("refresh", 256, late=False) == bench.PACES[256].rounds
    assert await rounds("refresh", 256, late=True) == 1


def test_limits_are_measured_first() -> None:
    assert next(iter(bench.PACES)) == LIMITED_AT
