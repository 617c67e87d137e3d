"""A webhook of an operator: a real server in the process of the test, and services that know it."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web
from standardwebhooks import Webhook

from service.app import open_issuer
from service.hooks import Hooks
from tests.redis_shapes import Shape
from tests.world import World, in_process, settings_for

HOOK_SECRET = "whsec_" + base64.b64encode(b"k" * 32).decode()
ALL_EVENTS = ("claims", "refresh", "login", "logged_in", "logged_out", "revoked")
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Receiver:
    """``answers``: by event, what to say; ``heard``: every body in order, as its signature was found good; ``ids``: theirs;
    ``turn``: an answer of any kind in the place of those, for what goes wrong.
    """

    url: str = ""
    answers: dict[str, Any] = field(default_factory=dict)
    heard: list[dict[str, Any]] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    raw: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    turn: Answer | None = None

    async def hear(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.raw.append((headers, body))
        self.heard.append(Webhook(HOOK_SECRET).verify(body, headers))
        self.ids.append(headers["webhook-id"])
        if self.turn is not None:
            return await self.turn(request)
        answer = self.answers.get(json.loads(body)["type"])
        return web.Response(status=204) if answer is None else web.json_response(answer)

    def of(self, event: str) -> list[dict[str, Any]]:
        """The facts of each time that it heard of this event."""
        return [one["data"] for one in self.heard if one["type"] == event]


@dataclass
class Clock:
    """The time of day, and how far a test has moved it."""

    now: Callable[[], float]
    ahead: float = 0.0

    def __call__(self) -> float:
        return self.now() + self.ahead


@asynccontextmanager
async def hooked(
    shape: Shape, hooks: dict[str, dict[str, Any]], secret: str = HOOK_SECRET, url: str = "", **changes: Any
) -> AsyncIterator[World]:
    """A service with these hooks, whose clock a test can move: ``world.issuer.clock.ahead``. ``url``: of Redis, where it is
    reached some other way."""
    secrets = {name: secret for name, hook in hooks.items() if "url" in hook}
    settings = settings_for(url or shape.url, hooks=hooks, hook_secrets=secrets, **changes)
    async with open_issuer(settings, listen=False) as opened:
        clock = Clock(opened.clock)
        parts = (settings, opened.http_client, opened.store.notifications, opened.metrics, clock, opened.randomness)
        issuer = replace(opened, clock=clock, hooks=Hooks(*parts))
        async with in_process(issuer) as http:
            yield World(issuer, http, shape)


async def delivered(world: World) -> int:
    """Deliver the notices that are due now; how many were tried."""
    issuer = world.issuer
    return await issuer.hooks.notifier.deliver_due()


async def never(_: web.Request) -> web.StreamResponse:
    """Take longer than anybody waits."""
    await asyncio.sleep(60)
    return web.Response()


def saying(status: int = 200, body: bytes = b"", **headers: str) -> Answer:
    """The same answer to everything."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=body, headers=headers)

    return answer
