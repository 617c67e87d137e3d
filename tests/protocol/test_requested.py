"""What a client asks for, and how much of it is granted."""

from typing import Any

import pytest

from service.protocol.errors import InvalidScope, InvalidTarget, ProtocolError
from service.protocol.names import UnknownScope
from service.protocol.request import Request
from service.protocol.requested import Granted, Requested

API, OTHER = "https://api.example", "https://other.example"
ALLOWED: dict[str, Any] = {
    "scopes_allowed": ("read", "write"),
    "default_scope": "read",
    "unknown_scope": UnknownScope.REFUSE,
    "audiences": (API, OTHER),
}


def test_a_request_says_what_is_requested() -> None:
    request = Request({"scope": "read", "grant_type": "x"}, resources=(API,))
    assert Requested.of(request) == Requested("read", (API,))
    assert Requested.of(Request({})) == Requested()


@pytest.mark.parametrize(
    ("requested", "granted"),
    [
        pytest.param(Requested(), Granted("read", (API, OTHER)), id="nothing: the default, everywhere"),
        pytest.param(Requested("write read"), Granted("write read", (API, OTHER)), id="a scope, in its order"),
        pytest.param(Requested("write", (API,)), Granted("write", (API,)), id="a scope at one resource"),
    ],
)
def test_a_first_request_gets_what_the_client_may_have(requested: Requested, granted: Granted) -> None:
    assert requested.within(**ALLOWED) == granted


@pytest.mark.parametrize(
    ("requested", "granted"),
    [
        pytest.param(Requested(), Granted("read write", (API,)), id="nothing: all that was granted"),
        pytest.param(Requested("read"), Granted("read", (API,)), id="a part of the scope"),
        pytest.param(Requested(None, (API,)), Granted("read write", (API,)), id="a resource"),
    ],
)
def test_a_later_request_gets_no_more_than_was_granted(requested: Requested, granted: Granted) -> None:
    assert requested.narrowed(Granted("read write", (API,))) == granted


@pytest.mark.parametrize(
    ("requested", "error"),
    [
        pytest.param(Requested("admin"), InvalidScope, id="another scope"),
        pytest.param(Requested(None, ("https://evil.example",)), InvalidTarget, id="another resource"),
    ],
)
def test_what_goes_beyond_is_refused(requested: Requested, error: type[ProtocolError]) -> None:
    with pytest.raises(error):
        requested.within(**ALLOWED)
    with pytest.raises(error):
        requested.narrowed(Granted("read write", (API,)))
    if requested.resources:
        with pytest.raises(error):
            requested.resources_within(Granted("read", (API,)))
