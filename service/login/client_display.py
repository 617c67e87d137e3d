"""What users see of a client: its name, where it leads, and whether an operator has checked its metadata."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from service.protocol import client_id_urls, destinations, display_names
from service.records.client import Client
from service.settings import Settings

DECORATIONS = ("logo_uri", "client_uri", "policy_uri", "tos_uri")


def client_values(settings: Settings, client: Client | None, redirect_uri: str = "") -> Mapping[str, Any] | None:
    """Return the values for pages. ``redirect_uri`` is where the user is about to be sent, "" = nowhere yet."""
    if client is None:
        return None
    leads_to = destinations.destination(redirect_uri)._asdict() if redirect_uri else None
    return {
        "client_id": client.client_id,
        "name": name_of(settings, client),
        **decorations_of(client, redirect_uri),
        "self_registered": client.self_registered,
        "host": client_id_urls.host_of(client.client_id) if client.has_document else "",
        "device_only": client.has_document and not any(map(destinations.is_claimed, client.redirect_uris)),
        "leads_to": leads_to,
    }


def name_of(settings: Settings, client: Client) -> str:
    """Return its name without deceptive characters; its client_id where nothing is left, or where it took our name."""
    shown = display_names.shown(client.name, client.client_id)
    return client.client_id if client.self_registered and is_ours(settings, shown) else shown


def is_ours(settings: Settings, name: str) -> bool:
    """Whether users would take the name for that of this service, or of a part of it."""
    host = urlsplit(settings.issuer).hostname or ""
    if display_names.looks_like(name, (settings.service_name, host, settings.issuer)):
        return True
    is_site = "." in host and not settings.issuer_is_loopback
    return any(display_names.speaks_for(name, one) for one in (settings.service_name, *([host] if is_site else [])))


def decorations_of(client: Client, redirect_uri: str = "") -> dict[str, str]:
    """Return logo and links, "" where there is none.

    For a client that registered itself only those of the host that gets the response: it may show what is its own, but nothing
    that speaks for it in another one's name (RFC 7591 section 5).
    """
    given = {member: getattr(client, member) or "" for member in DECORATIONS}
    if not client.self_registered:
        return given
    homes = {destinations.host(uri) for uri in ((redirect_uri,) if redirect_uri else client.redirect_uris)}
    home = homes.pop() if len(homes) == 1 else ""
    return {member: uri if home and destinations.host(uri) == home else "" for member, uri in given.items()}
