"""The URL of a request to an API, of parts that its sender wrote."""

import re

_HOST = re.compile(r"[A-Za-z0-9._~%:\[\]-]*")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*([^?#]*).*", re.DOTALL)


def request_url(scheme: str, host: str, target: str) -> str:
    """The URL with the path as it was written, which nothing in the host can change.

    Args:
        scheme: Of the connection.
        host: The Host header; one with a slash or the like in it would make a path of its own, and counts as none.
        target: The request target. Of an absolute one (RFC 9112 section 3.2.2) the path counts, whatever host it names.
    """
    absolute = _ABSOLUTE.fullmatch(target)
    path = target if absolute is None else absolute[1]
    return f"{scheme}://{host if _HOST.fullmatch(host) else ''}{path if path[:1] == '/' else '/'}"
