"""Clients: their own registration, the documents that are fetched of them, their assertions."""

from typing import Annotated, Literal

from pydantic import Field

from service.protocol.claims import SCOPE_CLAIMS
from service.protocol.names import OFFLINE_ACCESS, OPENID, GrantTypeName, ResponseType
from service.settings.group import Attempts, Lifetime, SettingsGroup, Timeout, Unit


class Clients(SettingsGroup):
    """Clients."""

    fetch_timeout: Timeout = Field(5.0, description="Seconds that fetching a client's document may take.")
    fetch_max_bytes: Annotated[int, Field(ge=1024), Unit("bytes")] = Field(
        262_144, description="Largest document of a client that is fetched, in bytes."
    )
    fetch_private_addresses: bool = Field(
        False,
        description="Fetch from and post to private and loopback addresses, too, also without TLS. For development.",
    )
    client_keys_lifetime: Lifetime = Field(600, description="Seconds that keys from a client's jwks_uri are cached.")
    assertion_lifetime: Annotated[int, Field(ge=10, le=86400), Unit("seconds")] = Field(
        600, description="Seconds from now within which the assertion of a client or trusted issuer must end."
    )
    assertion_audience: Literal["issuer", "endpoint", "several"] = Field(
        "issuer",
        description="Audiences (aud) that an assertion may have. issuer: our issuer alone; endpoint: or the token endpoint, or "
        "the endpoint that is called; several: any of these beside others, so that another server can use it, too.",
    )
    registration: Literal["off", "initial_access_token", "open"] = Field(
        "off", description="Who may register clients (RFC 7591): nobody, holders of an initial access token, everybody."
    )
    registration_grant_types: tuple[GrantTypeName, ...] = Field(
        (GrantTypeName.AUTHORIZATION_CODE, GrantTypeName.REFRESH_TOKEN, GrantTypeName.IMPLICIT),
        description="Grant types that a client may register for by itself. Those that need no user are for operators to give.",
    )
    self_registered_redirects: Literal["page", "direct"] = Field(
        "page",
        description="How errors go to clients that registered openly. page: by a page of ours that names where it leads; "
        "direct: at once.",
    )
    registration_response_types: tuple[ResponseType, ...] = Field(
        tuple(one for one in ResponseType if "token" not in one.parts),
        description="Response types that a client may register for by itself. By default none that puts an access token into "
        "a URL (RFC 9700 2.1.2).",
    )
    registration_max_bytes: Annotated[int, Field(ge=1024, le=65536), Unit("bytes")] = Field(
        16_384, description="Largest metadata of a client that registers itself, in bytes."
    )
    registration_unused_lifetime: Lifetime = Field(
        86400 * 7,
        description="Seconds after which a client that registered openly and was never used is deleted.",
    )
    registration_idle_lifetime: Lifetime = Field(
        86400 * 180,
        description="Seconds since its last use after which a client that registered openly is deleted.",
    )
    registration_unused_most: Attempts = Field(
        10_000, description="Maximum number of clients that registered openly and wait for their first use at once."
    )
    registration_unused_most_per_network: Attempts = Field(
        100, description="Maximum number of such clients that were registered from one network (IPv4 /24, IPv6 /48)."
    )
    registration_scopes: tuple[str, ...] = Field(
        (OPENID, *SCOPE_CLAIMS, OFFLINE_ACCESS),
        description="Scopes that a client may register for by itself. Users still have to consent to them.",
    )
