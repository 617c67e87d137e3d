"""Tables mark what is over its limit, and a run can be held against an earlier one."""

from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from loadtests import report
from loadtests.report import Row
from loadtests.rounds import Round, margin, middle, ratio

ROW = Row(
    work="refresh",
    title="refresh, rotation",
    connections=64,
    rate=8000.0,
    p50=7.5,
    p99=12.0,
    empty=30.0,
    server=120.0,
    redis=20.0,
    threads=0.0,
    times_empty=4.0,
    margin=0.2,
    limit=4.5,
    redis_limit=None,
    wrong=0,
    example="",
)


def printed(*rows: Row, earlier: dict[tuple[str, int], float] | None = None) -> str:
    out = StringIO()
    Console(file=out, width=160).print(report.table(rows, earlier))
    return out.getvalue()


def test_within_the_limit() -> None:
    assert not ROW.over
    assert "✓ ≤ 4.5" in printed(ROW)


@pytest.mark.parametrize("times_empty", [4.4, 4.6])
def test_what_chance_may_have_made_is_left_open(times_empty: float) -> None:
    row = replace(ROW, times_empty=times_empty)
    assert not row.over
    assert f"{times_empty:.2f} ± 0.20" in printed(row)
    assert "≈ ≤ 4.5" in printed(row)


def test_of_few_rounds_nothing_is_known_of_chance() -> None:
    assert "±" not in printed(replace(ROW, margin=None))


@pytest.mark.parametrize("row", [replace(ROW, times_empty=4.8), replace(ROW, redis_limit=19.0)])
def test_over_the_limit(row: Row) -> None:
    assert row.over
    assert "✗" in printed(row)


def test_limits_hold_at_64_connections_only() -> None:
    assert "≤" not in printed(replace(ROW, connections=8, limit=None))


def test_a_later_run_shows_the_change(tmp_path: Path) -> None:
    report.write(tmp_path / "runs" / "before.json", {"cores": 2}, [ROW])
    earlier = report.read_earlier(tmp_path / "runs" / "before.json")
    assert "4.00 -10 %" in printed(replace(ROW, times_empty=3.6), earlier=earlier)
    assert "new" in printed(replace(ROW, connections=8), earlier=earlier)


@pytest.mark.parametrize("text", ["", "[]", '{"rows": [{}]}'])
def test_a_file_that_is_no_run_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.json").write_text(text)
    with pytest.raises(ValueError, match="holds no run"):
        report.read_earlier(tmp_path / "x.json")


def test_wrong_answers_are_told() -> None:
    assert report.wrong_answers([ROW]) == []
    (line,) = report.wrong_answers([replace(ROW, wrong=3, example="503 {}")])
    assert "refresh at 64 connections: 3 wrong answers" in line


def round_of(server: float) -> Round:
    return Round(1000.0, 1.0, 2.0, server, 5.0, 0.0, 1000, 0, "")


def test_rounds_are_compared_with_their_neighbours() -> None:
    """A machine that gets slower while it is measured does not change the ratio."""
    empty = [round_of(each) for each in (20.0, 30.0, 60.0, 90.0)]
    ours = [round_of(2.5 * between) for between in (25.0, 45.0, 75.0, 90.0)]
    assert ratio(ours, empty) == 2.5
    assert middle(ours, "server") == 2.5 * 60.0
    assert ratio(ours[1:2], empty[1:2], "together") == pytest.approx((2.5 * 45 + 5) / (30 + 5))


def test_the_margin_is_two_standard_errors_of_a_median() -> None:
    empty = [round_of(30.0)] * 4
    ours = [round_of(each) for each in (60.0, 63.0, 57.0, 60.0)]
    deviation = (2 * 0.1**2 / 3) ** 0.5
    assert margin(ours, empty) == pytest.approx(2 * 1.2533 * deviation / 2, rel=1e-3)
    assert margin(ours[:1], empty[:1]) is None


def test_a_round_that_was_disturbed_counts_little() -> None:
    empty = [round_of(each) for each in (30.0, 30.0, 90.0, 30.0, 30.0)]
    assert ratio([round_of(60.0)] * 5, empty) == 2.0
