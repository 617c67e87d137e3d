"""The decision of an endpoint: one value that the OAuth front renders as HTTP and the decision API as JSON."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import msgspec
import orjson

from service.protocol.errors import BearerError, InsufficientScope, ProtocolError, TokenRequired

JSON = "application/json"
SERVER: Mapping[str, str] = {"Server": "mintmark"}
"""Headers of every response; they do not reveal versions of the software."""

NO_STORE: Mapping[str, str] = {"Content-Type": JSON, "Cache-Control": "no-store", "Pragma": "no-cache", **SERVER}
"""Headers of every response with tokens, and of every error of the token endpoint (RFC 6749 5.1)."""

NO_PARAMETERS: Mapping[str, str] = MappingProxyType({})
CHALLENGE = 'Basic realm="mintmark", charset="UTF-8"'


class Action(StrEnum):
    """The action of the front, in the terms of Authlete's API (AU-01)."""

    OK = "OK"
    BAD_REQUEST = "BAD_REQUEST"
    INVALID_CLIENT = "INVALID_CLIENT"
    INTERNAL_SERVER_ERROR = "INTERNAL_SERVER_ERROR"
    UNAVAILABLE = "UNAVAILABLE"


_OK = Action.OK


class Decision(msgspec.Struct, frozen=True):
    """The decision of an endpoint."""

    action: Action
    status: int
    content: bytes  # the ready-made body: JSON, may be empty
    headers: Mapping[str, str] = msgspec.field(default_factory=lambda: NO_STORE)  # with Content-Type
    outcome: str = "ok"  # or the error code, for logs and metrics
    issued: object | None = None  # for the decision API and hooks


def answer(content: bytes, *, issued: object | None = None, headers: Mapping[str, str] = NO_STORE) -> Decision:
    """Return a 200 with this JSON body."""
    return Decision(_OK, 200, content, headers, "ok", issued)


def refuse(error: ProtocolError, *, by_header: bool = True, **members: object) -> Decision:
    """Return the error response of RFC 6749 5.2.

    Args:
        error: The error.
        by_header: Whether the client used the Authorization header. Only then is there a challenge of HTTP Basic, as RFC 6749
            5.2 demands: some client libraries that get one for a secret in the form report it and hide the error.
        members: Further members of the body, such as an incident id.
    """
    body: dict[str, Any] = {"error": error.error}
    if error.description:
        body["error_description"] = error.description
    headers = NO_STORE
    if isinstance(error, BearerError):
        headers = {"WWW-Authenticate": challenge("Bearer", error)}
    elif error.status == 401 and by_header:
        headers = {"WWW-Authenticate": CHALLENGE}
    if headers is not NO_STORE or error.headers:
        headers = {**NO_STORE, **headers, **error.headers}
    return Decision(_action(error), error.status, orjson.dumps(body | members), headers, error.error)


def challenge(scheme: str, error: ProtocolError | None = None, parameters: Mapping[str, str] = NO_PARAMETERS) -> str:
    """Return a challenge for WWW-Authenticate (RFC 6750 section 3, RFC 9449 section 7.1).

    Args:
        scheme: The scheme of the Authorization header that is wanted.
        error: Why the token is refused; None if none was sent, as the challenge then names no error.
        parameters: Further parameters of this scheme.
    """
    members = {"realm": "mintmark"}
    if error is not None and not isinstance(error, TokenRequired):
        members |= {"error": error.error} | ({"error_description": error.description} if error.description else {})
    if isinstance(error, InsufficientScope):
        members["scope"] = error.scope
    return f"{scheme} " + ", ".join(f'{name}="{text}"' for name, text in {**members, **parameters}.items())


def _action(error: ProtocolError) -> Action:
    if error.error == "invalid_client":
        return Action.INVALID_CLIENT
    if error.status == 503:
        return Action.UNAVAILABLE
    return Action.INTERNAL_SERVER_ERROR if error.status >= 500 else Action.BAD_REQUEST
