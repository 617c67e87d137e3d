"""The metadata of a protected resource (RFC 9728): where clients learn which token service an API trusts."""

import json
from collections.abc import Mapping
from urllib.parse import urlsplit, urlunsplit

WELL_KNOWN = "/.well-known/oauth-protected-resource"
HEADERS = {
    "Content-Type": "application/json",
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "public, max-age=3600",
}
"""Of the document, which is for everybody."""
_OURS = frozenset({"resource", "authorization_servers", "signed_metadata"})


def has_metadata(resource: str) -> bool:
    """Tell whether a resource is an https URL, or an http one on a loopback address, without fragment."""
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
        members: Further ones, such as ``resource_name`` and ``scopes_supported``.

    Raises:
        ValueError: The resource is no such URL, or a member is not the API's own to say.
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
        """Where it is served: the well-known part stands between host and path (RFC 9728 section 3.1)."""
        self.url = urlunsplit((parts.scheme, parts.netloc, self.path, parts.query, ""))
        """What a challenge points at."""
        own = {"resource": resource, "authorization_servers": [issuer], "bearer_methods_supported": ["header"]}
        self.content = json.dumps({**own, **members}).encode()

    def answers(self, method: str, path: str) -> bool:
        """Whether this request is for the document."""
        return path == self.path and method in ("GET", "HEAD")
