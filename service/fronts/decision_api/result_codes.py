"""Every ``resultCode`` of the decision API, with its meaning. Codes are stable, so that callers may rely on them (AU-34).

``M0…`` is about the call itself, ``M1…`` about a result by its kind, ``M2…`` a refusal by its OAuth error code, ``M3…`` about
management.
A code is never given another meaning; new ones are added.
"""

from enum import Enum


class ResultCode(Enum):
    """A result: the ``code`` for callers, and the ``text`` that begins ``resultMessage``."""

    code: str
    text: str

    def __init__(self, code: str, text: str) -> None:
        self.code, self.text = code, text

    # the call itself
    OK = "M000000", "Done."
    WRONG_CREDENTIALS = "M000001", "The API key and its secret (or the access token) are missing or wrong."
    TOO_MANY_FAILURES = "M000002", "Too many calls with wrong credentials from this address."
    MALFORMED = "M000003", "The call cannot be read."
    NOT_FOUND = "M000004", "There is no such thing."
    NOT_ALLOWED = "M000005", "This path is called with another method."
    TOO_LARGE = "M000006", "The body is too large."
    UNSUPPORTED = "M000007", "The call asks for something that is not supported."
    REFUSED = "M000008", "What the call asks for was refused."
    UNAVAILABLE = "M000009", "The service cannot answer right now; please try again."
    INCIDENT = "M000010", "Something went wrong."
    INVALID_TICKET = (
        "M000011",
        "The ticket is unknown, used, expired, or was given to another caller or for another call.",
    )
    NOT_OFFERED = "M000013", "This call is not offered here."
    FROM_A_PAGE = "M000012", "Programs call this, not the pages of other sites."

    # decisions
    INTERACTION = "M100001", "The request is valid: ask the user, then call /issue or /fail."
    NO_INTERACTION = "M100002", "The request is valid and no interaction is allowed: call /issue or /fail."
    AUTHORIZATION_ISSUED = "M100003", "The authorization was answered."
    AUTHORIZATION_FAILED = "M100004", "The authorization was refused, as the caller said."
    PUSHED = "M100005", "The request was kept, for the browser that comes with its request_uri."
    TOKEN_ISSUED = "M100011", "Tokens were issued."
    PASSWORD = "M100012", "The request is valid: check username and password, then call /issue or /fail."
    JWT_BEARER = (
        "M100013",
        "The request is valid as far as can be seen here: verify the assertion, then create a token.",
    )
    TOKEN_EXCHANGE = "M100014", "The request is valid as far as can be seen here: verify the tokens, then create one."
    TOKEN_FAILED = "M100015", "The token request was refused, as the caller said."
    TOO_MANY_ATTEMPTS = "M100016", "Too many attempts have failed: try again after retryAfter seconds."
    TOKEN_USABLE = "M100021", "The access token may be used."
    TOKEN_MISSING = "M100022", "The call names no token."
    TOKEN_UNKNOWN = "M100023", "The access token is unknown, expired, or was revoked."
    TOKEN_INSUFFICIENT = "M100024", "The access token does not cover what is required."
    AUTHENTICATION_INSUFFICIENT = "M100025", "The user has to authenticate anew (RFC 9470)."
    INTROSPECTED = "M100026", "The introspection request was answered."
    REVOKED = "M100031", "The revocation request was answered."
    USERINFO = "M100041", "The access token is good for UserInfo: collect the claims, then call /issue."
    USERINFO_ISSUED = "M100042", "The UserInfo request was answered."
    BACKCHANNEL_IDENTIFICATION = "M100051", "The request is valid: find the user, then call /issue or /fail."
    BACKCHANNEL_ISSUED = "M100052", "The request waits for its user: ask them, then call /complete."
    BACKCHANNEL_FAILED = "M100053", "The request was refused, as the caller said."
    BACKCHANNEL_COMPLETED = "M100054", "The request was decided, as the caller said."
    DEVICE_BEGUN = "M100061", "The device has its codes: show the user a page for them."
    USER_CODE_WAITS = "M100062", "A device waits with this code: ask the user, then call /device/complete."
    USER_CODE_OVER = "M100063", "The request of this code was decided, or has expired."
    USER_CODE_UNKNOWN = "M100064", "There is no such code."
    DEVICE_COMPLETED = "M100065", "The request was decided, as the caller said."

    # refusals, by the registered error code
    INVALID_REQUEST = "M200001", "invalid_request"
    INVALID_CLIENT = "M200002", "invalid_client"
    INVALID_GRANT = "M200003", "invalid_grant"
    UNAUTHORIZED_CLIENT = "M200004", "unauthorized_client"
    UNSUPPORTED_GRANT_TYPE = "M200005", "unsupported_grant_type"
    INVALID_SCOPE = "M200006", "invalid_scope"
    INVALID_TARGET = "M200007", "invalid_target"
    UNSUPPORTED_TOKEN_TYPE = "M200008", "unsupported_token_type"
    ACCESS_DENIED = "M200009", "access_denied"
    UNSUPPORTED_RESPONSE_TYPE = "M200010", "unsupported_response_type"
    LOGIN_REQUIRED = "M200011", "login_required"
    CONSENT_REQUIRED = "M200012", "consent_required"
    INTERACTION_REQUIRED = "M200013", "interaction_required"
    ACCOUNT_SELECTION_REQUIRED = "M200014", "account_selection_required"
    UNMET_AUTHENTICATION_REQUIREMENTS = "M200015", "unmet_authentication_requirements"
    INVALID_REQUEST_OBJECT = "M200016", "invalid_request_object"
    INVALID_REQUEST_URI = "M200017", "invalid_request_uri"
    REQUEST_NOT_SUPPORTED = "M200018", "request_not_supported"
    REQUEST_URI_NOT_SUPPORTED = "M200019", "request_uri_not_supported"
    REGISTRATION_NOT_SUPPORTED = "M200020", "registration_not_supported"
    INVALID_TOKEN = "M200021", "invalid_token"
    INSUFFICIENT_SCOPE = "M200022", "insufficient_scope"
    SERVER_ERROR = "M200023", "server_error"
    TEMPORARILY_UNAVAILABLE = "M200024", "temporarily_unavailable"
    INVALID_CLIENT_METADATA = "M200025", "invalid_client_metadata"
    INVALID_REDIRECT_URI = "M200026", "invalid_redirect_uri"
    INVALID_AUTHORIZATION_DETAILS = "M200027", "invalid_authorization_details"
    INVALID_DPOP_PROOF = "M200028", "invalid_dpop_proof"
    USE_DPOP_NONCE = "M200029", "use_dpop_nonce"
    AUTHORIZATION_PENDING = "M200051", "authorization_pending"
    SLOW_DOWN = "M200052", "slow_down"
    EXPIRED_TOKEN = "M200053", "expired_token"
    UNKNOWN_USER_ID = "M200041", "unknown_user_id"
    EXPIRED_LOGIN_HINT_TOKEN = "M200042", "expired_login_hint_token"
    MISSING_USER_CODE = "M200043", "missing_user_code"
    INVALID_USER_CODE = "M200044", "invalid_user_code"
    INVALID_BINDING_MESSAGE = "M200045", "invalid_binding_message"

    # management
    TOKEN_CREATED = "M300001", "The token was created."
    TOKEN_UPDATED = "M300002", "The token was changed."
    TOKENS_REVOKED = "M300003", "What was named is ended."
    TOKEN_NOT_FOUND = "M300004", "There is no such token: it was ended, or has expired."
    FORBIDDEN = "M300005", "The client or the user may not have that."
    CLIENT_CREATED = "M300011", "The client was registered."
    CLIENT_UPDATED = "M300012", "The client was changed."
    CLIENT_DELETED = "M300013", "The client was deleted."
    AUTHORIZATION_UPDATED = "M300021", "What the user allowed the client was changed."
    AUTHORIZATION_ENDED = "M300022", "What the user allowed the client is ended."


def of_error(error: str) -> ResultCode:
    """Return the result code for an OAuth error code."""
    return _BY_ERROR.get(error, ResultCode.SERVER_ERROR)


_BY_ERROR = {one.text: one for one in ResultCode if one.code.startswith("M2")}
