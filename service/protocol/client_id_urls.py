"""URLs as client_id, with the client's metadata document (draft-ietf-oauth-client-id-metadata-document section 3)."""

from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from service.protocol.redirect_uris import check_registrable, origin

_SCHEME = "https://"
_PORT = 443


def is_url(client_id: str) -> bool:
    """Whether a client_id might be the URL of a document."""
    return client_id.startswith(_SCHEME)


def check_url(client_id: str) -> None:
    """Check the URL character by character, as it is never normalised. Raises ValueError with the fault."""
    if not is_url(client_id):
        raise ValueError("it is no https URL")
    check_registrable(client_id)  # plain ASCII, without fragment and user name
    parts = urlsplit(client_id)
    if parts.path in ("", "/"):
        raise ValueError("it has no path")
    if {".", ".."} & {unquote(segment) for segment in parts.path.split("/")}:
        raise ValueError("its path has a . or .. segment")


def host_of(client_id: str) -> str:
    """Return the host of a checked URL in lower case, by which users know the client.

    It has the port where that is not 443, as another port of a host may belong to another client.
    """
    parts = urlsplit(client_id)
    host = (parts.hostname or "").lower()
    return host if parts.port in (None, _PORT) else f"{host}:{parts.port}"


def without_port(host: str) -> str:
    """Return the result of ``host_of`` without the port."""
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


def is_among(host: str, listed: Iterable[str]) -> bool:
    """Whether a host is listed by its name or as one of ``*.example.com``, at port 443 or at the listed port."""
    return any(host.endswith(one[1:]) if one.startswith("*.") else host == one for one in listed)


def is_of_origin(uri: str, client_id: str) -> bool:
    """Whether a redirect URI has the scheme, host and port of the client's URL."""
    try:
        return origin(uri).lower() == origin(client_id).lower()
    except ValueError:
        return False
