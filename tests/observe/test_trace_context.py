"""``traceparent``: what is no position in a trace (W3C Trace Context, 3.2.2)."""

import pytest

from service.observe.trace_context import parse

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(
    "header",
    [f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01", f"ff-{TRACE}-{SPAN}-01", f"00-{TRACE}-{SPAN}-01-x", "x"],
)
def test_what_is_no_position(header: str) -> None:
    assert parse([f"00-{TRACE}-{SPAN}-01"])
    assert parse([f"01-{TRACE}-{SPAN}-01-x"]), "of a later version"
    assert parse([header]) is None
