"""Words that the RFCs registered and that more than one room needs."""

from enum import StrEnum


class ClientAuthMethod(StrEnum):
    """How a client authenticates at the token endpoint (RFC 7591 section 2)."""

    CLIENT_SECRET_BASIC = "client_secret_basic"
    CLIENT_SECRET_POST = "client_secret_post"
    NONE = "none"


class GrantTypeName(StrEnum):
    """The ``grant_type`` of a token request, recorded with every grant (RFC 6749 section 4)."""

    AUTHORIZATION_CODE = "authorization_code"
    CLIENT_CREDENTIALS = "client_credentials"
    PASSWORD = "password"
    REFRESH_TOKEN = "refresh_token"


class RefreshRotation(StrEnum):
    """For which clients a refresh replaces the refresh token (RFC 9700 section 4.14.2)."""

    ALWAYS = "always"
    PUBLIC_CLIENTS = "public_clients"
    NEVER = "never"


class UnknownScope(StrEnum):
    """What becomes of a requested scope that the client may not have."""

    REFUSE = "refuse"
    DROP = "drop"


TOKEN_RESPONSE_MEMBERS = frozenset(
    {"access_token", "token_type", "expires_in", "refresh_token", "scope", "id_token", "error", "error_description"}
    | {"error_uri", "state", "iss", "code", "issued_token_type", "authorization_details"}
)
"""Members of a token response that a custom property must not carry (RFC 6749 section 5)."""

INTROSPECTION_MEMBERS = frozenset(
    {"active", "scope", "client_id", "username", "token_type", "exp", "iat", "nbf", "sub", "aud", "iss", "jti", "cnf"}
    | {"auth_time", "acr", "amr", "may_act", "act", "authorization_details"}
)
"""Members of an introspection response that a custom property must not carry (RFC 7662 section 2.2)."""
