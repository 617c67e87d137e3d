"""The destination of a browser after one of our pages, as users understand it: a site, this device, or an app on it."""

from typing import NamedTuple
from urllib.parse import urlsplit

WEB, DEVICE, APP = "web", "device", "app"


class Destination(NamedTuple):
    """The destination of a redirect URI."""

    kind: str  # ``WEB``, ``DEVICE`` (a loopback address) or ``APP`` (a private-use scheme)
    name: str  # the host with its port, or the scheme


def destination(uri: str) -> Destination:
    """Return the destination of a redirect URI.

    With a private-use scheme only the scheme identifies the recipient (RFC 8252 7.1), as any client may write any host.
    """
    parts = urlsplit(uri)
    if parts.scheme == "https":
        return Destination(WEB, parts.netloc.lower())
    if parts.scheme == "http":
        return Destination(DEVICE, parts.netloc.lower())
    return Destination(APP, parts.scheme)


def is_claimed(uri: str) -> bool:
    """Whether only one party can receive the redirect: https, which native apps may claim, too (RFC 8252 7.2, 8.6)."""
    return urlsplit(uri).scheme == "https"


def host(uri: str) -> str:
    """Return the host of an https URI, "" for any other, to be compared with the host of a redirect URI."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return ""
    return (parts.hostname or "") if parts.scheme == "https" else ""
