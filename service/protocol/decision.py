"""What an endpoint decided: one value that the OAuth front renders as HTTP and the decision API as JSON."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

import msgspec
import orjson

from service.protocol.errors import BearerError, ProtocolError, TokenRequired

JSON = "application/json"
SERVER: Mapping[str, str] = {"Server": "mintmark"}
"""With every response: which versions of what are below is our own business."""

NO_STORE: Mapping[str, str] = {"Content-Type": JSON, "Cache-Control": "no-store", "Pragma": "no-cache", **SERVER}
"""RFC 6749 5.1: with every response that carries tokens, and with every error of the token endpoint."""

NO_PARAMETERS: Mapping[str, str] = MappingProxyType({})
CHALLENGE = 'Basic realm="mintmark", charset="UTF-8"'


class Action(StrEnum):
    """What the front should do, in the words of Authlete's API (AU-01)."""

    OK = "OK"
    BAD_REQUEST = "BAD_REQUEST"
    INVALID_CLIENT = "INVALID_CLIENT"
    INTERNAL_SERVER_ERROR = "INTERNAL_SERVER_ERROR"
    UNAVAILABLE = "UNAVAILABLE"


class Decision(msgspec.Struct, frozen=True):
    """An endpoint's answer."""

    action: Action
    status: int
    content: bytes  # the ready-made body: JSON, may be empty
    headers: Mapping[str, str] = msgspec.field(default_factory=lambda: NO_STORE)  # with Content-Type
    outcome: str = "ok"  # or the error code, for logs and metrics
    issued: object | None = None  # for the decision API and hooks


def answer(content: bytes, *, issued: object | None = None, headers: Mapping[str, str] = NO_STORE) -> Decision:
    """A 200 with this JSON body."""
    return Decision(Action.OK, 200, content, headers, "ok", issued)


def refuse(error: ProtocolError, *, by_header: bool = True, **members: object) -> Decision:
    """The error as RFC 6749 5.2 shapes it. ``members`` are added to the body (an incident id).

    ``by_header``: whether the client used the Authorization header. Only then is there a challenge of HTTP Basic: a client
    library that gets one for a secret in the form reports the challenge and hides the error (RFC 6749 5.2 demands it for
    the header alone).
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
    """A challenge for WWW-Authenticate (RFC 6750 section 3, RFC 9449 section 7.1).

    Args:
        scheme: Of the Authorization header that is wanted.
        error: Why the token will not do; where none was sent the challenge names no error.
        parameters: Further ones of this scheme.
    """
    members = {"realm": "mintmark"}
    if error is not None and not isinstance(error, TokenRequired):
        members |= {"error": error.error} | ({"error_description": error.description} if error.description else {})
    return f"{scheme} " + ", ".join(f'{name}="{text}"' for name, text in {**members, **parameters}.items())


def _action(error: ProtocolError) -> Action:
    if error.error == "invalid_client":
        return Action.INVALID_CLIENT
    if error.status == 503:
        return Action.UNAVAILABLE
    return Action.INTERNAL_SERVER_ERROR if error.status >= 500 else Action.BAD_REQUEST
