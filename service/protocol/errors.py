"""One class per registered error code. The positional text is for the client, ``log=`` for the operator.

``raise InvalidGrant(log="code was issued to another client")`` responds with the registered code and a text that helps the
client and reveals nothing that it must not know; the reason goes to the log only. Rendering is ``decision.refuse``.
"""

import re
from typing import ClassVar

from service.protocol.redaction import CUT, redacted

_NOT_ALLOWED = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")


class ProtocolError(Exception):
    """A response that refuses a request (RFC 6749 section 5.2).

    Args:
        description: The text for the client.
        log: The reason for operators, never sent.
        status: The HTTP status, where it is not that of the class.
        headers: Further response headers.
    """

    error: ClassVar[str] = "server_error"
    """The registered code."""
    status: int = 400
    description: str = ""
    """Printable ASCII without quote and backslash."""

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
    """A parameter is missing, repeated, malformed or contradicts another one (RFC 6749 5.2)."""

    error = "invalid_request"


class InvalidClient(ProtocolError):
    """Client authentication failed; with a challenge where the client used the Authorization header (RFC 6749 5.2)."""

    error = "invalid_client"
    status = 401
    description = "Client authentication failed: check client_id, its secret and its token_endpoint_auth_method."


class InvalidGrant(ProtocolError):
    """The code, token or assertion is invalid, expired, used, or of another client (RFC 6749 5.2)."""

    error = "invalid_grant"
    description = "The code, refresh token or password is invalid, expired, used, or was issued to another client."


class PollingError(ProtocolError):
    """A usual response to a client that polls, which is not logged as a refusal."""

    reason: ClassVar[str] = ""
    """Its reason in ``refusal_reasons``, set here to avoid a search each time."""


class AuthorizationPending(PollingError):
    """The user has not decided on the request yet (RFC 8628 section 3.5)."""

    error = reason = "authorization_pending"
    description = "Nobody has decided on the request yet: poll again after the interval."


class SlowDown(PollingError):
    """A poll came within the interval, which is 5 seconds longer from now on (RFC 8628 section 3.5)."""

    error, reason = "slow_down", "polled_too_early"
    description = "This poll came too early: wait 5 seconds longer between two polls from now on."


class ExpiredToken(ProtocolError):
    """A request that is polled for was not decided in time (RFC 8628 section 3.5)."""

    error = "expired_token"
    description = "The request was not decided in time, or is unknown: start again."


class UnauthorizedClient(ProtocolError):
    """The client may not use this grant type or response type (RFC 6749 4.1.2.1, 5.2)."""

    error = "unauthorized_client"


class UnsupportedGrantType(ProtocolError):
    """There is no such grant type here (RFC 6749 5.2)."""

    error = "unsupported_grant_type"


class InvalidScope(ProtocolError):
    """The scope is unknown, malformed, or more than the client may have (RFC 6749 5.2)."""

    error = "invalid_scope"


class InvalidTarget(ProtocolError):
    """RFC 8707 section 2: the requested resource is unknown or not allowed."""

    error = "invalid_target"


class InvalidAuthorizationDetails(ProtocolError):
    """Authorization details of an unknown type, malformed, or more than the client may have (RFC 9396 section 5)."""

    error = "invalid_authorization_details"


class InvalidGrantId(ProtocolError):
    """There is no such grant of the client (Grant Management for OAuth 2.0)."""

    error = "invalid_grant_id"
    status = 404


class UnknownUserId(ProtocolError):
    """No user here is the one whom a hint means (CIBA Core 1.0 section 13)."""

    error = "unknown_user_id"


class ExpiredLoginHintToken(ProtocolError):
    """The login_hint_token has expired (CIBA Core 1.0 section 13)."""

    error = "expired_login_hint_token"


class MissingUserCode(ProtocolError):
    """The user has a user code, and the request does not have it (CIBA Core 1.0 section 13)."""

    error = "missing_user_code"


class InvalidUserCode(ProtocolError):
    """The user code is not the user's (CIBA Core 1.0 section 13)."""

    error = "invalid_user_code"


class InvalidBindingMessage(ProtocolError):
    """The binding_message cannot be shown (CIBA Core 1.0 section 13)."""

    error = "invalid_binding_message"


class UnsupportedTokenType(ProtocolError):
    """RFC 7009 section 2.2.1: this kind of token cannot be revoked."""

    error = "unsupported_token_type"


class AccessDenied(ProtocolError):
    """The user denied the request (RFC 6749 4.1.2.1)."""

    error = "access_denied"


class UnsupportedResponseType(ProtocolError):
    """There is no such response type here (RFC 6749 4.1.2.1)."""

    error = "unsupported_response_type"


class LoginRequired(ProtocolError):
    """With prompt=none: the user would have to sign in (OpenID Connect Core 3.1.2.6)."""

    error = "login_required"


class ConsentRequired(ProtocolError):
    """With prompt=none: the user would have to consent (OpenID Connect Core 3.1.2.6)."""

    error = "consent_required"


class InteractionRequired(ProtocolError):
    """With prompt=none: the user would have to do something (OpenID Connect Core 3.1.2.6)."""

    error = "interaction_required"


class AccountSelectionRequired(ProtocolError):
    """With prompt=none: the user would have to select an account (OpenID Connect Core 3.1.2.6)."""

    error = "account_selection_required"


class UnmetAuthenticationRequirements(ProtocolError):
    """No authentication here has the essential acr (OpenID Connect Core Unmet Authentication Requirements 1.0)."""

    error = "unmet_authentication_requirements"


class InvalidRequestObject(ProtocolError):
    """The request object is invalid (OpenID Connect Core 3.1.2.6)."""

    error = "invalid_request_object"


class InvalidRequestUri(ProtocolError):
    """The request_uri names a request that is unknown, expired or cannot be fetched (OpenID Connect Core 3.1.2.6)."""

    error = "invalid_request_uri"


class RequestNotSupported(ProtocolError):
    """Request objects by value are off (OpenID Connect Core 3.1.2.6)."""

    error = "request_not_supported"


class RequestUriNotSupported(ProtocolError):
    """Request objects by reference are off (OpenID Connect Core 3.1.2.6)."""

    error = "request_uri_not_supported"


class RegistrationNotSupported(ProtocolError):
    """The parameter registration is not supported (OpenID Connect Core 3.1.2.6)."""

    error = "registration_not_supported"


class InvalidClientMetadata(ProtocolError):
    """A member of the client's metadata is not allowed (RFC 7591 section 3.2.2)."""

    error = "invalid_client_metadata"


class InvalidRedirectUri(ProtocolError):
    """A redirect URI cannot be registered (RFC 7591 section 3.2.2)."""

    error = "invalid_redirect_uri"


class InvalidDpopProof(ProtocolError):
    """The DPoP proof is missing where it is required, or invalid (RFC 9449 sections 5 and 7.1)."""

    error = "invalid_dpop_proof"


class UseDpopNonce(ProtocolError):
    """The DPoP proof has to hold the nonce that comes with the response (RFC 9449 sections 8 and 9)."""

    error = "use_dpop_nonce"
    description = "The DPoP proof needs the nonce of the DPoP-Nonce header."


class BearerError(ProtocolError):
    """A refusal by a resource of ours: its challenge is ``Bearer`` (RFC 6750 section 3)."""


class InvalidToken(BearerError):
    """The access token is invalid or expired (RFC 6750 3.1)."""

    error = "invalid_token"
    status = 401
    description = "The access token is invalid, expired, or was revoked."


class TokenRequired(InvalidToken):
    """There is no access token that was sent as one: the challenge says how to, and names no error (RFC 6750 3.1)."""

    description = "An access token is required."


class MalformedToken(BearerError):
    """The access token is not in the form that its scheme has (RFC 6750 3.1)."""

    error = "invalid_request"
    status = 400


class InsufficientScope(BearerError):
    """The access token was not issued for a scope, which the challenge names (RFC 6750 3.1)."""

    error = "insufficient_scope"
    status = 403

    def __init__(self, scope: str) -> None:
        super().__init__(f"The access token was not issued for the scope {scope}.")
        self.scope = scope


class ServerError(ProtocolError):
    """An unexpected error (RFC 6749 4.1.2.1)."""

    error = "server_error"
    status = 500


class TemporarilyUnavailable(ProtocolError):
    """Redis (or another part that a request needs) cannot answer for ``retry_after`` seconds."""

    error = "temporarily_unavailable"
    status = 503
    description = "The service cannot answer right now; please try again."

    def __init__(self, description: str = "", *, log: str = "", retry_after: int = 1) -> None:
        super().__init__(description, log=log, headers={"Retry-After": str(retry_after)})


class TooManyRegistrations(TemporarilyUnavailable):
    """A network has registered as many clients that are not used yet as it may (RFC 6585 section 4)."""

    status = 429
    description = "Too many clients were registered from your network and not used yet; use or delete one, or wait."

    def __init__(self) -> None:
        super().__init__(retry_after=3600)


def printable(text: str) -> str:
    r"""Return ``text`` as RFC 6749 allows it in error_description: %x20-21 / %x23-5B / %x5D-7E, at most 400 characters."""
    return _NOT_ALLOWED.sub("?", redacted(text).replace(CUT, "...").replace('"', "'"))[:400]
