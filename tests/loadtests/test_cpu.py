"""CPU time is what the kernel says it is."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from loadtests import cpu

TICK = 10_000_000
SPIN = "import time\nwhile time.process_time() < 0.3: pass\n"
WAIT = "import sys; print(flush=True); sys.stdin.read()"


@pytest.fixture
def spun() -> Iterator[subprocess.Popen[bytes]]:
    """A process that has used a third of a second, and waits."""
    yield from _running(SPIN + WAIT)


@pytest.fixture
def parent_of_spun() -> Iterator[subprocess.Popen[bytes]]:
    """The same as a child of one that has done nothing."""
    yield from _running(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SPIN + WAIT!r}])")


def _running(program: str) -> Iterator[subprocess.Popen[bytes]]:
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", program], stdin=pipe, stdout=pipe) as child:
        assert child.stdout is not None
        child.stdout.readline()
        yield child
        assert child.stdin is not None
        child.stdin.close()


def test_it_agrees_with_proc(spun: subprocess.Popen[bytes]) -> None:
    fields = Path(f"/proc/{spun.pid}/stat").read_text().rpartition(")")[2].split()
    by_proc = (int(fields[11]) + int(fields[12])) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    assert cpu.nanoseconds(spun.pid) == pytest.approx(by_proc, abs=3 * TICK)


def test_children_count(parent_of_spun: subprocess.Popen[bytes]) -> None:
    assert len(cpu.descendants(parent_of_spun.pid)) == 1
    assert cpu.nanoseconds(parent_of_spun.pid) > 0.3 * 1e9


def test_waiting_costs_nothing(spun: subprocess.Popen[bytes]) -> None:
    before = cpu.nanoseconds(spun.pid)
    time.sleep(0.05)
    assert cpu.nanoseconds(spun.pid) - before < TICK


def test_a_process_of_one_thread_is_its_main_thread(spun: subprocess.Popen[bytes]) -> None:
    assert cpu.main_thread_nanoseconds(spun.pid) == pytest.approx(cpu.nanoseconds(spun.pid), abs=TICK)


def test_a_process_that_is_gone_is_an_error() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    with pytest.raises(ProcessLookupError):
        cpu.nanoseconds(child.pid)
