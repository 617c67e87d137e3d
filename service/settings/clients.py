"""Clients: dynamic registration, documents that are fetched from them, and their assertions."""

import re
from typing import Annotated, Literal

from pydantic import Field

from service.protocol import checked_types
from service.protocol.claims import SCOPE_CLAIMS
from service.protocol.names import OFFLINE_ACCESS, OPENID, GrantTypeName, ResponseType
from service.settings.faults import check_each
from service.settings.group import Attempts, Lifetime, SettingsGroup, Timeout, Unit, checked_by

_HOST = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[1-9][0-9]{0,4})?", re.ASCII)


def _check_resources(resources: tuple[str, ...]) -> None:
    check_each(resources, checked_types.resource)


def _check_pattern(pattern: str) -> None:
    if not _HOST.fullmatch(pattern):
        raise ValueError(
            "must be the name of a host in lower case, or *. and such a name; then perhaps a colon and a port"
        )


def _check_patterns(patterns: tuple[str, ...]) -> None:
    check_each(patterns, _check_pattern)


class ClientsSettings(SettingsGroup):
    """Clients."""

    fetch_timeout: Timeout = 5.0
    """Seconds that fetching a client's document may take."""
    fetch_max_bytes: Annotated[int, Field(ge=1024), Unit("bytes")] = 262_144
    """Largest document of a client that is fetched, in bytes."""
    fetch_private_addresses: bool = False
    """Fetch from and post to private and loopback addresses, too, also without TLS. For development."""
    client_keys_lifetime: Lifetime = 600
    """Seconds that keys from a client's jwks_uri are cached."""
    assertion_lifetime: Annotated[int, Field(ge=10, le=86400), Unit("seconds")] = 600
    """Seconds from now within which the assertion of a client or trusted issuer must end."""
    assertion_audience: Literal["issuer", "endpoint", "several"] = "issuer"
    """Audiences (aud) that an assertion may have. issuer: our issuer alone; endpoint: or the token endpoint, or the endpoint
    that is called; several: any of these among others, so that another server can use it, too."""
    registration: Literal["off", "initial_access_token", "open"] = "off"
    """Who may register clients (RFC 7591): nobody, holders of an initial access token, everybody."""
    registration_grant_types: tuple[GrantTypeName, ...] = (
        GrantTypeName.AUTHORIZATION_CODE,
        GrantTypeName.REFRESH_TOKEN,
        GrantTypeName.IMPLICIT,
    )
    """Grant types that a client may register for by itself. Those that need no user are for operators to give."""
    self_registered_redirects: Literal["page", "direct"] = "page"
    """How errors go to clients that registered openly. page: by a page of ours that names where it leads; direct: at once."""
    registration_authorization_details_types: tuple[str, ...] = ()
    """Types of authorization details that a client may register for by itself."""
    registration_response_types: tuple[ResponseType, ...] = tuple(
        one for one in ResponseType if "token" not in one.parts
    )
    """Response types that a client may register for by itself. By default none that puts an access token into a URL (RFC 9700
    2.1.2)."""
    registration_max_bytes: Annotated[int, Field(ge=1024, le=65536), Unit("bytes")] = 16_384
    """Largest metadata of a client that registers itself, in bytes."""
    registration_unused_lifetime: Lifetime = 86400 * 7
    """Seconds after which a client that registered openly and was never used is deleted."""
    registration_idle_lifetime: Lifetime = 86400 * 180
    """Seconds since its last use after which a client that registered openly is deleted."""
    registration_unused_most: Attempts = 10_000
    """Maximum number of clients that registered openly and wait for their first use at once."""
    registration_unused_most_per_network: Attempts = 100
    """Maximum number of such clients that were registered from one network (IPv4 /24, IPv6 /48)."""
    registration_audiences: Annotated[tuple[str, ...], checked_by(_check_resources)] = ()
    """Audiences that a client that registered itself may ask for, besides the registered resources that are open to it."""
    client_metadata_documents: bool = False
    """Accept an https URL as client_id, whose document has the metadata (draft-ietf-oauth-client-id-metadata-document)."""
    client_document_hosts: Annotated[tuple[str, ...], checked_by(_check_patterns)] = ()
    """Hosts that may have such clients, by name or as *.example.com, at port 443 or at one that is named:
    example.com:8443. Empty: any."""
    client_document_denied_hosts: Annotated[tuple[str, ...], checked_by(_check_patterns)] = ()
    """Hosts that may not: at any port, where none is named."""
    client_document_redirects: Literal["any", "same_origin"] = "any"
    """Redirect URIs that such a client may have. same_origin: only those of the origin of its client_id."""
    client_document_lifetime: Lifetime = 3600
    """Longest time in seconds that such a document is cached, whatever its headers say."""
    audience_parameter: bool = False
    """Take the request parameter audience, as clients of Auth0 and Ory Hydra send it, for resource (RFC 8707)."""
    registration_scopes: checked_types.Scopes = (OPENID, *SCOPE_CLAIMS, OFFLINE_ACCESS)
    """Scopes that a client may register for by itself. Users still have to consent to them."""
