"""The networks that an address belongs to: the size that one attacker controls, and the size of a larger one."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_network

from service.protocol.addresses import address_of


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """Return an IPv4 address unchanged, of an IPv6 one its /64, which belongs to one subscriber."""
    parsed = _parsed(address)
    if parsed is None:
        return address
    return str(parsed) if parsed.version == 4 else str(ip_network((parsed, 64), strict=False))


@lru_cache(maxsize=4096)
def wide_network_of(address: str) -> str:
    """Return the /24 of an IPv4 address, the /48 of an IPv6 one, in which many addresses are cheap to get (RFC 6177)."""
    parsed = _parsed(address)
    if parsed is None:
        return address
    return str(ip_network((parsed, 24 if parsed.version == 4 else 48), strict=False))


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    parsed = address_of(address.partition("%")[0])
    # ::ffff:192.0.2.1: its /64 would be all of IPv4
    return parsed.ipv4_mapped or parsed if isinstance(parsed, IPv6Address) else parsed
