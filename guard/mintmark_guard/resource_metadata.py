"""The metadata of a protected resource (RFC 9728), from which clients learn which token service an API trusts."""

import json
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

WELL_KNOWN = "/.well-known/oauth-protected-resource"
HEADERS = {
    "Content-Type": "application/json",
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "public, max-age=3600",
}
"""The headers of the document, which is public."""
_OURS = frozenset({"resource", "authorization_servers", "signed_metadata"})


def has_metadata(resource: str) -> bool:
    """Whether a resource is an https URL, or an http one on a loopback address, without fragment."""
    try:
        parts = urlsplit(resource)
        is_local = parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")
    except ValueError:
        return False
    return bool(parts.netloc) and not parts.fragment and (parts.scheme == "https" or is_local)


class ResourceMetadata:
    """The document of one API.

    Args:
        resource: The audience of its tokens: an https URL, or http on a loopback address.
        issuer: The token service.
        members: Further members, such as ``resource_name`` and ``scopes_supported``.

    Raises:
        ValueError: The resource is no such URL, or the guard sets one of the members.
    """

    def __init__(self, resource: str, issuer: str, members: Mapping[str, object]) -> None:
        parts = urlsplit(resource)
        if not has_metadata(resource):
            raise ValueError(
                f"{resource!r} has no metadata: the audience of the guard must be an https URL without fragment"
            )
        if named := _OURS & members.keys():
            raise ValueError(f"{', '.join(sorted(named))}: the guard says that")
        self.path = WELL_KNOWN + ("" if parts.path == "/" else parts.path)
        """The path of the document, in which the well-known part comes before the resource's path (RFC 9728 section 3.1)."""
        self.url = urlunsplit((parts.scheme, parts.netloc, self.path, parts.query, ""))
        """The URL of the document, which challenges name."""
        own = {"resource": resource, "authorization_servers": [issuer], "bearer_methods_supported": ["header"]}
        self.content = json.dumps({**own, **members}).encode()

    def answers(self, method: str, path: str) -> bool:
        """Whether this request is for the document."""
        return path == self.path and method in ("GET", "HEAD")
