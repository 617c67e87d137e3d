"""The resources that a token is for (RFC 8707 resource indicators, IA-07)."""

from urllib.parse import urlsplit

from service.protocol.errors import InvalidTarget

MAX_RESOURCES = 8
MAX_LENGTH = 255
"""The most characters of a resource that is not registered here."""


def audience(
    requested: tuple[str, ...], allowed: tuple[str, ...], default: tuple[str, ...] | None = None
) -> tuple[str, ...]:
    """Return the audience of a token: the requested resources if all are allowed, or the default where none is requested.

    Without ``default`` that is everything allowed.

    Raises InvalidTarget for a resource that is malformed or not allowed (RFC 8707 section 2).
    """
    if not requested:
        return allowed if default is None else default
    if len(requested) > MAX_RESOURCES:
        raise InvalidTarget(f"More than {MAX_RESOURCES} resources are requested.")
    for resource in requested:
        if resource not in allowed:
            known = "not allowed for this client" if _is_absolute(resource) else "not an absolute URI without fragment"
            raise InvalidTarget(f"The resource {resource[:100]} is {known}.")
    return tuple(dict.fromkeys(requested))


def check_elsewhere(resources: tuple[str, ...]) -> None:
    """Check the form of resources of another server, which decides about them itself. Raises InvalidTarget."""
    if len(resources) > MAX_RESOURCES:
        raise InvalidTarget(f"More than {MAX_RESOURCES} resources are requested.")
    for resource in resources:
        if not _is_absolute(resource) or len(resource) > MAX_LENGTH or not resource.isascii():
            raise InvalidTarget(f"The resource {resource[:100]} is not an absolute URI without fragment.")


def _is_absolute(resource: str) -> bool:
    try:
        return bool(urlsplit(resource).scheme) and "#" not in resource
    except ValueError:  # brackets around an invalid IPv6 address
        return False
