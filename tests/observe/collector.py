"""An OpenTelemetry collector that really listens: OTLP over HTTP, decoded by OpenTelemetry's own protobuf classes."""

import asyncio
from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from service.issuer import Issuer

Open = Callable[..., Any]
"""Opens a world that traces."""


class Collector:
    """``spans`` in the order of their ends; ``received``: every body as it came. ``url``: for ``otlp_endpoint``."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        self.received: list[bytes] = []
        self.services: set[str] = set()
        application = web.Application()
        application.router.add_post("/v1/traces", self._take)
        self._server = TestServer(application, host="127.0.0.1")

    @property
    def url(self) -> str:
        return str(self._server.make_url("")).rstrip("/")

    async def __aenter__(self) -> "Collector":
        await self._server.start_server()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._server.close()

    async def _take(self, http: web.Request) -> web.Response:
        body = await http.read()
        self.received.append(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.services.add(attributes(resource.resource)["service.name"])
            for scope in resource.scope_spans:
                self.spans += scope.spans
        return web.Response(content_type="application/x-protobuf")

    async def have(self, issuer: Issuer) -> list[Span]:
        """All spans that have ended until now."""
        assert issuer.tracing is not None
        await asyncio.to_thread(issuer.tracing.flush)
        return self.spans

    def of_kind(self, kind: "Span.SpanKind.ValueType") -> list[Span]:
        return [span for span in self.spans if span.kind == kind]


def attributes(of: Any) -> dict[str, Any]:
    """Name → value."""
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in of.attributes}
