"""Codes, access tokens and refresh tokens: their lifetimes, formats and rotation."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from service.protocol.checked_types import Resource
from service.protocol.names import AccessTokenFormat, RefreshRotation, SigningAlgorithm
from service.settings.group import Grace, Lifetime, Seconds, SettingsGroup, Unit


class ResourceTokens(BaseModel):
    """The access tokens for one resource."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    format: AccessTokenFormat
    """Whether a resource server looks tokens up, or checks signed ones by itself."""
    algorithm: SigningAlgorithm | None = None
    """Signing algorithm of JWTs; None means RS256."""
    jwt_typ: Literal["at+jwt", "JWT"] = "at+jwt"
    """Header ``typ`` of JWTs; ``JWT`` is for a resource server that refuses the ``at+jwt`` of RFC 9068."""


class TokensSettings(SettingsGroup):
    """Codes and tokens."""

    code_lifetime: Lifetime = 60
    """Lifetime of authorization codes in seconds."""
    code_grace: Grace = 10
    """Seconds within which a redemption whose answer was lost may be repeated. 0: a repetition ends the grant."""
    device_code_lifetime: Annotated[int, Field(ge=30, le=3600), Unit("seconds")] = 600
    """Seconds within which a user has to enter the code of a device and allow its request (RFC 8628)."""
    device_poll_interval: Annotated[int, Field(ge=1, le=60), Unit("seconds")] = 5
    """Seconds that a device has to wait between two polls. Each poll that comes too early adds 5 for that device."""
    access_token_lifetime: Lifetime = 3600
    """Lifetime of access tokens in seconds."""
    refresh_idle_lifetime: Seconds = 86400 * 14
    """Seconds since its last use after which a refresh token ends. 0: it does not end by that."""
    refresh_absolute_lifetime: Seconds = 86400 * 90
    """Seconds after which a grant's refresh tokens end, however much they are used. 0: they do not end by that."""
    refresh_grace: Grace = 10
    """Seconds within which a repeated refresh request gets the same response again. 0 turns that off."""
    refresh_reuse_memory: Lifetime = 86400 * 7
    """Seconds that a used code or refresh token is remembered, so that its reuse ends the grant."""
    refresh_rotation: RefreshRotation = RefreshRotation.ALWAYS
    """Clients whose refresh tokens are replaced at each use: always (of all), public_clients, never."""
    refresh_needs_offline_access: bool = False
    """Issue refresh tokens only where the scope offline_access was granted."""
    jwt_bearer_refresh: bool = False
    """Issue refresh tokens for assertions of trusted issuers, too. They then outlive what was asserted."""
    revoke_access_token_ends_grant: bool = False
    """Let the revocation of an access token end its whole grant, refresh token included."""
    grants_per_user_and_client: Annotated[int, Field(ge=0, le=1000)] = 100
    """Maximum number of grants of a user to one client that can be refreshed, and as many codes and others that cannot. One
    more ends the one that was not used for longest. 0: any number."""
    grant_management: bool = False
    """Let clients look at grants of theirs and end them (/grants), and say the id of each grant in token responses."""
    resource_tokens: dict[Resource, ResourceTokens] = Field(
        default_factory=dict, examples=[{"https://api.example.com": {"format": "jwt"}}]
    )
    """Access token formats by resource."""
