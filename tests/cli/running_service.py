"""``mintmark --url``: commands by the admin API of a service that runs in a thread, with the settings that the test wants."""

import asyncio
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from unittest.mock import patch

import pytest
from aiohttp import web

from service.app import open_issuer
from service.fronts.health import Health
from service.fronts.operators import make_application
from service.issuer import Issuer
from service.settings import Settings, load
from service.settings.redis_url import ServerAddress
from tests.cli.command_line import CommandLine, Done
from tests.operators import TOKEN, TOKENS

only_here = pytest.mark.parametrize("mintmark", ["here"], indirect=True)
"""A test about what a service would not even begin with."""


@dataclass
class ByUrl(CommandLine):
    """Commands know the URL and the token, and of Redis nothing."""

    serving: "Serving | None" = None
    served: dict[str, str] = field(default_factory=dict)

    def __call__(self, *arguments: str, stdin: str = "", code: int | None = 0) -> Done:
        url = self._url()
        theirs = self.variables
        self.variables = _remote(url)
        try:
            return super().__call__(*arguments, stdin=stdin, code=code)
        finally:
            self.variables = theirs

    def at_terminal(self, *arguments: str, typed: list[tuple[str, str]]) -> Done:
        self._url()  # the service is in this process, not in the one that is made from it
        return super().at_terminal(*arguments, typed=typed)

    @property
    def environment(self) -> dict[str, str]:
        """For a process of its own."""
        inherited = super().environment
        return {name: value for name, value in inherited.items() if name not in self.variables} | _remote(self._url())

    def stop(self) -> None:
        """End the service."""
        if self.serving is not None:
            self.serving.stop()
            self.serving = None

    def _url(self) -> str:
        """Of a service with the settings of now."""
        if self.serving is None or self.served != self.variables:
            self.stop()
            others = {name: value for name, value in os.environ.items() if not name.startswith("MINTMARK_")}
            with patch.dict(os.environ, others | self.variables, clear=True):
                settings = load(admin_port=0, admin_tokens=TOKENS)
            self.serving, self.served = Serving(settings), dict(self.variables)
        return self.serving.url


def _remote(url: str) -> dict[str, str]:
    return {"MINTMARK_URL": url, "MINTMARK_TOKEN": TOKEN}


class Serving:
    """An operators' listener in a thread, until it is stopped."""

    def __init__(self, settings: Settings) -> None:
        self.url = ""
        self._settings = settings
        self._up = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._stopping = asyncio.Event()
        self._issuer: Issuer
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._up.wait(30)
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        self._call(self._stopping.set)
        self._thread.join(30)
        assert not self._thread.is_alive()

    def break_redis(self) -> None:
        """Its Redis is at a port where nobody listens from now on."""
        done = threading.Event()

        def broken() -> None:
            connection = self._issuer.store.connection
            connection._node.close()
            connection._node._locate = nowhere
            done.set()

        async def nowhere() -> ServerAddress:
            return ServerAddress("127.0.0.1", 1)

        self._call(broken)
        assert done.wait(10)

    def _call(self, what: Callable[[], object]) -> None:
        self._loop.call_soon_threadsafe(what)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as failure:  # noqa: BLE001 (raised again where the thread is joined)
            self._failure = failure
        finally:
            self._up.set()
            self._loop.close()

    async def _serve(self) -> None:
        async with open_issuer(self._settings) as issuer:
            self._issuer = issuer
            runner = web.AppRunner(make_application(issuer, Health(issuer)), access_log=None)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            host, port = runner.addresses[0][:2]
            self.url = f"http://{host}:{port}"
            self._up.set()
            await self._stopping.wait()
            await runner.cleanup()
