"""What takes longest begins first in each test process, and files stay together."""

from pathlib import Path

from tests.longest_first import LONGEST, longest_first


def test_each_process_gets_a_share_of_the_longest_first_and_as_many_tests() -> None:
    files = [file for file in ("a.py", "b.py", *LONGEST[:4], "c.py", "d.py") for _ in range(3)]
    items = [f"{file}-{number}" for number, file in enumerate(files)]
    ordered = longest_first(items, files, 2)
    assert sorted(ordered) == sorted(items)
    halves = [[item.rpartition("-")[0] for item in half] for half in (ordered[:12], ordered[12:])]
    assert [list(dict.fromkeys(half))[:2] for half in halves] == [[LONGEST[0], LONGEST[2]], [LONGEST[1], LONGEST[3]]]
    assert all(len(set(half)) == 4 for half in halves), "files stay together"


def test_files_that_are_named_are_there() -> None:
    assert [file for file in LONGEST if not (Path(__file__).parent / file).exists()] == []
