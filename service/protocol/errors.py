"""One class per registered error code. The positional text is for the client, ``log=`` for the operator.

``raise InvalidGrant(log="code was issued to another client")`` answers with the RFC's word and a text that helps the
client without telling it what it must not know; the reason goes to the log only. Rendering is ``decision.refuse``.
"""

import re
from typing import ClassVar

_NOT_ALLOWED = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")


class ProtocolError(Exception):
    """An answer that refuses a request (RFC 6749 section 5.2).

    ``error``: the registered code; ``status``: the HTTP status; ``description``: printable ASCII without quote and
    backslash; ``log``: the reason for operators, never sent; ``headers``: further response headers.
    """

    error: ClassVar[str] = "server_error"
    status: int = 400
    description: str = ""

    def __init__(
        self, description: str = "", *, log: str = "", status: int | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(description or log or self.error)
        self.description = printable(description) or self.description
        self.log = log
        self.headers = headers or {}
        if status is not None:
            self.status = status


class InvalidRequest(ProtocolError):
    error = "invalid_request"


class InvalidClient(ProtocolError):
    """RFC 6749 5.2: 401. RFC 9110 15.5.2 demands a challenge with every 401; rendering adds it."""

    error = "invalid_client"
    status = 401
    description = "Client authentication failed: check client_id, its secret and its token_endpoint_auth_method."


class InvalidGrant(ProtocolError):
    error = "invalid_grant"
    description = "The code, refresh token or password is invalid, expired, used, or was issued to another client."


class UnauthorizedClient(ProtocolError):
    error = "unauthorized_client"


class UnsupportedGrantType(ProtocolError):
    error = "unsupported_grant_type"


class InvalidScope(ProtocolError):
    error = "invalid_scope"


class InvalidTarget(ProtocolError):
    """RFC 8707 section 2: the requested resource is unknown or not allowed."""

    error = "invalid_target"


class ServerError(ProtocolError):
    error = "server_error"
    status = 500


class TemporarilyUnavailable(ProtocolError):
    """Redis (or another part that a request needs) cannot answer now; ``retry_after`` is in seconds."""

    error = "temporarily_unavailable"
    status = 503
    description = "The service cannot answer right now; please try again."

    def __init__(self, description: str = "", *, log: str = "", retry_after: int = 1) -> None:
        super().__init__(description, log=log, headers={"Retry-After": str(retry_after)})


def printable(text: str) -> str:
    r"""``text`` as RFC 6749 allows it in error_description: %x20-21 / %x23-5B / %x5D-7E, at most 400 characters."""
    return _NOT_ALLOWED.sub("?", text.replace('"', "'"))[:400]
