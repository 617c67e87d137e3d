"""Histograms that are told in one go say what prometheus_client's own would."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from service.observe.counting import BufferedHistogram
from service.observe.metrics import SECONDS

VALUES = st.lists(st.sampled_from(SECONDS) | st.floats(0, 5))


@given(st.lists(VALUES))
def test_it_says_what_observing_one_by_one_says(rounds: list[list[float]]) -> None:
    """On the bounds too, and whenever somebody looks."""
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    timed = BufferedHistogram("took", "x", ("what",), SECONDS, ours)
    histogram = Histogram("took", "x", ("what",), registry=theirs, buckets=SECONDS)
    for values in rounds:
        for value in values:
            timed.observe(value, "a")
            histogram.labels("a").observe(value)
        timed.flush()
    assert _without_sums(ours) == _without_sums(theirs)
    assert _sum(ours) == pytest.approx(_sum(theirs))


def test_more_values_than_are_buffered_are_counted_once() -> None:
    registry = CollectorRegistry()
    timed = BufferedHistogram("took", "x", ("what",), SECONDS, registry)
    for _ in range(1234):
        timed.observe(0.25, "a")
    assert 0 < (registry.get_sample_value("took_count", {"what": "a"}) or 0) < 1234  # some are passed on meanwhile
    timed.flush()
    assert registry.get_sample_value("took_count", {"what": "a"}) == 1234
    assert _sum(registry) == pytest.approx(1234 * 0.25)


def _without_sums(registry: CollectorRegistry) -> list[str]:
    """Added up in another order a sum may differ in its last digit."""
    lines = generate_latest(registry).decode().splitlines()
    return [line for line in lines if not line.startswith(("took_sum", "took_created"))]


def _sum(registry: CollectorRegistry) -> float:
    return registry.get_sample_value("took_sum", {"what": "a"}) or 0.0
