"""Traces by OpenTelemetry. Imported only where ``otlp_endpoint`` is set: who does not trace does not pay, and need not have it.

Whether a request is traced is said once, at its beginning, and what is not traced never touches OpenTelemetry. Spans are
sent by a thread from a bounded queue: a collector that is away costs spans, never a request. Attributes follow the
semantic conventions, as far as they can hold no credential: no query, no header, no key of Redis, no path of others.
"""

import asyncio
import random
import threading
import time
from collections.abc import Iterable
from types import TracebackType

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    set_span_in_context,
)
from opentelemetry.trace import Span as OtelSpan

from service import __version__
from service.observe.current import CURRENT
from service.observe.outgoing import Outgoing
from service.observe.trace_context import HEADER, TraceContext, written
from service.protocol.redaction import redacted

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY"})
_EXPORT_SECONDS = 5.0
"""How long one batch of spans may take to be taken, with all tries."""
_CLOSE_SECONDS = 3.0
"""How long the last spans may take at the end."""

Attributes = dict[str, str | int]


class Span:
    """A span that is under way."""

    __slots__ = ("context", "otel")

    def __init__(self, otel: OtelSpan) -> None:
        self.otel = otel
        context = otel.get_span_context()
        self.context = TraceContext(f"{context.trace_id:032x}", f"{context.span_id:016x}", True)

    @property
    def as_parent(self) -> Context:
        """The context of its children."""
        return set_span_in_context(self.otel, Context())

    def end(self, attributes: Attributes, error: str = "", ended: int | None = None) -> None:
        """``error``: empty where it went well. ``ended``: nanoseconds of the epoch, now unless said."""
        self.otel.set_attributes(_clean(attributes))
        if error:
            self.otel.set_attribute("error.type", redacted(error))
            self.otel.set_status(Status(StatusCode.ERROR))
        self.otel.end(ended)


class Tracing:
    """``sample``: the share of requests that are traced where no caller that we believe has said so already."""

    def __init__(self, endpoint: str, sample: float) -> None:
        self._sample = sample
        self._provider = TracerProvider(
            sampler=ALWAYS_ON,  # what shall not be sampled does not get here
            resource=Resource.create({SERVICE_NAME: "mintmark", SERVICE_VERSION: __version__}),
            shutdown_on_exit=False,
        )
        exporter = OTLPSpanExporter(endpoint.rstrip("/") + "/v1/traces", timeout=_EXPORT_SECONDS)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("mintmark", __version__)

    def begin(self, method: str, route: str, caller: TraceContext | None, *, trusted: bool) -> Span | None:
        """The span of a request, None if it is not traced. ``route``: its path, if it is one of ours.

        A caller that does not trace is followed. One that does is followed if ``trusted``; else our own dice decide, for
        anybody could have us trace everything.
        """
        if caller is not None and not caller.sampled:
            return None
        if not (caller is not None and trusted) and random.random() >= self._sample:  # noqa: S311
            return None
        known = method if method in _METHODS else "_OTHER"
        attributes: Attributes = {"http.request.method": known}
        if route:
            attributes |= {"http.route": route, "url.path": route}
        name = f"{known if known != '_OTHER' else 'HTTP'} {route}".strip()
        parent = _remote(caller) if caller else Context()
        return Span(self._tracer.start_span(name, parent, SpanKind.SERVER, _clean(attributes)))

    def batch(
        self, callers: Iterable[Span], words: list[str], server: tuple[str, int], times: tuple[int, int], error: str
    ) -> None:
        """A batch of Redis commands: a child of the first traced request that had a command in it, linked to the others.

        ``words``: of every command the first one; ``times``: when it was sent and answered, in nanoseconds of the epoch.
        """
        first, *others = callers
        attributes: Attributes = {"db.system.name": "redis", "server.address": server[0]}
        if server[1]:  # not that of a unix socket
            attributes["server.port"] = server[1]
        name = words[0] if len(words) == 1 else "PIPELINE"
        attributes["db.operation.name"] = name
        if len(words) > 1:
            attributes["db.operation.batch.size"] = len(words)
        links = [Link(one.otel.get_span_context()) for one in others]
        span = self._tracer.start_span(
            name, first.as_parent, SpanKind.CLIENT, attributes, links=links, start_time=times[0]
        )
        Span(span).end({}, error, times[1])

    def now(self) -> int:
        """Nanoseconds of the epoch."""
        return time.time_ns()

    def call(self, method: str, scheme: str, host: str, port: int | None) -> Outgoing:
        """An outgoing HTTP request, on behalf of the current one or, where there is none, of no request."""
        current = CURRENT.get()
        attributes: Attributes = {"http.request.method": method, "url.scheme": scheme, "server.address": host}
        if port is not None:
            attributes["server.port"] = port
        if current is not None and current.span is None:
            context = current.trace_context()
            return Outgoing({HEADER: written(context)} if context else {})
        if current is None and random.random() >= self._sample:  # noqa: S311
            return Outgoing({})
        parent = current.span.as_parent if current is not None and current.span is not None else Context()
        return _Call(Span(self._tracer.start_span(method, parent, SpanKind.CLIENT, _clean(attributes))))

    async def close(self) -> None:
        """Send what is left, for three seconds at most: no caller waits for a collector."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def shut_down() -> None:
            self._provider.shutdown()
            try:
                loop.call_soon_threadsafe(done.set)
            except RuntimeError:  # the loop is closed: we were too late
                return

        threading.Thread(target=shut_down, name="tracing-close", daemon=True).start()
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await done.wait()
        except TimeoutError:
            return

    def flush(self) -> None:
        """Send now what there is; blocks. For tests."""
        self._provider.force_flush()


class _Call(Outgoing):
    """An outgoing request that is traced."""

    def __init__(self, span: Span) -> None:
        super().__init__({HEADER: written(span.context)})
        self._span = span
        self._attributes: Attributes = {}
        self._error = ""

    def answered(self, status: int) -> None:
        self._attributes["http.response.status_code"] = status
        self._error = str(status) if status >= 400 else ""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._span.end(self._attributes, kind.__name__ if kind else self._error)


def _clean(attributes: Attributes) -> Attributes:
    return {name: redacted(value) if isinstance(value, str) else value for name, value in attributes.items()}


def _remote(caller: TraceContext) -> Context:
    context = SpanContext(
        int(caller.trace_id, 16), int(caller.span_id, 16), is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED)
    )
    return set_span_in_context(NonRecordingSpan(context), Context())
