"""Stacks are summed by function."""

import pytest

from loadtests.flame_graph import Line, summed


def test_own_time_and_that_of_what_is_called() -> None:
    lines = summed("main (a.py:1);serve (b.py:2) 1\nmain (a.py:1);serve (b.py:2);send (c.py:3) 3\n")
    assert lines == [Line("send (c.py:3)", 0.75, 0.75), Line("serve (b.py:2)", 0.25, 1.0)]


def test_recursion_counts_once() -> None:
    (line,) = summed("walk (a.py:1);walk (a.py:1) 4\n")
    assert (line.itself, line.whole) == (1.0, 1.0)


def test_nothing_seen_is_no_line() -> None:
    assert summed("") == []


@pytest.mark.parametrize("count", [1, 7])
def test_shares_add_up_to_one(count: int) -> None:
    lines = summed("".join(f"main (m.py:1);f{number} (f.py:{number}) {number + 1}\n" for number in range(count)))
    assert sum(line.itself for line in lines) == pytest.approx(1.0)
