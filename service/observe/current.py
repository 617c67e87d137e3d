"""The current request, for logs, metrics and traces.

Every request has a task and so a context of its own, which need not be reset at its end.
"""

import re
from contextvars import ContextVar
from typing import TYPE_CHECKING

from service.observe.trace_context import TraceContext

if TYPE_CHECKING:
    from service.observe.tracing import Span

REQUEST_ID = "X-Request-Id"
_PLAIN = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


class Current:
    """The known properties of a request while it is processed."""

    __slots__ = ("address", "caller", "client_id", "grant_type", "request_id", "span")

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        self.grant_type = ""
        """A name of the registry, ``unknown``, or "" where it is not known yet or not applicable."""
        self.address = ""
        """The address of the sender, "" until it was determined."""
        self.client_id = ""
        """The id of an existing client, as soon as the request names it, authenticated or not."""
        self.caller: TraceContext | None = None
        """The content of the header traceparent."""
        self.span: Span | None = None
        """The span of this request, None where it is not traced."""

    def trace_context(self) -> TraceContext | None:
        """Return the context for outgoing calls of this request, which is not sampled if the request is not traced."""
        if self.span is not None:
            return self.span.context
        return self.caller._replace(sampled=False) if self.caller else None


CURRENT: ContextVar[Current | None] = ContextVar("mintmark_request", default=None)


def is_plain_id(text: str) -> bool:
    """Whether a caller's request id is short and plain enough to be logged and sent back."""
    return _PLAIN.fullmatch(text) is not None


def note_grant_type(name: str) -> None:
    """Note the grant type of this request for its metrics: a name of the registry, or ``unknown``."""
    current = CURRENT.get()
    if current is not None:
        current.grant_type = name


def note_client(client_id: str) -> None:
    """Note the client of this request, which must exist."""
    current = CURRENT.get()
    if current is not None:
        current.client_id = client_id


def current_client() -> str:
    """Return the id of the client that the current request names, "" where there is none, or no request."""
    current = CURRENT.get()
    return current.client_id if current is not None else ""


def note_address(address: str) -> None:
    """Note the address of this request's sender, behind trusted proxies."""
    current = CURRENT.get()
    if current is not None:
        current.address = address


def ids() -> dict[str, str]:
    """Return the members of every log line of a request: its id, and its trace and client where they are known."""
    current = CURRENT.get()
    if current is None:
        return {}
    context = current.trace_context()
    found = {"request_id": current.request_id, **({"trace_id": context.trace_id} if context else {})}
    return {**found, "client_id": current.client_id} if current.client_id else found
