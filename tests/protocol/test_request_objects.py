"""What request objects have to say of themselves, usually and strictly."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from service.protocol import backchannel_request
from service.protocol.authorization_request import check, verify_destination
from service.protocol.authorization_rules import Rules
from service.protocol.errors import InvalidRequestObject
from service.protocol.names import DeliveryMode
from service.protocol.profiles import Demands
from service.protocol.request_objects import PARAMETERS, check_strictly, check_type
from service.protocol.requested import resources_of
from service.tokens.binding import named_in
from tests.assertions import types_but


class _Recorded(Mapping[str, str]):
    """Parameters that remember which of them were asked for."""

    def __init__(self, **parameters: str) -> None:
        self.parameters, self.names = parameters, set[str]()

    def __getitem__(self, name: str) -> str:
        self.names.add(str(name))
        return self.parameters[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.parameters)

    def __len__(self) -> int:
        return len(self.parameters)


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


def test_the_list_has_every_parameter_that_is_read() -> None:
    """One that is not in it would be passed over where it is of a wrong type."""
    uri = "https://app.example/"
    rules = Rules("app", (uri,), scopes=("openid",), grant_management=True, demands=Demands(nonce=True))
    front = _Recorded(redirect_uri=uri, response_type="code", scope="openid", nonce="n")
    check(front, (), rules, verify_destination(front, rules))
    back = _Recorded(scope="openid", login_hint="alice", client_notification_token="t" * 22)
    backchannel_request.check(back, (), rules, DeliveryMode.PING)
    named_in(front)
    resources_of(front, ())
    assert front.names | back.names | {"client_id", "resource"} == PARAMETERS
