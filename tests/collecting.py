"""What a run need not collect: each test process imports and lists ten thousand tests, which takes it ten seconds of CPU."""

import gc
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

REST = frozenset({"slow", "browser", "topologies"})
"""The marks of what `make test-rest` runs."""

_SAYS_SO = re.compile(r"mark\.slow|browser|topologies|any_redis|any_world|(sentinel|cluster)_shape|BOTH_WAYS|\bpage\b")
"""What a file says that holds a test with such a mark."""


def may_hold(path: Path, chosen: str) -> bool:
    """Whether a file may hold a test that is chosen by this expression of marks, such as ``slow or browser``."""
    wanted = set(re.findall(r"\w+", chosen)) - {"or"}
    return not wanted or not wanted <= REST or path.suffix != ".py" or _says_so(path)


def check(items: Iterable[pytest.Item]) -> None:
    """Fail where a test of the rest is in a file that ``may_hold`` would leave out."""
    files = {item.path for item in items if REST & {mark.name for mark in item.iter_markers()}}
    if forgotten := sorted(str(file) for file in files if not _says_so(file)):
        raise pytest.UsageError(f"make test-rest would not find its tests: tests/collecting.py, _SAYS_SO: {forgotten}")


def _says_so(path: Path) -> bool:
    return bool(_SAYS_SO.search(path.read_text()))


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """What is imported and listed is no garbage: do not look for any meanwhile, and never again among it."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
