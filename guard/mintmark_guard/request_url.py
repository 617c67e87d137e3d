"""The URL of a request to an API, made of parts that its sender wrote."""

import re

_HOST = re.compile(r"[A-Za-z0-9._~%:\[\]-]*")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*([^?#]*).*", re.DOTALL)


def request_url(scheme: str, host: str, target: str) -> str:
    """Return the URL with the path as it was written, which a crafted host cannot change.

    Args:
        scheme: Of the connection.
        host: The Host header. One with a slash or the like would add a path of its own, and is left out.
        target: The request target. Only the path of an absolute one is used (RFC 9112 section 3.2.2).
    """
    absolute = _ABSOLUTE.fullmatch(target)
    path = target if absolute is None else absolute[1]
    return f"{scheme}://{host if _HOST.fullmatch(host) else ''}{path if path[:1] == '/' else '/'}"
