"""Who is at the other end of the connection, and whether it is encrypted: proxies are believed only if trusted."""

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import NamedTuple

from aiohttp import web

from service.settings import Settings


class Peer(NamedTuple):
    """``address``: IP address as text, empty for a unix socket."""

    address: str
    secure: bool


def peer_of(http: web.Request, settings: Settings) -> Peer:
    """The client of a request: of X-Forwarded-For the last address that is not one of our proxies."""
    peername = http.transport.get_extra_info("peername") if http.transport is not None else None
    address = str(peername[0]) if isinstance(peername, tuple) and peername else ""
    networks = settings.proxy_networks
    if not networks or not _is_within(address, networks):
        return Peer(address, http.scheme == "https")
    scheme = http.headers.get("X-Forwarded-Proto", http.scheme).rpartition(",")[2].strip().lower()
    hops = ",".join(http.headers.getall("X-Forwarded-For", ())).split(",")
    for hop in reversed([hop.strip() for hop in hops if hop.strip()]):
        address = hop
        if not _is_within(hop, networks):
            break
    return Peer(address[:64], scheme == "https")


@lru_cache(maxsize=4096)
def _is_within(address: str, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)
