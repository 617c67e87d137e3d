"""Namespaces that labels choose, however many there are, as a small API server lists them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from unittest.mock import AsyncMock, Mock

import kopf
import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer

from service.declared import API_VERSION, GROUP, KINDS, VERSION
from service.operator.handlers import FINALIZER, Handlers, Looking
from service.operator.health import OperatorHealth
from service.operator.metrics import ObjectState, OperatorMetrics
from service.operator.status import Reason
from service.operator.watching import Scope, Watcher
from tests.patience import PATIENCE, until

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
async def _api_server(client: Mapping[str, Any], *events: Mapping[str, Any]) -> AsyncIterator[str]:
    """Lists what there is, and reports these events of clients."""
    ours = [_resource(kind, f"{kind.lower()}s") for kind in KINDS]
    answers: dict[str, Any] = {
        "/api": {"versions": ["v1"]},
        "/api/v1": {"resources": [_resource("Namespace", "namespaces")]},
        "/apis": {
            "groups": [{"name": GROUP, "versions": [{"version": VERSION}], "preferredVersion": {"version": VERSION}}]
        },
        f"/apis/{API_VERSION}": {"resources": ours},
        "/api/v1/namespaces": {"kind": "NamespaceList", "apiVersion": "v1", "items": NAMESPACES},
        f"/apis/{API_VERSION}/oauth2clients": {"items": [client]},
    }
    ended = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.method == "PATCH":
            return web.json_response(client)
        if "watch" in request.query:
            response = web.StreamResponse()
            await response.prepare(request)
            for event in events if request.path.endswith("oauth2clients") else ():
                await response.write(orjson.dumps(event) + b"\n")
            await ended.wait()
            return response
        return web.json_response({"metadata": {"resourceVersion": "1"}, "items": []} | answers.get(request.path, {}))

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(application) as server:
        yield str(server.make_url("")).rstrip("/")
        ended.set()


@asynccontextmanager
async def _watching(handlers: Handlers, metrics: OperatorMetrics, url: str) -> AsyncIterator[None]:
    """The operator beside the block, with all rights."""
    own, stop = Mock(knows_kinds=AsyncMock(return_value=True), may=AsyncMock(return_value=True)), asyncio.Event()
    watcher = Watcher(own, Scope(has_labels=True), handlers, OperatorHealth(metrics, {}), metrics)

    def login(**_: object) -> kopf.ConnectionInfo:
        return kopf.ConnectionInfo(server=url)

    watching = asyncio.create_task(watcher.run(login, stop))
    try:
        yield
    finally:
        stop.set()
        await watching


async def test_an_object_is_looked_at_however_many_namespaces_there_are() -> None:
    looked = asyncio.Event()

    class Looked(Handlers):
        async def follow(self, **_: object) -> None:  # type: ignore[override]
            looked.set()

    metrics = OperatorMetrics(lambda: 0.0)
    async with _api_server(CLIENT) as url, _watching(Looked(Mock(), metrics, Looking(LABELS)), metrics, url):
        await asyncio.wait_for(looked.wait(), PATIENCE)


async def test_an_object_that_goes_after_its_namespace_lost_the_labels_is_shown_no_more() -> None:
    metrics = OperatorMetrics(lambda: 0.0)
    metrics.objects["web"] = ObjectState("OAuth2Client", Reason.CANNOT_END, 0.0)
    gone = CLIENT | {"metadata": CLIENT["metadata"] | {"namespace": "other-1"}}

    async def is_shown_no_more() -> bool:
        return not metrics.objects

    async with (
        _api_server(gone, {"type": "DELETED", "object": gone}) as url,
        _watching(Handlers(Mock(), metrics, Looking(LABELS)), metrics, url),
    ):
        await until(is_shown_no_more)
