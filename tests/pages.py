"""Pages of the documentation and the README: their code blocks, and a shell that runs them as they are written.

Only the surroundings of a block are replaced: ``mintmark`` and ``python`` are those of this environment, ports are free ones,
and Redis is one of the suite's.
"""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any

from tests.patience import PATIENCE, until
from tests.server_process import is_ready

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PIPE, STDOUT = asyncio.subprocess.PIPE, asyncio.subprocess.STDOUT


class Page:
    """A page: ``Page("how-to/hooks.md", section="Try it").block("console")``, or ``Page("README.md")`` of the repository."""

    def __init__(self, path: str, section: str = "") -> None:
        """Read a page; with ``section`` only the part below this heading, up to the next one of its level or above."""
        self.path = ROOT / path if path == "README.md" else DOCS / path
        self.text = self.path.read_text()
        if section:
            heading = re.search(rf"^(#+) {re.escape(section)}\n", self.text, re.MULTILINE)
            assert heading is not None, f"{path} has no section {section!r}"
            rest = self.text[heading.end() :]
            end = re.search(
                rf"^#{{1,{len(heading[1])}}} ", re.sub(r"^```.*?^```", _blank, rest, flags=re.M | re.S), re.M
            )
            self.text = rest[: end.start()] if end else rest

    def blocks(self, language: str) -> list[str]:
        """Return the fenced blocks of a language, in order; a title or other attributes after the language are ignored."""
        return re.findall(rf"^```{language}\b[^\n]*\n(.*?)^```", self.text, re.MULTILINE | re.DOTALL)

    def block(self, language: str, having: str = "") -> str:
        """Return the only block of a language, or the only one of them that contains ``having``."""
        found = [block for block in self.blocks(language) if having in block]
        assert len(found) == 1, f"{self.path.name} has {len(found)} blocks of {language} with {having!r}"
        return found[0]


def _blank(found: re.Match[str]) -> str:
    return " " * len(found[0])


class Shell:
    """Bash in a folder, in which the commands of a page find the files that they name."""

    def __init__(self, folder: Path, here: dict[str, Any] | None = None, **variables: Any) -> None:
        """Make a shell.

        Args:
            folder: Where scripts run.
            here: Texts of the page with their replacements, such as ports.
            variables: Of the environment.
        """
        self.folder = folder
        self._here = here or {}
        programs = folder / ".venv" / "bin"
        programs.mkdir(parents=True, exist_ok=True)
        for name, command in {"mintmark": "-m service", "python": "", "flask": "-m flask"}.items():
            (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {command} "$@"\n')
            (programs / name).chmod(0o755)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MINTMARK_")}
        self.variables = {
            **inherited,
            "PATH": f"{programs}:{inherited['PATH']}",
            "PYTHONPATH": f"{ROOT}:{ROOT / 'guard'}",
            **{name: str(value) for name, value in variables.items()},
        }

    def here(self, text: str) -> str:
        """Return a text of the page with its replacements."""
        for there, here in self._here.items():
            text = text.replace(there, str(here))
        return text

    async def start(
        self, script: str, output: int | IO[bytes] = PIPE, errors: int = STDOUT, **further: Any
    ) -> asyncio.subprocess.Process:
        """Start a script, which ends at its first failure. Its output and errors go to ``output``."""
        return await asyncio.create_subprocess_exec(
            "bash",
            "--norc",
            "-euo",
            "pipefail",
            "-c",
            self.here(script),
            cwd=self.folder,
            env=self.variables | {name: str(value) for name, value in further.items()},
            stdin=PIPE,
            stdout=output,
            stderr=errors,
        )

    async def run(self, script: str, **further: Any) -> str:
        """Run a script to its end and return its output. Raises AssertionError with the output where it fails."""
        process = await self.start(script, **further)
        output, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
        assert process.returncode == 0, output.decode()
        return output.decode()

    async def read(self, script: str, **further: Any) -> Any:
        """Run a script to its end and return the JSON on its standard output, without its messages; None for nothing."""
        process = await self.start(script, errors=PIPE, **further)
        output, errors = await asyncio.wait_for(process.communicate(), PATIENCE)
        assert process.returncode == 0, errors.decode()
        return json.loads(output) if output.strip() else None

    @asynccontextmanager
    async def running(self, script: str, url: str = "", **further: Any) -> AsyncIterator[asyncio.subprocess.Process]:
        """Run a script whose last command serves, until the block ends. With ``url``, wait until its ``/readyz`` answers."""
        *before, last = script.strip().split("\n")
        log = self.folder / "running.log"
        with log.open("wb") as output:
            process = await self.start("\n".join([*before, f"exec {last}"]), output, **further)
        try:
            assert not url or await is_ready(url, process), log.read_text()
            yield process
        finally:
            if process.returncode is None:
                process.terminate()
            await asyncio.wait_for(process.wait(), PATIENCE)


async def until_it_listens(port: int) -> None:
    """Wait until something on this machine takes connections at that port."""

    async def listens() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return False
        writer.close()
        return True

    await until(listens, 0.05)
