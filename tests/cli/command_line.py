"""``mintmark`` as it is called: within this process where that will do, as a process of its own, or at a terminal."""

import contextlib
import io
import json
import logging
import os
import pty
import select
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from service.cli import main
from tests.patience import PATIENCE

ROOT = Path(__file__).parents[2]


@dataclass
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON value that was printed."""
        assert self.out.count("\n") == 1, self.out
        return json.loads(self.out)


@dataclass
class CommandLine:
    """``mintmark("client", "list")``: runs within this process. ``variables``: of the environment."""

    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    variables: dict[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str, stdin: str = "", code: int | None = 0) -> Done:
        """Run a command that must end with this exit code; None: with whichever it likes."""
        self.monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        self.capsys.readouterr()
        others = {name: value for name, value in os.environ.items() if not name.startswith("MINTMARK_")}
        with (
            patch.dict(os.environ, others | self.variables, clear=True),
            _logging_as_it_was(),
            pytest.raises(SystemExit) as end,
        ):
            main(arguments)
        out, err = self.capsys.readouterr()
        done = Done(int(end.value.code or 0), out, err)
        assert code in (done.code, None), done
        return done

    @property
    def environment(self) -> dict[str, str]:
        """For a process of its own."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MINTMARK_")}
        return inherited | {"PYTHONPATH": str(ROOT)} | self.variables

    def start(self, *arguments: str, folder: Path = ROOT) -> "subprocess.Popen[str]":
        """Start a process."""
        return subprocess.Popen(
            [sys.executable, "-m", "service", *arguments],
            cwd=folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def at_terminal(self, *arguments: str, typed: list[tuple[str, str]]) -> Done:
        """Run a process at a terminal: ``typed`` are (what it asks, what is answered). All that is seen is in ``out``."""
        process, terminal = pty.fork()
        if process == 0:
            os.chdir(ROOT)
            os.execve(sys.executable, [sys.executable, "-m", "service", *arguments], self.environment)
        seen = ""
        for asked, answer in typed:
            seen += _read_until(terminal, asked)
            os.write(terminal, answer.encode() + b"\n")
        seen += _read_until(terminal, None)
        _, status = os.waitpid(process, 0)
        os.close(terminal)
        return Done(os.waitstatus_to_exitcode(status), seen, "")


def _read_until(terminal: int, text: str | None) -> str:
    """What the terminal shows until ``text`` comes, or until the end."""
    seen, deadline = b"", time.monotonic() + PATIENCE
    while text is None or text.encode() not in seen:
        ready, _, _ = select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, f"waited in vain for {text!r}: {seen!r}"
        try:
            part = os.read(terminal, 65536)
        except OSError:  # Linux: the other side is closed
            part = b""
        if not part:
            assert text is None, f"ended without {text!r}: {seen!r}"
            break
        seen += part
    return seen.decode()


@contextlib.contextmanager
def _logging_as_it_was() -> Any:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
