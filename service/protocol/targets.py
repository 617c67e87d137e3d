"""The resources that a token is for (RFC 8707 resource indicators, IA-07)."""

from collections.abc import Collection, Iterable
from urllib.parse import urlsplit

from service.protocol.errors import InvalidTarget
from service.protocol.target_uris import with_lower_host

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
            return _respelled(requested, allowed)
    return tuple(dict.fromkeys(requested))


def _respelled(requested: tuple[str, ...], allowed: tuple[str, ...]) -> tuple[str, ...]:
    """Return the requested resources as they are allowed, where some are spelled otherwise. Raises InvalidTarget."""
    found = as_registered(requested, allowed)
    for resource in found:
        if resource not in allowed:
            known = "not allowed for this client" if _is_absolute(resource) else "not an absolute URI without fragment"
            raise InvalidTarget(f"The resource {resource[:100]} is {known}.")
    return tuple(dict.fromkeys(found))


def as_registered(resources: Iterable[str], registered: Collection[str]) -> tuple[str, ...]:
    """Return resources in the spelling that is registered; those that are not registered as they are.

    Scheme and host of a requested one may be in upper case (MCP authorization 2025-11-25, RFC 3986 section 6.2.2.1).
    """
    found = tuple(resources)
    if all(one in registered for one in found):
        return found
    spellings = {with_lower_host(one): one for one in registered}
    return tuple(one if one in registered else spellings.get(with_lower_host(one), one) for one in found)


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
