"""The destination of an authorization response: its redirect URI and response mode."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from service.protocol.errors import InvalidRequest
from service.protocol.names import ResponseMode, ResponseType
from service.protocol.profiles import Demands

JWT = "jwt"
"""The response mode of a JWT in the default mode of the response type (JARM 2.3.4); the suffix of a JWT in another mode."""


class Verified(NamedTuple):
    """The verified destination: client and redirect URI are valid, so errors are no longer shown as pages."""

    redirect_uri: str
    redirect_uri_given: bool
    response_mode: ResponseMode
    state: str | None
    as_jwt: bool = False
    """Whether the response is a signed JWT (JARM)."""
    redirect_uri_pushed: bool = False
    """Whether it is not registered, but pushed by an authenticated client (RFC 9126 section 2.4)."""


class Travel(NamedTuple):
    """The way of a response: its response mode, and whether it is a JWT."""

    mode: ResponseMode
    as_jwt: bool = False


def types_supported(offered: Iterable[ResponseType], *, can_sign: bool) -> list[ResponseType]:
    """Return the values of response_type, for discovery: of those that are offered, without keys none with an ID token."""
    return [one for one in offered if can_sign or "id_token" not in one.parts]


def modes_supported(response_types: Sequence[ResponseType], demands: Demands, *, can_sign: bool) -> list[str]:
    """Return the values of response_mode, for discovery.

    Args:
        response_types: The response types that are supported.
        demands: Of the profile of the settings.
        can_sign: Whether there are keys for JARM.
    """
    plain = [mode.value for mode in ResponseMode]
    modes = [*plain, *(f"{mode}.{JWT}" for mode in plain), JWT] if can_sign else plain
    return [mode for mode in modes if any(_is_taken(mode, one, demands, can_sign=can_sign) for one in response_types)]


def _is_taken(mode: str, response_type: ResponseType, demands: Demands, *, can_sign: bool) -> bool:
    try:
        return demands.allows(response_type, as_jwt=travel(mode, response_type.value, can_sign=can_sign).as_jwt)
    except InvalidRequest:
        return False


def travel(response_mode: str | None, response_type: str, *, can_sign: bool) -> Travel:
    """Return the way of a response by the requested response_mode, None = none.

    No token is sent in a query (OAuth 2.0 Multiple Response Types 2.1, 3; JARM 2.3.1). Raises InvalidRequest.
    """
    default = _default_mode(response_type)
    if response_mode is None:
        return Travel(default)
    if response_mode == JWT and can_sign:
        return Travel(default, as_jwt=True)
    plain = response_mode.removesuffix(f".{JWT}") if can_sign else response_mode
    if plain not in list(ResponseMode):
        others = f", or with .{JWT} behind it" if can_sign else ""
        raise InvalidRequest(f"The response_mode is not supported: use query, fragment or form_post{others}.")
    if plain == ResponseMode.QUERY and default is ResponseMode.FRAGMENT:
        raise InvalidRequest("A token must not travel in a query: use response_mode fragment or form_post.")
    return Travel(ResponseMode(plain), plain != response_mode)


def travel_of_errors(response_mode: str | None, response_type: str, *, can_sign: bool) -> Travel:
    """Return the way of an error, even one about the response mode: a fragment response never moves to the query."""
    try:
        return travel(response_mode, response_type, can_sign=can_sign)
    except InvalidRequest:
        as_jwt = can_sign and (response_mode or "").endswith(f".{JWT}")
        return Travel(_default_mode(response_type), as_jwt)


def _default_mode(response_type: str) -> ResponseMode:
    """Return the default mode: a response with a token goes into the fragment (OAuth 2.0 Multiple Response Types 3, 5)."""
    holds_token = {"token", "id_token"} & set(response_type.split())
    return ResponseMode.FRAGMENT if holds_token else ResponseMode.QUERY
