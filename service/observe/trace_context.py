"""The header ``traceparent`` of incoming and outgoing requests (W3C Trace Context, section 3.2).

``tracestate`` is not passed on.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

HEADER = "traceparent"
_FORM = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)


class TraceContext(NamedTuple):
    """The position of a request in a trace."""

    trace_id: str
    """32 hexadecimal digits."""
    span_id: str
    """16 hexadecimal digits."""
    sampled: bool
    """Whether the caller records this trace."""


def parse(headers: Sequence[str]) -> TraceContext | None:
    """Return the content of ``traceparent``; None where it is missing, malformed, all zeros, or repeated."""
    found = _FORM.fullmatch(headers[0]) if len(headers) == 1 and len(headers[0]) <= 200 else None
    if found is None:
        return None
    version, trace_id, span_id, flags, further = found.groups()
    if version == "ff" or (version == "00" and further) or not int(trace_id, 16) or not int(span_id, 16):
        return None
    return TraceContext(trace_id, span_id, bool(int(flags, 16) & 1))


def written(context: TraceContext) -> str:
    """Return the value of the header."""
    return f"00-{context.trace_id}-{context.span_id}-{int(context.sampled):02d}"
