"""Namespaces that labels choose, however many there are, as a small API server lists them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import AsyncMock, Mock

import kopf
from aiohttp import web
from aiohttp.test_utils import TestServer

from service.declared import API_VERSION, GROUP, KINDS, VERSION
from service.operator.handlers import FINALIZER, Handlers, Looking
from service.operator.health import OperatorHealth
from service.operator.metrics import OperatorMetrics
from service.operator.watching import Scope, Watcher
from tests.patience import PATIENCE

MANY = 150
"""More namespaces than kopf handles side by side."""
LABELS = {"team": "shop"}


def _named(name: str, **more: object) -> dict[str, Any]:
    return {"metadata": {"name": name, "uid": name, "resourceVersion": "1", **more}}


NAMESPACES = [_named(f"other-{number}", labels={}) for number in range(MANY)] + [_named("shop", labels=LABELS)]
CLIENT = {
    "apiVersion": API_VERSION,
    "kind": "OAuth2Client",
    "spec": {},
    **_named("web", namespace="shop", finalizers=[FINALIZER], generation=1),
}


def _resource(kind: str, plural: str) -> dict[str, Any]:
    verbs = ["get", "list", "watch", "patch"]
    return {"name": plural, "singularName": kind.lower(), "kind": kind, "namespaced": kind in KINDS, "verbs": verbs}


@asynccontextmanager
async def _api_server() -> AsyncIterator[str]:
    """Lists what there is, and reports no change."""
    ours = [_resource(kind, f"{kind.lower()}s") for kind in KINDS]
    answers: dict[str, Any] = {
        "/api": {"versions": ["v1"]},
        "/api/v1": {"resources": [_resource("Namespace", "namespaces")]},
        "/apis": {
            "groups": [{"name": GROUP, "versions": [{"version": VERSION}], "preferredVersion": {"version": VERSION}}]
        },
        f"/apis/{API_VERSION}": {"resources": ours},
        "/api/v1/namespaces": {"kind": "NamespaceList", "apiVersion": "v1", "items": NAMESPACES},
        f"/apis/{API_VERSION}/oauth2clients": {"items": [CLIENT]},
    }
    ended = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.method == "PATCH":
            return web.json_response(CLIENT)
        if "watch" in request.query:
            response = web.StreamResponse()
            await response.prepare(request)
            await ended.wait()
            return response
        return web.json_response({"metadata": {"resourceVersion": "1"}, "items": []} | answers.get(request.path, {}))

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(application) as server:
        yield str(server.make_url("")).rstrip("/")
        ended.set()


async def test_an_object_is_looked_at_however_many_namespaces_there_are() -> None:
    looked, stop = asyncio.Event(), asyncio.Event()

    class Looked(Handlers):
        async def follow(self, **_: object) -> None:  # type: ignore[override]
            looked.set()

    metrics = OperatorMetrics(lambda: 0.0)
    handlers = Looked(Mock(), metrics, Looking(LABELS))
    own = Mock(knows_kinds=AsyncMock(return_value=True), may=AsyncMock(return_value=True))
    watcher = Watcher(own, Scope(has_labels=True), handlers, OperatorHealth(metrics, {}), metrics)
    async with _api_server() as url:

        def login(**_: object) -> kopf.ConnectionInfo:
            return kopf.ConnectionInfo(server=url)

        watching = asyncio.create_task(watcher.run(login, stop))
        try:
            await asyncio.wait_for(looked.wait(), PATIENCE)
        finally:
            stop.set()
            await watching
