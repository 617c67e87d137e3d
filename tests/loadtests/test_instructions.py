"""What the check of instruction counts takes for growth."""

import re

import pytest

from loadtests.instructions import COMMITTED, COUNTED, Figures, as_regex, complaints, read
from loadtests.interpreter import serving
from loadtests.work import WORKS

BEFORE = Figures(str(serving()), {}, 100.0, {"refresh": 500.0, "revoke": 300.0})


def now(build: str = BEFORE.interpreter, empty: float = 100.0, **works: float) -> Figures:
    return Figures(build, {}, empty, works)


@pytest.mark.parametrize(
    ("figures", "grown"),
    [
        (now(refresh=500.0, revoke=300.0), []),
        (now(refresh=524.0, revoke=314.0), []),
        (now(refresh=526.0, revoke=314.0), ["refresh"]),
        (now(refresh=526.0, revoke=400.0), ["refresh", "revoke"]),
        (now(empty=50.0, refresh=500.0), []),
        (now(refresh=100.0, redeem=9000.0), []),
        (now("another", refresh=570.0, revoke=300.0), []),
        (now("another", refresh=580.0, revoke=300.0), ["refresh"]),
        (now("another", empty=200.0, refresh=1140.0), []),
        (now("another", empty=50.0, refresh=500.0), ["refresh"]),
    ],
)
def test_growth(figures: Figures, grown: list[str]) -> None:
    found = complaints(figures, BEFORE)
    assert [line.split()[0] for line in found[:-1]] == grown
    assert not grown or "--json loadtests/instructions.json" in found[-1], "says how to renew"


@pytest.mark.parametrize(
    ("version", "counted", "grown"),
    [
        ("7.0.15", 209_000.0, []),
        ("7.0.15", 211_000.0, ["refresh"]),
        ("8.2.1", 900_000.0, []),
        ("", 900_000.0, []),
    ],
)
def test_growth_of_what_redis_does(version: str, counted: float, grown: list[str]) -> None:
    earlier = Figures(BEFORE.interpreter, {}, 100.0, {}, "7.0.15", {"refresh": 200_000.0, "little": 12_000.0})
    found = complaints(
        Figures(BEFORE.interpreter, {}, 100.0, {}, version, {"refresh": counted, "little": 17_000.0, "new": 1.0}),
        earlier,
    )
    assert [line.split(":")[0] for line in found[:-1]] == grown
    assert all("of Redis" in line for line in found[:-1])


def test_another_interpreter_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    complaints(now("another", refresh=500.0), BEFORE)
    assert "these of another" in capsys.readouterr().out


def test_the_patterns_of_works() -> None:
    assert re.search(as_regex('^{"a":"mm_at_[%w_-]+",'), '{"a":"mm_at_aB-_0",')
    assert re.fullmatch(as_regex("a%-b%.%d+"), "a-b.12")
    assert not re.fullmatch(as_regex("a%.b"), "axb")


def test_what_is_committed_is_what_is_counted() -> None:
    figures = read(COMMITTED)
    assert set(figures.works) == set(figures.redis) == set(COUNTED) <= set(WORKS)
    assert 100_000 < figures.empty < min(figures.works.values())
