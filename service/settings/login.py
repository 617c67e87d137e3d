"""Users in front of a browser: authorization requests, sign-in, sessions, consent, sign-out."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from service.protocol.names import ResponseType
from service.settings.group import Lifetime, Seconds, SettingsGroup, Unit

_Word = Annotated[str, Field(pattern=r"^[!-~]+$", max_length=255)]
_Words = Annotated[str, Field(pattern=r"^[!-~]+( [!-~]+)*$", max_length=255)]


class AcrRule(BaseModel):
    """An authentication context class, and the methods by which it is reached."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    acr: _Word
    amr: Annotated[tuple[_Words, ...], Field(min_length=1)]
    """Sets of methods (RFC 8176), each separated by blanks; any one of them will do."""


class LoginSettings(SettingsGroup):
    """Users in front of a browser."""

    response_types: tuple[ResponseType, ...] = tuple(ResponseType)
    """Response types that clients may be registered for. A client has only `code` unless it names others."""
    require_pkce: bool = False
    """Require PKCE of confidential clients, too. Public clients always need it."""
    request_objects: Literal["off", "by_value", "by_reference"] = "by_reference"
    """Signed authorization requests: off; by_value (parameter request); by_reference (request_uri, too)."""
    require_signed_request_object: bool = False
    """Refuse authorization requests that are not in a signed request object (RFC 9101), of every client."""
    strict_request_objects: bool = False
    """Accept request objects only in the form of FAPI: with aud, client_id, nbf and exp, at most an hour apart, and with `typ`
    oauth-authz-req+jwt or none. Parameters of the request outside of them are ignored."""
    par_lifetime: Annotated[int, Field(ge=5, le=600), Unit("seconds")] = 60
    """Seconds within which a user's browser has to come with the request_uri of a pushed authorization request."""
    require_pushed_authorization_requests: bool = False
    """Refuse authorization requests that were not pushed (RFC 9126), of every client."""
    par_unregistered_redirects: bool = False
    """Let confidential clients that push their requests name redirect URIs that are not registered (RFC 9126 2.4); not
    those that registered themselves, and not those whose security profile demands registered ones."""
    acr: _Word = "1"
    """Authentication context class (`acr` in ID tokens) of a sign-in that no line of acr_by_amr fits."""
    acr_by_amr: tuple[AcrRule, ...] = Field((), examples=[[{"acr": "urn:example:password", "amr": ["pwd"]}]])
    """Authentication context classes by the methods of a sign-in (`amr`), the strongest first. The first line counts of which
    one set of methods, separated by blanks, was used."""
    session_idle_lifetime: Lifetime = 86400
    """Seconds since its last use after which a browser session ends."""
    session_lifetime: Lifetime = 86400 * 14
    """Seconds after sign-in at which a browser session ends, however much it is used."""
    sessions_per_user: Annotated[int, Field(ge=0, le=1000)] = 100
    """Maximum number of browser sessions of a user. One more ends the oldest. 0: any number."""
    ticket_lifetime: Lifetime = 900
    """Seconds that a user may take to sign in and consent to an authorization request."""
    login_attempts: Annotated[int, Field(ge=1, le=1000)] = 20
    """Maximum number of passwords that may be tried in one authorization request."""
    consent_lifetime: Seconds = 86400 * 365
    """Seconds that a user's consent is remembered. 0: without an end."""
    silent_native_apps: bool = False
    """Skip a remembered consent for native apps, too, although another app on the device could pass for them."""
    offline_access_outlives_session: bool = True
    """Keep grants with the scope offline_access when the user signs out."""
    logout_attempts: Annotated[int, Field(ge=1, le=20)] = 8
    """Maximum number of attempts to deliver a logout token. The pause between them doubles from 2 seconds on."""
