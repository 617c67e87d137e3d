"""The table of tests/README.md, and a check that the tests in it run code of the file that implements the behaviour."""

import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NamedTuple

TESTS = Path(__file__).parent
ROOT = TESTS.parent
BEHAVIOURS, _, CONFORMANCE = (
    (TESTS / "README.md").read_text().partition("\n## The OpenID Foundation's conformance tests\n")
)
NAMED = r"`(\S+\.py::\S+)`"
OTHER_PROCESSES = {"journeys/test_django_server.py"}
"""Tests of servers in another process, whose code cannot be traced."""


class Behaviour(NamedTuple):
    """A row of the table: its id, the files of service/ that implement it, and the tests that prove it."""

    row_id: str
    files: frozenset[Path]
    tests: tuple[str, ...]


def _behaviours() -> Iterator[Behaviour]:
    for row_id, where, proof in re.findall(r"^\| ([A-Z]{2}-\d\d) \| .+ \| (.+) \| (.+) \|$", BEHAVIOURS, re.MULTILINE):
        files = frozenset(ROOT / file for file in re.findall(r"`(service/\S+)`", where))
        yield Behaviour(row_id, files, tuple(re.findall(NAMED, proof)))


ROWS = tuple(_behaviours())
PROVED_BY = {test: [row for row in ROWS if test in row.tests] for row in ROWS for test in row.tests}


@contextmanager
def checked(node_id: str) -> Iterator[None]:
    """Fail a test that the table names if it runs no code of a file in its row."""
    test = node_id.partition("[")[0].removeprefix("tests/")
    rows = [] if test.partition("::")[0] in OTHER_PROCESSES else PROVED_BY.get(test, [])
    if not rows:
        yield
        return
    with _files_that_run() as files:
        yield
    for row in rows:
        assert row.files & files, f"{row.row_id} says that this test runs {[str(file) for file in row.files]}"


@contextmanager
def _files_that_run() -> Iterator[set[Path]]:
    """Yield the files of which functions are called during the block."""
    called: set[str] = set()
    files: set[Path] = set()

    def note(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code.co_name != "<module>":
            called.add(frame.f_code.co_filename)

    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield files
    finally:
        sys.setprofile(None)
        threading.setprofile(None)
        files.update(map(Path, called))
