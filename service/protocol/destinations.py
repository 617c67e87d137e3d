"""Where a browser goes after a page of ours, in the words of people: a site, this device, or an app on it."""

from typing import NamedTuple
from urllib.parse import urlsplit

WEB, DEVICE, APP = "web", "device", "app"


class Destination(NamedTuple):
    """Where a redirect URI leads."""

    kind: str  # ``WEB``, ``DEVICE`` (a loopback address) or ``APP`` (a private-use scheme)
    name: str  # the host with its port, or the scheme


def destination(uri: str) -> Destination:
    """Return where a redirect URI leads.

    Of a private-use scheme only the scheme says who will get it (RFC 8252 7.1): what stands in the place of a host is
    anybody's choice.
    """
    parts = urlsplit(uri)
    if parts.scheme == "https":
        return Destination(WEB, parts.netloc.lower())
    if parts.scheme == "http":
        return Destination(DEVICE, parts.netloc.lower())
    return Destination(APP, parts.scheme)


def is_claimed(uri: str) -> bool:
    """Whether only one party can receive what is sent there: https, which native apps claim, too (RFC 8252 7.2, 8.6)."""
    return urlsplit(uri).scheme == "https"


def host(uri: str) -> str:
    """The host of an https URI, "" of any other: what may be compared with the host of a redirect URI."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return ""
    return (parts.hostname or "") if parts.scheme == "https" else ""
