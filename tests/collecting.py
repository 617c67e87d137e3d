"""Faster collection of tests, as each test process spends ten seconds of CPU on importing and listing ten thousand tests."""

import gc
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

REST = frozenset({"slow", "browser", "topologies"})
"""The marks of the tests that `make test-rest` runs."""

_SAYS_SO = re.compile(r"mark\.slow|browser|topologies|any_redis|any_world|(sentinel|cluster)_shape|BOTH_WAYS|\bpage\b")
"""A pattern that matches every file with a test of such a mark."""


def may_hold(path: Path, chosen: str) -> bool:
    """Whether a file may hold a test that an expression of marks selects, such as ``slow or browser``."""
    wanted = set(re.findall(r"\w+", chosen)) - {"or"}
    return not wanted or not wanted <= REST or path.suffix != ".py" or _says_so(path)


def check(items: Iterable[pytest.Item]) -> None:
    """Fail where ``may_hold`` would leave out a file with a test of `make test-rest`."""
    files = {item.path for item in items if REST & {mark.name for mark in item.iter_markers()}}
    if forgotten := sorted(str(file) for file in files if not _says_so(file)):
        raise pytest.UsageError(f"make test-rest would not find its tests: tests/collecting.py, _SAYS_SO: {forgotten}")


def _says_so(path: Path) -> bool:
    return bool(_SAYS_SO.search(path.read_text()))


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Disable garbage collection during imports and listing, and exclude their objects from later collections."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
