"""Sectors: clients of one sector get the same pairwise subject for a user (OpenID Connect Core 8.1)."""

from collections.abc import Sequence
from urllib.parse import urlsplit

_OWN = "client:"
"""The prefix of a client_id. As no host has a colon, no client_id can collide with the sector of a host."""


def own_sector(client_id: str) -> str:
    """Return the sector of a client that shares its subjects with no other."""
    return _OWN + client_id


def sector_of(client_id: str, redirect_uris: Sequence[str]) -> str:
    """Return the sector of a client without sector_identifier_uri: the one host of its redirect URIs, if all are https.

    Only with https the host proves the owner of the client: any client may write any host after a private-use scheme, or use
    loopback. Such a client is a sector of its own. Raises ValueError where there are several hosts.
    """
    hosts = {urlsplit(uri).hostname or "" for uri in redirect_uris if _is_https(uri)}
    if len(hosts) > 1:
        raise ValueError("the redirect URIs are on several hosts")
    return hosts.pop() if say_the_host(redirect_uris) else own_sector(client_id)


def say_the_host(redirect_uris: Sequence[str]) -> bool:
    """Whether the host of these redirect URIs may identify the client: there are some, and all are https."""
    return bool(redirect_uris) and all(map(_is_https, redirect_uris))


def _is_https(uri: str) -> bool:
    return urlsplit(uri).scheme == "https"
