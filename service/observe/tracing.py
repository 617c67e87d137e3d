"""Traces by OpenTelemetry, which is an optional dependency: this module is imported only where ``otlp_endpoint`` is set.

The decision to trace a request is made once, at its beginning, and an untraced request never uses OpenTelemetry. A thread
sends spans from a bounded queue, so that an unavailable collector costs spans, but never a request. Attributes follow the
semantic conventions, without those that can hold a credential: queries, headers, keys of Redis, unknown paths.
"""

import asyncio
import random
import threading
import time
from collections.abc import Iterable, Sequence
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
"""The most seconds to send one batch of spans, with all attempts."""
_CLOSE_SECONDS = 3.0
"""The most seconds to send the last spans at the end."""

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
        """The parent context for its children."""
        return set_span_in_context(self.otel, Context())

    def end(self, attributes: Attributes, error: str = "", ended: int | None = None) -> None:
        """End the span.

        Args:
            attributes: Further attributes.
            error: The type of the error, "" for success.
            ended: The end in epoch nanoseconds; None: now.
        """
        self.otel.set_attributes(_clean(attributes))
        if error:
            self.otel.set_attribute("error.type", redacted(error))
            self.otel.set_status(Status(StatusCode.ERROR))
        self.otel.end(ended)


class Tracing:
    """The tracing of this process.

    Args:
        endpoint: The URL of the collector.
        sample: The share of requests that are traced where no trusted caller has decided.
    """

    def __init__(self, endpoint: str, sample: float) -> None:
        self._sample = sample
        self._provider = TracerProvider(
            sampler=ALWAYS_ON,  # untraced requests do not get here
            resource=Resource.create({SERVICE_NAME: "mintmark", SERVICE_VERSION: __version__}),
            shutdown_on_exit=False,
        )
        exporter = OTLPSpanExporter(endpoint.rstrip("/") + "/v1/traces", timeout=_EXPORT_SECONDS)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("mintmark", __version__)

    def begin(self, method: str, route: str, caller: TraceContext | None, *, trusted: bool) -> Span | None:
        """Return the span of a request, None if it is not traced.

        A caller's decision not to trace is followed. Its decision to trace is followed only if it is trusted, as anybody could
        make us trace everything; otherwise the configured share is drawn.

        Args:
            method: Of the request.
            route: Its path, if it is one of ours, otherwise "".
            caller: Its trace context.
            trusted: Whether a trusted proxy sent it.
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
        self, callers: Iterable[Span], words: Sequence[str], server: tuple[str, int], times: tuple[int, int], error: str
    ) -> None:
        """Record a batch of Redis commands, as a child of the first traced request with a command in it.

        Args:
            callers: The traced requests; the span is linked to all but the first.
            words: The first word of each command.
            server: Host and port; port 0 with a Unix socket.
            times: Epoch nanoseconds of sending and of the last reply.
            error: The type of the error, "" for success.
        """
        first, *others = callers
        attributes: Attributes = {"db.system.name": "redis", "server.address": server[0]}
        if server[1]:  # a Unix socket has none
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
        """Return the current epoch nanoseconds."""
        return time.time_ns()

    def call(self, method: str, scheme: str, host: str, port: int | None) -> Outgoing:
        """Return the span of an outgoing HTTP request, as a child of the current request if there is one."""
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
        """Send the remaining spans, for at most three seconds."""
        loop, done = asyncio.get_running_loop(), asyncio.Event()

        def shut_down() -> None:
            self._provider.shutdown()
            try:
                loop.call_soon_threadsafe(done.set)
            except RuntimeError:  # the loop is closed already
                return

        threading.Thread(target=shut_down, name="tracing-close", daemon=True).start()
        try:
            async with asyncio.timeout(_CLOSE_SECONDS):
                await done.wait()
        except TimeoutError:
            return

    def flush(self) -> None:
        """Send all spans now, blocking. For tests."""
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
