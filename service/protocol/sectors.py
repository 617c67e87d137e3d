"""Sectors: clients of one sector know a person by the same pairwise subject (OpenID Connect Core 8.1)."""

from collections.abc import Sequence
from urllib.parse import urlsplit

_OWN = "client:"
"""In front of a client_id; no host has a colon in it, so no client is named into the sector of one."""


def own_sector(client_id: str) -> str:
    """The sector of a client that shares its subjects with no other."""
    return _OWN + client_id


def sector_of(client_id: str, redirect_uris: Sequence[str]) -> str:
    """The sector of a client that has no sector_identifier_uri: the one host of its redirect URIs, if all are https.

    Only there the host says whose the client is: anybody may write any host behind a scheme of their own, and everybody is
    at home on loopback. Such a client is a sector of its own. Raises ValueError where the hosts are several.
    """
    hosts = {urlsplit(uri).hostname or "" for uri in redirect_uris if _is_https(uri)}
    if len(hosts) > 1:
        raise ValueError("the redirect URIs are on several hosts")
    return hosts.pop() if say_the_host(redirect_uris) else own_sector(client_id)


def say_the_host(redirect_uris: Sequence[str]) -> bool:
    """Whether the host of these redirect URIs may stand for the client: there are some, and all are https."""
    return bool(redirect_uris) and all(map(_is_https, redirect_uris))


def _is_https(uri: str) -> bool:
    return urlsplit(uri).scheme == "https"
