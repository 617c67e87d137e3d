"""The request that is being answered, for logs, metrics and traces.

Every request has a task of its own, and with it a context: nothing has to be taken back when it is over.
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
    """What is known of a request while it is answered."""

    __slots__ = ("address", "caller", "client_id", "grant_type", "request_id", "span")

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        self.grant_type = ""
        """Of the registry, ``unknown``, or empty where that is not known yet or means nothing."""
        self.address = ""
        """Of the sender, empty until it was looked at."""
        self.client_id = ""
        """Of a client that exists, as soon as the request names it, whether or not it proves itself."""
        self.caller: TraceContext | None = None
        """What a traceparent said."""
        self.span: Span | None = None
        """None where this request is not traced."""

    def trace_context(self) -> TraceContext | None:
        """The context for outgoing calls of this request: what we do not trace, others need not trace for us."""
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
    """Note whose request it is: a client that exists."""
    current = CURRENT.get()
    if current is not None:
        current.client_id = client_id


def current_client() -> str:
    """The client that the request names, "" where there is none or no request."""
    current = CURRENT.get()
    return current.client_id if current is not None else ""


def note_address(address: str) -> None:
    """Note where the request comes from, behind trusted proxies."""
    current = CURRENT.get()
    if current is not None:
        current.address = address


def ids() -> dict[str, str]:
    """What every log line of a request says: its id, that of its trace, and its client where they are known."""
    current = CURRENT.get()
    if current is None:
        return {}
    context = current.trace_context()
    found = {"request_id": current.request_id, **({"trace_id": context.trace_id} if context else {})}
    return {**found, "client_id": current.client_id} if current.client_id else found
