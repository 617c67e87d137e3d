"""What request objects have to say of themselves, usually and strictly."""

from typing import Any

import pytest

from service.protocol.errors import InvalidRequestObject
from service.protocol.request_objects import check_strictly, check_type
from tests.assertions import types_but

NOW = 1_700_000_000
SOUND: dict[str, Any] = {"aud": "https://id.example", "client_id": "app", "nbf": NOW - 60, "exp": NOW + 60}


@pytest.mark.parametrize("typ", [None, "oauth-authz-req+jwt", "OautH-auThZ-REQ+jWt", "application/oauth-authz-req+jwt"])
def test_of_its_kind(typ: str | None) -> None:
    check_type(typ, strictly=True)
    check_type(typ, strictly=False)


@pytest.mark.parametrize("typ", ["JWT", "jwt", "application/JWT"])
def test_of_no_kind_in_particular(typ: str) -> None:
    check_type(typ, strictly=False)
    with pytest.raises(InvalidRequestObject):
        check_type(typ, strictly=True)


@pytest.mark.parametrize("typ", [*types_but("oauth-authz-req+jwt"), "", "oauth-authz-req", 7, [], True])
def test_of_another_kind(typ: object) -> None:
    """RFC 8725 section 3.11: what a client signed for something else is no request."""
    for strictly in (False, True):
        with pytest.raises(InvalidRequestObject):
            check_type(typ, strictly=strictly)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"nbf": NOW, "exp": NOW + 3600},
        {"nbf": NOW - 3600, "exp": NOW},
        {"nbf": NOW - 60.5, "exp": NOW + 60.5},
        {"aud": ["https://id.example", "https://other.example"]},
    ],
)
def test_what_fapi_takes(changes: dict[str, Any]) -> None:
    check_strictly(SOUND | changes, NOW)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"aud": None}, "lacks aud"),
        ({"client_id": None}, "lacks client_id"),
        ({"nbf": None}, "lacks nbf"),
        ({"exp": None}, "lacks exp"),
        ({"nbf": None, "exp": None}, "lacks nbf, exp"),
        ({"nbf": NOW - 3660}, "nbf is more than 60 minutes ago"),
        ({"nbf": NOW - 8 * 3600, "exp": NOW + 60}, "nbf is more than 60 minutes ago"),
        ({"nbf": NOW - 60, "exp": NOW + 3541}, "exp is more than 60 minutes after nbf"),
        ({"exp": 10**30}, "exp is more than 60 minutes after nbf"),
        ({"nbf": 0}, "nbf is more than 60 minutes ago"),
    ],
)
def test_what_fapi_refuses(changes: dict[str, Any], says: str) -> None:
    """FAPI 1.0 Advanced 5.2.2, FAPI 2.0 Message Signing 5.3.1."""
    with pytest.raises(InvalidRequestObject, match=says):
        check_strictly(SOUND | changes, NOW)
