"""The search for the knee: up, step by step, until it is too slow."""

import pytest

from loadtests.knee import Seen, Steps


def climbed(steps: Steps, *ends: tuple[float, float, float]) -> list[int | None]:
    """What is wanted at the end of each step: rate, p99 and failures each."""
    return [steps.wanted((number + 1) * steps.seconds, *end) for number, end in enumerate(ends)]


def test_a_step_lasts_its_time() -> None:
    steps = Steps(20, 10.0, 50.0)
    assert [steps.wanted(now, 100.0, 5.0, 0.0) for now in (0.0, 5.0, 9.9, 10.0, 19.9, 20.0)] == [20, 20, 20, 40, 40, 60]


def test_it_ends_where_p99_passes_the_limit() -> None:
    steps = Steps(20, 10.0, 50.0)
    assert climbed(steps, (200, 5, 0), (390, 20, 0), (500, 51, 0)) == [40, 60, None]
    assert steps.knee == Seen(40, 390, 20, 0)
    assert "The knee: 40 users, 390 requests/s, p99 20 ms." in steps.summary()


def test_slow_at_the_start_of_a_step_does_not_end_it() -> None:
    steps = Steps(20, 10.0, 50.0)
    assert steps.wanted(3.0, 100.0, 900.0, 0.0) == 20


def test_failures_end_it_too() -> None:
    steps = Steps(20, 10.0, 50.0)
    assert climbed(steps, (200, 5, 0), (390, 20, 0.1)) == [40, None]
    assert steps.knee == Seen(20, 200, 5, 0)


@pytest.mark.parametrize("p99", [51.0, 5000.0])
def test_there_may_be_no_knee(p99: float) -> None:
    steps = Steps(20, 10.0, 50.0)
    assert climbed(steps, (200, p99, 0)) == [None]
    assert steps.knee is None
    assert "No step stayed within 50 ms" in steps.summary()


def test_it_does_not_climb_for_ever() -> None:
    steps = Steps(20, 10.0, 50.0, most=2)
    assert climbed(steps, (200, 5, 0), (400, 5, 0)) == [40, None]
    assert "the knee lies beyond" in steps.summary()
