"""A real server process: ``mintmark serve``, on a free port, with its log in a file."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any, Self

from aiohttp import ClientError, ClientSession

from tests.as_tested import AS_TESTED
from tests.forked import ForkedProcess, start_mintmark
from tests.free_ports import free_ports

START_SECONDS = 90.0


def free_port() -> int:
    """Return a free port that neither another test nor a client's connection takes meanwhile."""
    return free_ports(1)[0]


class ServerProcess:
    """A server process: ``async with ServerProcess(folder, redis_url=…) as server``. Settings are environment variables."""

    def __init__(
        self, folder: Path, name: str = "server", release: Path | None = None, *, forked: bool = True, **settings: Any
    ) -> None:
        """Prepare a process, which is not started yet.

        Args:
            folder: The folder of its log.
            name: The name of its log.
            release: The folder of another release of ``service``; None = the installed one.
            forked: Whether it is forked from a process with the service imported; never done for another release.
            settings: Its settings.
        """
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = folder / f"{name}-{self.port}.log"
        self._release, self._forked = release, forked and release is None
        self._settings = {**AS_TESTED, "port": self.port, **settings}
        self.process: asyncio.subprocess.Process | ForkedProcess | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    async def start(self, *, wait: bool = True) -> None:
        """Start the process, and wait until it is ready. Raises AssertionError with its log."""
        variables = {f"MINTMARK_{name.upper()}": str(value) for name, value in self._settings.items()}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MINTMARK_")}
        if self._forked:
            self.process = start_mintmark(["serve"], inherited | variables, self.log)
        else:
            command = (sys.executable, "-m", "service", "serve")
            with self.log.open("ab") as log:
                self.process = await asyncio.create_subprocess_exec(
                    *command, env=inherited | variables, cwd=self._release, stdout=log, stderr=log
                )
        if wait:
            await self._ready()

    async def terminate(self) -> None:
        """Send SIGTERM."""
        assert self.process is not None
        self.process.terminate()

    async def exit_code(self, seconds: float = START_SECONDS) -> int:
        """Wait for its end, and return its exit code."""
        assert self.process is not None
        async with asyncio.timeout(seconds):
            return await self.process.wait()

    async def stop(self) -> None:
        """End the process, gracefully if possible."""
        if self.process is None or self.process.returncode is not None:
            return
        self.process.terminate()
        try:
            await self.exit_code(5)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _ready(self) -> None:
        assert self.process is not None
        if not await is_ready(self.url, self.process):
            await self.stop()
            raise AssertionError(f"the server did not become ready:\n{self.log.read_text()[-4000:]}")


async def is_ready(url: str, process: asyncio.subprocess.Process | ForkedProcess) -> bool:
    """Wait until the server is ready; return False where its process ended or the time is over."""
    async with ClientSession() as session:
        for _ in range(int(START_SECONDS / 0.05)):
            if process.returncode is not None:
                return False
            try:
                async with session.get(f"{url}/readyz") as response:
                    if response.status == 200:
                        return True
            except ClientError:
                pass
            await asyncio.sleep(0.05)
    return False
