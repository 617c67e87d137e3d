"""The address of a client, and whether its connection is encrypted; only trusted proxies may say so by headers."""

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network

import msgspec
from aiohttp import web

from service.protocol.addresses import address_of
from service.settings import Settings

_LONGEST_HOP = 64
"""The most characters of an address with a zone and a port."""


class Peer(msgspec.Struct, frozen=True):
    """A client. Its ``address`` is an IP address as text, "" for a unix socket."""

    address: str
    secure: bool


def peer_of(http: web.BaseRequest, settings: Settings) -> Peer:
    """Return the client of a request: the last address in X-Forwarded-For that is not one of our proxies.

    Elements before one that is no address are ignored, as none of our proxies wrote them.
    """
    address = http.remote or ""
    networks = settings.proxy_networks
    if not networks or not _is_within(address, networks):
        return Peer(address, http.scheme == "https")
    scheme = http.headers.getall("X-Forwarded-Proto", (http.scheme,))[-1].rpartition(",")[2].strip().lower()
    hops = ",".join(http.headers.getall("X-Forwarded-For", ())).split(",")
    for hop in reversed([hop.strip() for hop in hops if hop.strip()]):
        forwarded = _address(hop) if len(hop) <= _LONGEST_HOP else ""  # longer ones must not fill the cache
        if not forwarded:
            break
        address = forwarded
        if not _is_within(address, networks):
            break
    return Peer(address, scheme == "https")


def is_proxy(http: web.BaseRequest, settings: Settings) -> bool:
    """Whether the request came by one of our trusted proxies."""
    return bool(settings.proxy_networks) and _is_within(http.remote or "", settings.proxy_networks)


@lru_cache(maxsize=4096)
def _address(hop: str) -> str:
    """Return the IP address in an element of X-Forwarded-For, without the port that some proxies add; "" for none."""
    host = hop[1:].partition("]")[0] if hop.startswith("[") else hop
    if host.count(":") == 1:
        host = host.partition(":")[0]
    parsed = address_of(host.partition("%")[0])
    return "" if parsed is None else str(getattr(parsed, "ipv4_mapped", None) or parsed)


@lru_cache(maxsize=4096)
def _is_within(address: str, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    parsed = address_of(address)
    return parsed is not None and any(parsed in network for network in networks)
