"""Enumerations that more than one room needs: registered values of the RFCs, and values of our settings."""

from enum import StrEnum


class ClientAuthMethod(StrEnum):
    """How a client authenticates at the token endpoint (RFC 7591 section 2)."""

    CLIENT_SECRET = "client_secret"
    """Our own: client_secret_basic or client_secret_post, whichever the client's library uses."""
    CLIENT_SECRET_BASIC = "client_secret_basic"
    CLIENT_SECRET_POST = "client_secret_post"
    CLIENT_SECRET_JWT = "client_secret_jwt"
    PRIVATE_KEY_JWT = "private_key_jwt"
    TLS_CLIENT_AUTH = "tls_client_auth"
    SELF_SIGNED_TLS_CLIENT_AUTH = "self_signed_tls_client_auth"
    FEDERATED_JWT = "federated_jwt"
    """Our own: like private_key_jwt, but the JWT is issued by the platform on which the workload runs."""
    NONE = "none"


class GrantTypeName(StrEnum):
    """The ``grant_type`` of a token request, recorded with every grant (RFC 6749 section 4)."""

    AUTHORIZATION_CODE = "authorization_code"
    CIBA = "urn:openid:params:grant-type:ciba"
    """OpenID Connect Client-Initiated Backchannel Authentication Core 1.0 section 10.1."""
    CLIENT_CREDENTIALS = "client_credentials"
    DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
    """The device code grant (RFC 8628 section 3.4)."""
    IMPLICIT = "implicit"
    """Not at the token endpoint: tokens that the authorization endpoint issues itself (OAuth 2.0 4.2, IA-14)."""
    JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
    """The JWT bearer grant (RFC 7523 section 2.1)."""
    PASSWORD = "password"
    REFRESH_TOKEN = "refresh_token"
    TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
    """Token exchange (RFC 8693)."""


class ResponseType(StrEnum):
    """What the authorization endpoint returns (OpenID Connect Core 3, OAuth 2.0 Multiple Response Types 5)."""

    parts: frozenset[str]
    """Those of ``code``, ``token`` and ``id_token`` that are in it."""

    def __new__(cls, value: str) -> "ResponseType":
        """Make a member."""
        member = str.__new__(cls, value)
        member._value_, member.parts = value, frozenset(value.split()) - {"none"}
        return member

    CODE = "code"
    ID_TOKEN = "id_token"
    ID_TOKEN_TOKEN = "id_token token"
    CODE_ID_TOKEN = "code id_token"
    CODE_TOKEN = "code token"
    CODE_ID_TOKEN_TOKEN = "code id_token token"
    NONE = "none"


class ResponseMode(StrEnum):
    """How the authorization response is returned (OAuth 2.0 Multiple Response Types 2, OAuth 2.0 Form Post Response Mode)."""

    QUERY = "query"
    FRAGMENT = "fragment"
    FORM_POST = "form_post"


class Prompt(StrEnum):
    """What the client wants the user to be asked (OpenID Connect Core 3.1.2.1, Initiating User Registration 1.0)."""

    NONE = "none"
    LOGIN = "login"
    CONSENT = "consent"
    SELECT_ACCOUNT = "select_account"
    CREATE = "create"


class DeliveryMode(StrEnum):
    """How a client gets the tokens of a CIBA request (CIBA Core 1.0 section 5)."""

    POLL = "poll"
    """The client polls the token endpoint until its user has decided."""
    PING = "ping"
    """The client polls, and is notified when the request is decided."""
    PUSH = "push"
    """The tokens are delivered to the client."""


class SigningAlgorithm(StrEnum):
    """Algorithms by which Mintmark signs (RFC 7518 section 3.1, RFC 8037)."""

    RS256 = "RS256"
    PS256 = "PS256"
    ES256 = "ES256"
    ES384 = "ES384"
    EDDSA = "EdDSA"


class Profile(StrEnum):
    """Security profiles: sets of rules that the room ``protocol.profiles`` has."""

    FAPI2_SECURITY = "fapi2_security"
    FAPI2_MESSAGE_SIGNING = "fapi2_message_signing"
    FAPI1_ADVANCED = "fapi1_advanced"
    OAUTH2_1 = "oauth2_1"


class HmacAlgorithm(StrEnum):
    """Algorithms by which clients sign with their secret (RFC 7518 section 3.2)."""

    HS256 = "HS256"
    HS384 = "HS384"
    HS512 = "HS512"

    @property
    def bytes(self) -> int:
        """The least length of the secret in bytes."""
        return int(self.value[2:]) // 8


class KeyManagement(StrEnum):
    """Algorithms that convey the key of a JWE to its recipient (RFC 7518 section 4.1).

    They use the recipient's public key, or the client's secret. Never RSA1_5, whose padding reveals too much (RFC 8017 7.2).
    """

    RSA_OAEP = "RSA-OAEP"
    RSA_OAEP_256 = "RSA-OAEP-256"
    ECDH_ES = "ECDH-ES"
    ECDH_ES_A128KW = "ECDH-ES+A128KW"
    ECDH_ES_A256KW = "ECDH-ES+A256KW"
    A128KW = "A128KW"
    A256KW = "A256KW"
    DIR = "dir"

    @property
    def is_symmetric(self) -> bool:
        """Whether the client's secret is the key (OpenID Connect Core 10.2)."""
        return self in (KeyManagement.A128KW, KeyManagement.A256KW, KeyManagement.DIR)

    @property
    def is_rsa(self) -> bool:
        """Whether the key is an RSA key; otherwise it is a secret, or a key on an elliptic curve."""
        return self in (KeyManagement.RSA_OAEP, KeyManagement.RSA_OAEP_256)


class ContentEncryption(StrEnum):
    """Algorithms that encrypt the content of a JWE (RFC 7518 section 5.1)."""

    A128CBC_HS256 = "A128CBC-HS256"
    """The default of OpenID Connect Dynamic Client Registration 2."""
    A256CBC_HS512 = "A256CBC-HS512"
    A128GCM = "A128GCM"
    A256GCM = "A256GCM"

    @property
    def key_bytes(self) -> int:
        """The length of the key in bytes; with CBC half of it is for the HMAC."""
        return {"A128GCM": 16, "A256GCM": 32, "A128CBC-HS256": 32, "A256CBC-HS512": 64}[self.value]


class AccessTokenFormat(StrEnum):
    """The format of access tokens; ``both`` is the opaque one and a JWT in addition (AU-23)."""

    OPAQUE = "opaque"
    JWT = "jwt"
    BOTH = "both"
    STATELESS = "stateless"


class SubjectType(StrEnum):
    """Whether different clients get the same subject for a user (OpenID Connect Core 8)."""

    PUBLIC = "public"
    PAIRWISE = "pairwise"


class ApplicationType(StrEnum):
    """The type of an application (OpenID Connect Dynamic Client Registration 2)."""

    WEB = "web"
    NATIVE = "native"


class TrustUse(StrEnum):
    """What the JWTs of a trusted issuer are accepted for."""

    JWT_BEARER = "jwt-bearer"
    """Assertions of the JWT bearer grant (RFC 7523)."""
    ID_JAG = "id-jag"
    """Identity assertion grants, which name their client (draft-ietf-oauth-identity-assertion-authz-grant)."""
    TOKEN_EXCHANGE = "token-exchange"
    """Tokens that are exchanged for others (RFC 8693)."""
    LOGIN_HINT = "login-hint"
    """Hints at the user of a request without a browser (login_hint_token of CIBA)."""
    CLIENT_AUTHENTICATION = "client-authentication"
    """Tokens by which clients that are registered with this issuer authenticate (federated_jwt)."""


class RefreshRotation(StrEnum):
    """For which clients a refresh replaces the refresh token (RFC 9700 section 4.14.2)."""

    ALWAYS = "always"
    PUBLIC_CLIENTS = "public_clients"
    NEVER = "never"


class UnknownScope(StrEnum):
    """What happens to a requested scope that the client may not have."""

    REFUSE = "refuse"
    DROP = "drop"


class HookEvent(StrEnum):
    """Events at which hooks are called to decide, or of which they are notified."""

    CLAIMS = "claims"
    """Which claims to add to tokens that are about to be made."""
    REFRESH = "refresh"
    """Whether a refresh token may be used."""
    EXCHANGE = "exchange"
    """Whether a token may be exchanged for another (RFC 8693)."""
    LOGIN = "login"
    """Whether a user whose password was right may sign in."""
    AUTHORIZATION_DETAILS = "authorization_details"
    """Whether a client may ask for these authorization details, and what they mean for the user."""
    BACKCHANNEL_AUTHENTICATION = "backchannel_authentication"
    """A client asks a user who is elsewhere (CIBA), and the hook should notify that user."""
    LOGGED_IN = "logged_in"
    """A browser session has begun."""
    LOGGED_OUT = "logged_out"
    """A browser session was ended."""
    REVOKED = "revoked"
    """A token, a grant, or everything of a user, client or session was ended."""

    @property
    def asks(self) -> bool:
        """Whether the answer of the hook counts; otherwise it is a notification."""
        return self in (
            HookEvent.CLAIMS,
            HookEvent.REFRESH,
            HookEvent.EXCHANGE,
            HookEvent.LOGIN,
            HookEvent.AUTHORIZATION_DETAILS,
        )


OPENID = "openid"
OFFLINE_ACCESS = "offline_access"

TOKEN_RESPONSE_MEMBERS = frozenset(
    {"access_token", "token_type", "expires_in", "refresh_token", "scope", "id_token", "error", "error_description"}
    | {"error_uri", "state", "iss", "code", "issued_token_type", "authorization_details", "access_token_jwt"}
)
"""Members of a token response that a custom property must not carry (RFC 6749 section 5)."""

INTROSPECTION_MEMBERS = frozenset(
    {"active", "scope", "client_id", "username", "token_type", "exp", "iat", "nbf", "sub", "aud", "iss", "jti", "cnf"}
    | {"auth_time", "acr", "amr", "may_act", "act", "authorization_details", "client_generation"}
    | {"source_clients"}
)
"""Members of an introspection response that a custom property must not carry (RFC 7662 section 2.2)."""
