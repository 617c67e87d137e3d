"""Redirect URIs: registered whole, compared as strings (RFC 9700 section 2.1)."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from service.protocol.errors import InvalidGrant, InvalidRequest

_LOOPBACK = ("127.0.0.1", "[::1]", "localhost")
_DANGEROUS = ("javascript", "data", "vbscript", "file", "about", "blob")


def check_registrable(uri: str) -> str:
    """``uri`` itself if it may be registered: absolute, no fragment, https or loopback http or a private-use scheme.

    Raises ValueError with what to change (RFC 6749 3.1.2, RFC 8252 section 7).
    """
    if _has_blanks(uri):
        raise ValueError("a redirect URI has no spaces and no control characters")
    parts = urlsplit(uri)
    if not parts.scheme or parts.scheme in _DANGEROUS:
        raise ValueError(f"{uri!r} is not an absolute URI that can be redirected to")
    if "#" in uri:
        raise ValueError("a redirect URI has no fragment")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a redirect URI has no user name or password")
    if parts.scheme == "http" and not _is_loopback(parts.netloc):
        raise ValueError("http is for loopback addresses only; use https")
    if parts.scheme in ("http", "https") and not parts.netloc:
        raise ValueError(f"{uri!r} has no host")
    return uri


def resolve(requested: str | None, registered: Sequence[str]) -> str:
    """The redirect URI of an authorization request: the requested one, or the only registered one (WM-10).

    Raises InvalidRequest: not registered, or left out where several (or none) are registered. The port of a
    loopback address is free (RFC 8252 section 7.3).
    """
    if requested is None:
        if len(registered) != 1:
            raise InvalidRequest("redirect_uri is required: the client has not registered exactly one.")
        return registered[0]
    if requested in registered or any(_matches_but_for_port(requested, uri) for uri in registered):
        return requested
    raise InvalidRequest("redirect_uri is not registered for this client.")


def check_repeated(at_token: str | None, redirected_to: str | None, *, was_given: bool) -> None:
    """The token request repeats the redirect_uri of the authorization request, where it had one (RFC 6749 4.1.3).

    It may be left out only if it was left out there (``was_given`` is False). Raises InvalidRequest where it is missing,
    InvalidGrant where it differs from where the code was sent (WM-11).
    """
    if at_token is None:
        if was_given:
            raise InvalidRequest("redirect_uri is missing: the authorization request had one.")
    elif at_token != redirected_to:
        raise InvalidGrant("redirect_uri differs from the one of the authorization request.")


def _has_blanks(uri: str) -> bool:
    """Whether there are spaces or control characters in it."""
    return any(ord(character) <= 32 or ord(character) == 127 for character in uri)


def _is_loopback(netloc: str) -> bool:
    host = netloc.rpartition(":")[0] if not netloc.endswith("]") and ":" in netloc else netloc
    return host in _LOOPBACK


def _matches_but_for_port(requested: str, registered: str) -> bool:
    """Native apps listen on any free loopback port: 127.0.0.1 and [::1] only, never the name localhost."""
    if _has_blanks(requested):  # urlsplit leaves some of them out, a redirect would not
        return False
    try:
        theirs, ours = urlsplit(requested), urlsplit(registered)
        if ours.scheme != "http" or ours.hostname not in ("127.0.0.1", "::1") or theirs.hostname != ours.hostname:
            return False
        same = theirs._replace(netloc="") == ours._replace(netloc="") and theirs.port is not None
    except ValueError:  # a port that is no number, brackets around what is no address
        return False
    return same and "@" not in theirs.netloc and "#" not in requested
