"""Validation of CIBA authentication requests: each check is one line of a list (CIBA Core 1.0 sections 7.1 and 7.2).

Errors are those of section 13, and `invalid_target` (RFC 8707). Hints are resolved, and user codes verified, elsewhere.
"""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum

import msgspec

from service.protocol import authorization_request, display_names
from service.protocol.authorization_request import AuthorizationRequest, Draft
from service.protocol.authorization_rules import Rules
from service.protocol.errors import InvalidBindingMessage, InvalidRequest, InvalidScope
from service.protocol.names import OPENID, DeliveryMode, ResponseMode, ResponseType
from service.protocol.whole_numbers import whole_number

MAX_BINDING_MESSAGE = 128
"""The most characters: both devices show it, and the user compares it."""
MAX_HINT = 16_384
"""The most characters of an ID token or a JWT as hint."""
MAX_LOGIN_HINT = 255
MAX_USER_CODE = 255
SHORTEST_LIFETIME = 10
"""Seconds that a request waits for its user at least: no user decides faster, and each end may cause a delivery."""
FEWEST_TOKEN, MOST_TOKEN = 22, 1024
"""The bounds of characters of a client_notification_token: fewer cannot hold 128 random bits (section 7.1)."""
_BEARER = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)


class HintKind(StrEnum):
    """The parameters by which a client names the user."""

    LOGIN_HINT = "login_hint"
    LOGIN_HINT_TOKEN = "login_hint_token"
    ID_TOKEN_HINT = "id_token_hint"


class BackchannelRequest(msgspec.Struct, frozen=True):
    """A request that passed every check that needs only the request."""

    request: AuthorizationRequest
    """The authorization request in it, which has no redirect."""
    hint_kind: HintKind
    hint: str
    binding_message: str = ""
    """The text that both devices show."""
    user_code: str | None = None
    lifetime: int | None = None
    """Seconds that the request is to wait (requested_expiry)."""
    notification_token: str = ""
    """The bearer token by which the client is notified; "" where it polls."""


def check_openid(draft: Draft) -> None:
    """Require the scope openid (section 7.1)."""
    if "scope" not in draft.parameters:
        raise InvalidRequest("The parameter scope is missing (CIBA Core 7.1).")
    if OPENID not in draft.parameters["scope"].split():
        raise InvalidScope("The scope must contain openid (CIBA Core 7.1).")


def check_hint(draft: Draft) -> None:
    """Keep the hint, of which there must be exactly one (section 7.1)."""
    kinds = [kind for kind in HintKind if kind in draft.parameters]
    if len(kinds) != 1:
        raise InvalidRequest(
            "Give one of login_hint, login_hint_token and id_token_hint, and only one (CIBA Core 7.1)."
        )
    draft.found["hint_kind"] = kinds[0]
    draft.found["hint"] = draft.text(kinds[0], MAX_LOGIN_HINT if kinds[0] is HintKind.LOGIN_HINT else MAX_HINT)


def check_binding_message(draft: Draft) -> None:
    """Keep the binding message, a short text that users can read and compare (section 7.1)."""
    message = draft.parameters.get("binding_message", "")
    if len(message) > MAX_BINDING_MESSAGE:
        raise InvalidBindingMessage(f"binding_message has more than {MAX_BINDING_MESSAGE} characters.")
    try:
        display_names.check(message)
    except ValueError as error:
        raise InvalidBindingMessage(f"binding_message {error}.") from error
    draft.found["binding_message"] = message


def check_user_code(draft: Draft) -> None:
    """Keep the user code, which the client can only have from the user."""
    draft.found["user_code"] = draft.text("user_code", MAX_USER_CODE)


def check_requested_expiry(draft: Draft) -> None:
    """Keep how long the request is to wait: a positive number of seconds."""
    given = draft.parameters.get("requested_expiry")
    lifetime = None if given is None else whole_number(given)
    if given is not None and not lifetime:
        raise InvalidRequest("requested_expiry must be a positive number of seconds.")
    draft.found["lifetime"] = lifetime


_COMMON: tuple[Callable[[Draft], None], ...] = (
    authorization_request.check_size,
    check_openid,
    authorization_request.check_scope,
    authorization_request.check_resource,
    authorization_request.check_max_age,
    authorization_request.check_acr_values,
)
"""The checks that it shares with authorization requests."""
_OWN: tuple[Callable[[Draft], None], ...] = (
    check_hint,
    check_binding_message,
    check_user_code,
    check_requested_expiry,
)


def check(
    parameters: Mapping[str, str], resources: tuple[str, ...], rules: Rules, mode: DeliveryMode
) -> BackchannelRequest:
    """Return the checked request.

    Args:
        parameters: The effective parameters, those of the signed request where it is one.
        resources: Every ``resource`` (RFC 8707).
        rules: The rules for the client.
        mode: The delivery mode of the client.

    Raises:
        InvalidRequest, InvalidScope, InvalidTarget, InvalidBindingMessage: Section 13.
    """
    draft = Draft(parameters, resources, rules)
    for run in _COMMON:
        run(draft)
    request = AuthorizationRequest(
        client_id=rules.client_id,
        redirect_uri="",
        redirect_uri_given=False,
        response_type=ResponseType.NONE,
        response_mode=ResponseMode.QUERY,
        **draft.found,
    )
    draft.found.clear()
    for run in _OWN:
        run(draft)
    token = "" if mode is DeliveryMode.POLL else _notification_token(parameters)
    return BackchannelRequest(request=request, notification_token=token, **draft.found)


def _notification_token(parameters: Mapping[str, str]) -> str:
    token = parameters.get("client_notification_token")
    if token is None:
        raise InvalidRequest("The parameter client_notification_token is missing (CIBA Core 7.1).")
    if not FEWEST_TOKEN <= len(token) <= MOST_TOKEN or not _BEARER.fullmatch(token):
        raise InvalidRequest(
            f"client_notification_token must be {FEWEST_TOKEN} to {MOST_TOKEN} characters of a bearer token (RFC 6750)."
        )
    return token
