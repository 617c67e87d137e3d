"""URIs that name the same: the target of a request, as proofs of possession name it, and a resource (RFC 3986 section 6.2)."""

import re

_TARGET = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[0-9a-f:.]+\]|[a-z0-9._~%!$&'()*+,;=-]+)(?::(?P<port>[0-9]{0,5}))?(?P<path>/[!-~]*)?",
    re.IGNORECASE | re.ASCII,
)
_SCHEME_AND_HOST = re.compile(
    r"[a-z][a-z0-9+.-]*://[a-z0-9._~%!$&'()*+,;=:\[\]-]*(?=[/?#]|\Z)", re.IGNORECASE | re.ASCII
)
_ENCODED = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]", re.ASCII)
_DEFAULT_PORTS = {"http": 80, "https": 443}


def is_same_target(one: str, other: str) -> bool:
    """Whether two URIs name the same target, ignoring query and fragment (RFC 9449 section 4.3)."""
    return one == other or ((target := normalized(one)) != "" and target == normalized(other))


def normalized(uri: str) -> str:
    """Return an http or https URI in its normalised form, without query and fragment; "" if it is none.

    Scheme and host are in lower case, without the scheme's own port; percent-encoding only where it is needed, in upper case;
    no dot segments.
    """
    found = _TARGET.fullmatch(uri.partition("#")[0].partition("?")[0])
    if found is None:
        return ""
    scheme, host = found["scheme"].lower(), _decoded(found["host"]).lower()
    port = int(found["port"] or _DEFAULT_PORTS[scheme])
    authority = host if port == _DEFAULT_PORTS[scheme] else f"{host}:{port}"
    return f"{scheme}://{authority}{_without_dots(_decoded(found['path'] or '/'))}"


def with_lower_host(uri: str) -> str:
    """Return a URI with scheme and host in lower case, all else as it is (RFC 3986 section 6.2.2.1)."""
    found = _SCHEME_AND_HOST.match(uri)
    return found[0].lower() + uri[found.end() :] if found else uri


def _decoded(text: str) -> str:
    """Decode characters that are encoded without need (RFC 3986 section 6.2.2.2)."""
    return _ENCODED.sub(_decoded_octet, text) if "%" in text else text


def _decoded_octet(found: re.Match[str]) -> str:
    character = chr(int(found[1], 16))
    return character if _UNRESERVED.fullmatch(character) else found[0].upper()


def _without_dots(path: str) -> str:
    """Remove dot segments (RFC 3986 section 5.2.4)."""
    if "/." not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            del kept[-1:]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in (".", ".."):
        kept.append("")
    return "/" + "/".join(kept)
