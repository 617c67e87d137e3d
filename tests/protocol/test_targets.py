"""Resource indicators (RFC 8707): which resources a token is for."""

import pytest

from service.protocol.errors import InvalidTarget
from service.protocol.targets import audience

ALLOWED = ("https://api.example", "https://files.example")


@pytest.mark.parametrize(
    ("requested", "for_whom"),
    [
        pytest.param((), ALLOWED, id="none asked: all that are allowed"),
        pytest.param(("https://files.example",), ("https://files.example",), id="one"),
        pytest.param(ALLOWED[::-1], ALLOWED[::-1], id="several, in the order asked"),
        pytest.param((ALLOWED[0], ALLOWED[0]), (ALLOWED[0],), id="one twice"),
        pytest.param(("HTTPS://API.example",), (ALLOWED[0],), id="scheme and host in upper case"),
        pytest.param(("https://API.example", ALLOWED[0]), (ALLOWED[0],), id="one in two spellings"),
        pytest.param((ALLOWED[0],) * 8, (ALLOWED[0],), id="as many as may be"),
    ],
)
def test_the_audience(requested: tuple[str, ...], for_whom: tuple[str, ...]) -> None:
    """IA-07."""
    assert audience(requested, ALLOWED) == for_whom


def test_what_is_registered_in_upper_case_is_found_by_any_spelling() -> None:
    """MCP authorization 2025-11-25; the token names it as it is registered."""
    registered = ("HTTPS://Api.Example:8443/Path?Q", "https://user@api.example", "plain:Name")
    assert audience(("https://api.example:8443/Path?Q",), registered) == registered[:1]
    for other in ("https://api.example:8443/path?Q", "https://api.example:8443/Path?q", "https://User@api.example"):
        with pytest.raises(InvalidTarget):
            audience((other,), registered)
    with pytest.raises(InvalidTarget):
        audience(("Plain:Name",), registered)


@pytest.mark.parametrize(
    ("requested", "told"),
    [
        pytest.param(("https://evil.example",), "not allowed", id="not allowed"),
        pytest.param((ALLOWED[0], "https://evil.example"), "not allowed", id="one of two not allowed"),
        pytest.param((ALLOWED[0] + "/",), "not allowed", id="a slash more"),
        pytest.param(("api",), "not an absolute URI", id="no URI"),
        pytest.param((ALLOWED[0] + "#x",), "not an absolute URI", id="a fragment"),
        pytest.param(("http://[",), "not an absolute URI", id="a bracket"),
        pytest.param((ALLOWED[0],) * 9, "More than 8", id="too many"),
    ],
)
def test_no_audience(requested: tuple[str, ...], told: str) -> None:
    with pytest.raises(InvalidTarget, match=told):
        audience(requested, ALLOWED)


def test_of_a_long_resource_the_beginning_is_told() -> None:
    with pytest.raises(InvalidTarget, match=r"The resource x{100} is not"):
        audience(("x" * 200,), ALLOWED)
