"""Tokens for an API, and guards of it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from mintmark_guard import Guard, Refused
from mintmark_guard.claims_cache import ClaimsCache
from mintmark_guard.introspection import Introspection
from mintmark_guard.token_source import InactiveError
from tests.guarded import bearer
from tests.patience import PATIENCE
from tests.server_process import free_port
from tests.world import World

API = "https://api.example.com"


async def token_of(world: World, **client: Any) -> str:
    made = await world.client(audiences=(API,), **client)
    world.issuer.store.clients.forget(["app"])
    return str((await world.tokens(made, scope="read", audience=(API,)))["access_token"])


async def listening(guard: Guard) -> Guard:
    await guard.start()
    source = guard.source
    assert isinstance(source, Introspection)
    async with asyncio.timeout(PATIENCE):
        while not source.hears:
            await asyncio.sleep(0.01)
    return guard


def remembered(guard: Guard) -> ClaimsCache:
    """What it remembers of introspection."""
    assert isinstance(guard.source, Introspection)
    return guard.source.cache


async def is_let_in(guard: Guard, token: str) -> bool:
    try:
        await guard.check(**bearer(token))
    except Refused as refused:
        if refused.status != 401:
            raise
        return False
    return True


class Reader:
    """A source of claims that knows one good token, for reading; nothing is asked."""

    def at_hand(self, text: str) -> Mapping[str, Any] | None:
        if text != "good":
            raise InactiveError
        return {"sub": "alice", "aud": API, "scope": "read"}

    async def claims(self, text: str) -> Mapping[str, Any]:
        raise AssertionError(text)

    async def start(self) -> None: ...

    async def close(self) -> None: ...


GOOD = {"Authorization": "Bearer good"}


def reader_guard(**options: Any) -> Guard:
    """A guard that needs no service."""
    guard = Guard("https://tokens.example.com", API, **options)
    guard.source = Reader()
    return guard


@asynccontextmanager
async def uvicorn_of(app: Any, port: int = 0) -> AsyncIterator[str]:
    """Serve an ASGI application; where."""
    port = port or free_port()
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
    serving = asyncio.ensure_future(server.serve())
    async with asyncio.timeout(30):
        while not server.started:
            await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await serving
