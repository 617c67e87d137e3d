"""Claims that a token must have, as operators write them: ``repository=acme/shop``, ``/kubernetes.io/namespace=prod``."""

from collections.abc import Mapping


def parse_required_claim(text: str) -> tuple[tuple[str, ...], str]:
    """Read ``name=value``, or ``/name/within/name=value`` for a claim within others.

    Returns:
        The names from the outside in, and the value.

    Raises:
        ValueError: It is neither.
    """
    name, equals, value = text.partition("=")
    path = tuple(name[1:].split("/")) if name.startswith("/") else (name,)
    if not equals or not value or not all(path):
        raise ValueError("must be NAME=VALUE, or /NAME/NAME=VALUE for a claim within another")
    return path, value


def check_required_claim(text: str) -> str:
    """Return the text where it can be read. Raises ValueError."""
    parse_required_claim(text)
    return text


def has_claim(claims: Mapping[str, object], path: tuple[str, ...], value: str) -> bool:
    """Whether the claim is exactly this text, or a number or boolean with this JSON text; an object or list never is."""
    found: object = claims
    for name in path:
        if not isinstance(found, Mapping) or name not in found:
            return False
        found = found[name]
    if isinstance(found, bool):
        return value == ("true" if found else "false")
    return isinstance(found, str | int) and str(found) == value
