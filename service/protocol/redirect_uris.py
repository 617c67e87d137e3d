"""Redirect URIs: registered whole, compared as strings (RFC 9700 section 2.1)."""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from service.protocol.errors import InvalidGrant, InvalidRequest

_AUTHORITY = re.compile(r"(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?", re.IGNORECASE)
"""Host and port that browsers and servers read alike, without anything that one of them would normalise."""
_LOOPBACK = re.compile(r"(?:127\.0\.0\.1|\[::1\]|localhost)(?::[0-9]{1,5})?")
_ANY_PORT = re.compile(r"(127\.0\.0\.1|\[::1\])(?::([0-9]{1,5}))?")
_ANY_LOCAL_PORT = re.compile(r"(127\.0\.0\.1|\[::1\]|localhost)(?::([0-9]{1,5}))?")
_LAST_PORT = 65535
_DANGEROUS = ("javascript", "data", "vbscript", "file", "about", "blob")


def check_registrable(uri: str) -> str:
    """Return ``uri`` if it may be registered: absolute, no fragment, https or loopback http or a private-use scheme.

    Raises ValueError with what to change (RFC 6749 3.1.2, RFC 8252 section 7).
    """
    if not _is_plain(uri):
        raise ValueError("a URI is ASCII without spaces, backslashes and control characters: percent-encode them")
    parts = urlsplit(uri)
    if not parts.scheme or parts.scheme in _DANGEROUS:
        raise ValueError(f"{uri!r} is not an absolute URI that can be redirected to")
    if "#" in uri:
        raise ValueError("a redirect URI has no fragment")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a redirect URI has no user name or password")
    if parts.scheme == "http" and not _LOOPBACK.fullmatch(parts.netloc):
        raise ValueError("http is for loopback addresses only; use https")
    if parts.scheme in ("http", "https"):
        origin(uri)
    return uri


def origin(uri: str) -> str:
    """Return scheme, host and port of an http(s) URI (RFC 6454), safe to be put into a policy. Raises ValueError."""
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or not _AUTHORITY.fullmatch(parts.netloc):
        raise ValueError(f"{uri!r} has no host that can be called: give names beyond ASCII in their xn-- form")
    if parts.port == 0:  # reading it checks it
        raise ValueError("there is no port 0")
    return f"{parts.scheme}://{parts.netloc}"


def resolve(requested: str | None, registered: Sequence[str], *, is_free: bool = False, is_native: bool = False) -> str:
    """Return the redirect URI of an authorization request: the requested one, or the only registered one (WM-10).

    The port of a loopback address is free (RFC 8252 section 7.3).

    Args:
        requested: The requested URI, None where it is left out.
        registered: The registered URIs.
        is_free: Whether any URI on the web is accepted, as the client has authenticated (RFC 9126 section 2.4).
        is_native: Whether the client is an app that may register the name localhost without its port.

    Raises:
        InvalidRequest: It is not registered, or left out where several or none are registered.
    """
    if requested is None:
        if len(registered) != 1:
            raise InvalidRequest("redirect_uri is required: the client has not registered exactly one.")
        return registered[0]
    free = _ANY_LOCAL_PORT if is_native else _ANY_PORT
    if requested in registered or any(_matches_but_for_port(requested, uri, free) for uri in registered):
        return requested
    if is_free:
        return _on_the_web(requested)
    raise InvalidRequest("redirect_uri is not registered for this client.")


def check_repeated(at_token: str | None, redirected_to: str | None, *, was_given: bool) -> None:
    """Check that the token request repeats the redirect_uri of the authorization request, where it had one (RFC 6749 4.1.3).

    It may be left out only if it was left out there (``was_given`` is False). Raises InvalidRequest where it is missing,
    InvalidGrant where it differs from where the code was sent (WM-11).
    """
    if at_token is None:
        if was_given:
            raise InvalidRequest("redirect_uri is missing: the authorization request had one.")
    elif at_token != redirected_to:
        raise InvalidGrant("redirect_uri differs from the one of the authorization request.")


def _on_the_web(uri: str) -> str:
    """Return ``uri`` if it could be registered and is a web page. Raises InvalidRequest."""
    try:
        origin(check_registrable(uri))
    except ValueError as error:
        raise InvalidRequest(f"redirect_uri is not one that could be registered: {error}.") from error
    return uri


def _is_plain(uri: str) -> bool:
    """Whether it is printable ASCII without blanks and backslashes, which only browsers read as slashes (WHATWG URL 4.4)."""
    return uri.isascii() and uri.isprintable() and " " not in uri and "\\" not in uri


def _matches_but_for_port(requested: str, registered: str, free: re.Pattern[str]) -> bool:
    """Whether both are equal except for the port of a loopback host, as native apps listen on any free port."""
    if not _is_plain(requested) or "#" in requested:  # urlsplit ignores some of it, a redirect would not
        return False
    try:
        theirs, ours = urlsplit(requested), urlsplit(registered)
    except ValueError:  # brackets around an invalid address
        return False
    here, there = free.fullmatch(ours.netloc), free.fullmatch(theirs.netloc)
    if ours.scheme != "http" or not here or not there or here[1] != there[1]:
        return False
    return theirs._replace(netloc="") == ours._replace(netloc="") and int(there[2] or 80) <= _LAST_PORT
