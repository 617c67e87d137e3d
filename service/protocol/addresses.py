"""Addresses as texts: the issuer URL, the listening addresses, and the addresses of peers."""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import SplitResult, urlsplit

_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9._-]{1,253}(?<!-)", re.ASCII)
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^A-Z/?#@\s]+", re.ASCII)
_EVERY = {"::": ("::", "0.0.0.0"), "*": ("::", "0.0.0.0")}  # noqa: S104
"""Addresses that mean both families: a socket of each, so that IPv4 peers keep their IPv4 addresses."""


def check_issuer(issuer: str) -> None:
    """Check that the issuer is an http(s) URL without query and fragment (RFC 8414 section 2), and unambiguous.

    Raises:
        ValueError: It is not; the text says why.
    """
    parts = urlsplit(issuer)
    if parts.scheme not in ("http", "https") or not parts.hostname or "?" in issuer or "#" in issuer:
        raise ValueError("must be an http(s) URL without query and fragment (RFC 8414 section 2)")
    if "@" in parts.netloc or not issuer.isprintable() or " " in issuer:
        raise ValueError("must be a URL without user name, password and spaces: everybody gets to read it")
    if "\\" in issuer or "//" in parts.path or {".", ".."}.intersection(parts.path.split("/")):
        raise ValueError(
            "its path must have no backslashes and no empty, . or .. segments: programs on the way would change it"
        )
    _check_port(parts)


def check_web_url(url: str) -> None:
    """Check that a text is an http(s) URL with a host, and without spaces. Raises ValueError."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or not url.isprintable() or " " in url:
        raise ValueError("must be an http(s) URL")
    _check_port(parts)


def _check_port(parts: SplitResult) -> None:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0 or parts.netloc.endswith(":"):
        raise ValueError("its port must be a number from 1 to 65535, or left out")


def check_origin(origin: str) -> None:
    """Check that a text is an origin as browsers send it in the header Origin (RFC 6454 section 6.2). Raises ValueError."""
    parts = urlsplit(origin)
    is_default = (parts.scheme, parts.port) in (("https", 443), ("http", 80))
    if origin != "null" and (not _ORIGIN.fullmatch(origin) or is_default):
        raise ValueError(
            f"{origin}: must be an origin as browsers send it: https://app.example.com, in lower case, without path and "
            "final slash, with a port only where it is not the usual one"
        )


def check_hosts(host: str) -> None:
    """Check that ``host`` names at least one address. Raises ValueError."""
    if not listening_hosts(host):
        raise ValueError("must name an address: 127.0.0.1, 0.0.0.0, ::, or several with commas between")
    for one in listening_hosts(host):
        if address_of(one) is None and not _HOST_NAME.fullmatch(one):
            raise ValueError(f"{one} is neither an IP address nor a host name; the port is a setting of its own")


def listening_hosts(host: str) -> tuple[str, ...]:
    """Return the addresses in a setting such as ``127.0.0.1``, ``0.0.0.0,::`` or ``[::1]``; ``::`` means IPv4 as well."""
    words = (word.strip() for word in host.split(","))
    named = (word[1:-1] if word.startswith("[") and word.endswith("]") else word for word in words if word)
    return tuple(dict.fromkeys(one for name in named for one in _EVERY.get(name, (name,))))


def reachable_host(host: str) -> str:
    """Return the host of a URL by which a program on the same machine reaches this listening address."""
    first = listening_hosts(host)[0]
    found = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(first, first)  # noqa: S104
    return in_url(found)


def in_url(host: str) -> str:
    """Return a host as written in a URL: an IPv6 address in brackets (RFC 3986 section 3.2.2)."""
    return f"[{host}]" if ":" in host else host


def address_of(text: str) -> IPv4Address | IPv6Address | None:
    """Return the IP address in a text, None where it is none."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """Whether an address or name leads to this machine."""
    address = address_of(host)
    return host == "localhost" if address is None else address.is_loopback
