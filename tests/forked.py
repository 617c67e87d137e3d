"""Processes of the ``mintmark`` command, forked from one that has imported it: an import costs most of a second of CPU.

Each is a process of its own with its own environment and arguments, as from a shell. Tests of the start itself, or of another
release, run ``python -m service`` instead.
"""

import asyncio
import multiprocessing
import os
import signal
import sys
from collections.abc import Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from service.cli import main

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.forked", "service.cli.serve", "service.cli.clients"])


class ForkedProcess:
    """The part of the API of ``asyncio.subprocess.Process`` that tests use."""

    def __init__(self, process: ForkServerProcess) -> None:
        self._process = process
        assert process.pid is not None
        self.pid = process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        while (code := self.returncode) is None:
            await asyncio.sleep(0.02)
        return code


def start_mintmark(
    arguments: Sequence[str], variables: dict[str, str], log: Path, errors: Path | None = None
) -> ForkedProcess:
    """Run ``mintmark`` with these arguments and no other environment.

    Args:
        arguments: The command-line arguments.
        variables: Its environment.
        log: The file to which its standard output is added.
        errors: The file to which its standard error is added; None = the same.
    """
    process = _FORKS.Process(target=_run, args=(arguments, variables, (log, errors or log)), daemon=True)
    process.start()
    return ForkedProcess(process)


def _run(arguments: Sequence[str], variables: dict[str, str], logs: tuple[Path, Path]) -> None:
    os.environ.clear()
    os.environ.update(variables)
    for stream, log in zip((sys.stdout, sys.stderr), logs, strict=True):
        os.dup2(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644), stream.fileno())
    sys.argv = ["mintmark", *arguments]
    main()
