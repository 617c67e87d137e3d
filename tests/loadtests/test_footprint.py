"""The memory of a process, measured by one that may run the same files."""

import mmap
import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.footprint import memory

SIZE = 8_000_000
MAPPING = """
import mmap, sys
with open(sys.argv[1], "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
    sum(mapped[::mmap.PAGESIZE])
    print("mapped", flush=True)
    sys.stdin.read()
"""


def test_files_that_the_measuring_process_maps_too_count_whole(tmp_path: Path) -> None:
    file = tmp_path / "mapped"
    file.write_bytes(b"\1" * SIZE)
    command = [sys.executable, "-c", MAPPING, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"mapped\n"
        before, _ = memory(child.pid)
        with file.open("rb") as own, mmap.mmap(own.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            sum(mapped[:: mmap.PAGESIZE])
            after, rss = memory(child.pid)
    assert before == pytest.approx(after, abs=SIZE / 10 / 1e6)
    assert SIZE / 1e6 < after <= rss
