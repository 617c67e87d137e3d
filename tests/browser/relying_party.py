"""A client's own site: it shows what it was sent, and has a button that begins a login."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import escape
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer


@dataclass
class RelyingParty:
    """``received``: query or form of every visit to its callback; ``heard``: of its front- and back-channel logout URIs."""

    url: str = ""
    received: list[dict[str, Any]] = field(default_factory=list)
    heard: list[dict[str, Any]] = field(default_factory=list)

    @property
    def callback(self) -> str:
        return f"{self.url}/callback"

    async def show(self, request: web.Request) -> web.Response:
        """The callback: what came, and how."""
        form = dict(await request.post()) if request.method == "POST" else {}
        self.received.append({"method": request.method, "query": dict(request.query), "form": form})
        told = escape(str(form or dict(request.query)))
        return web.Response(
            text=f"<!doctype html><title>RP</title><h1>Back at the app</h1><p>{told}</p>", content_type="text/html"
        )

    async def hear(self, request: web.Request) -> web.Response:
        """A logout URI."""
        form = dict(await request.post()) if request.method == "POST" else {}
        self.heard.append({"path": request.path, "query": dict(request.query), "form": form})
        return web.Response(text="<!doctype html><title>out</title>", content_type="text/html")


@asynccontextmanager
async def relying_party() -> AsyncIterator[RelyingParty]:
    """One that listens on loopback."""
    party = RelyingParty()
    app = web.Application()
    app.router.add_route("*", "/callback", party.show)
    app.router.add_get("/signed-out", party.show)
    app.router.add_route("*", "/frontchannel", party.hear)
    app.router.add_route("*", "/backchannel", party.hear)
    async with TestServer(app, host="127.0.0.1") as server:
        party.url = f"http://127.0.0.1:{server.port}"
        yield party
