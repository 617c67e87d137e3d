"""authorization_details (RFC 9396): permissions in JSON, parsed within bounds, narrowed, and flattened for display.

The operator defines the types and their schemas (``settings.details_types``).
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from service.protocol.display_names import spelled_out
from service.protocol.errors import InvalidAuthorizationDetails

NAME = "authorization_details"
MAX_BYTES = 4096
"""The most bytes of the parameter in UTF-8: a JWT with all of it is still short enough to be presented."""
MAX_DETAILS = 20
"""The most objects in the array."""
MAX_DEPTH = 8
"""The most levels of arrays and objects in one of its objects."""
_EXACT = 2**53 - 1
"""The greatest whole number that every JSON parser represents exactly (RFC 8259 section 6)."""
_NARROWABLE = ("locations", "actions", "datatypes", "privileges")
"""Common members that are lists of permissions, which fewer items narrow (RFC 9396 section 2.2)."""
_NOTHING = "–"
"""The text for a missing or empty value."""
_PLACE = re.compile(r"\{([^{}]+)\}")
_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

Detail = dict[str, Any]
"""One object of the array, as the client wrote it."""


Path = tuple[str, ...]
"""Names of members from the outermost inwards. They are not joined, as a client may call a member ``creditor.name``."""


class Fact(NamedTuple):
    """A value of a detail, for display."""

    path: Path
    """The path of the value, without positions in arrays."""
    value: str | bool


def parse(text: str) -> list[Detail]:
    """Parse the parameter. Raises InvalidAuthorizationDetails where it is no array of objects with a type, or too large."""
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise InvalidAuthorizationDetails("authorization_details is not UTF-8.") from error
    if size > MAX_BYTES:
        raise InvalidAuthorizationDetails(f"authorization_details has more than {MAX_BYTES} bytes.")
    try:
        read = json.loads(
            text, object_pairs_hook=_object, parse_constant=_no_number, parse_int=_whole, parse_float=_finite
        )
    except RecursionError as error:
        raise InvalidAuthorizationDetails(f"authorization_details is nested more than {MAX_DEPTH} deep.") from error
    except ValueError as error:
        raise InvalidAuthorizationDetails(
            "authorization_details is not JSON (RFC 8259).", log=str(error)[:200]
        ) from error
    return checked(read)


def checked(read: object) -> list[Detail]:
    """Check parsed JSON, and return it as details. Raises InvalidAuthorizationDetails as ``parse`` does."""
    if not isinstance(read, list) or not read:
        raise InvalidAuthorizationDetails("authorization_details must be a JSON array of objects (RFC 9396 section 2).")
    if len(read) > MAX_DETAILS:
        raise InvalidAuthorizationDetails(f"authorization_details has more than {MAX_DETAILS} objects.")
    for number, one in enumerate(read):
        if not isinstance(one, dict) or not isinstance(one.get("type"), str) or not one["type"]:
            raise InvalidAuthorizationDetails(f"authorization_details[{number}] is not an object with a type.")
        if _is_deeper(one, MAX_DEPTH):
            raise InvalidAuthorizationDetails(f"authorization_details is nested more than {MAX_DEPTH} deep.")
        for name in _NARROWABLE:
            listed = one.get(name, [])
            if not isinstance(listed, list) or not all(isinstance(item, str) for item in listed):
                text = f"{name} of authorization_details[{number}] must be an array of strings (RFC 9396 section 2.2)."
                raise InvalidAuthorizationDetails(text)
    try:
        if len(orjson.dumps(read)) > MAX_BYTES:  # 1e15 is written in full
            raise InvalidAuthorizationDetails(f"authorization_details has more than {MAX_BYTES} bytes.")
    except orjson.JSONEncodeError as error:  # an unpaired surrogate, which UTF-8 cannot encode
        raise InvalidAuthorizationDetails("authorization_details is not UTF-8.") from error
    return read


def is_within(requested: Sequence[Detail], held: Sequence[Detail]) -> bool:
    """Whether each requested detail equals a held one, or has fewer permissions (RFC 9396 section 6).

    Each held detail is used once: one payment is not two. Augmenting paths find this bipartite matching.
    """
    if len(requested) > len(held):
        return False
    fitting = [[place for place, other in enumerate(held) if _is_less(one, other)] for one in requested]
    taken: dict[int, int] = {}

    def finds_place(number: int, tried: set[int]) -> bool:
        for place in fitting[number]:
            if place in tried:
                continue
            tried.add(place)
            if place not in taken or finds_place(taken[place], tried):
                taken[place] = number
                return True
        return False

    return all(finds_place(number, set()) for number in range(len(requested)))


def concerning(details: Sequence[Detail], resources: Collection[str]) -> list[Detail]:
    """Return the details for these resource servers; a detail without locations is for all of them (RFC 9396 section 9.1)."""
    return [one for one in details if not one.get("locations") or any(_is_at(at, resources) for at in one["locations"])]


def facts_of(detail: Detail) -> list[Fact]:
    """Return every value of a detail except its type, in its order; a list of plain values is one fact."""
    return [fact for name, value in detail.items() if name != "type" for fact in _facts((name,), value)]


def filled(template: str, detail: Detail) -> str:
    """Fill in a template: ``{creditor.iban}`` becomes the value, all values where there are several, a dash for none."""
    by_path: dict[Path, list[str]] = {}
    for path, value in facts_of(detail):
        by_path.setdefault(path, []).append(str(value))
    return _PLACE.sub(lambda found: ", ".join(by_path.get(path_of(found[1]), [_NOTHING])), template)


def path_of(written: str) -> Path:
    """Return the path that an operator writes as ``creditorAccount.iban``: always a member within another one."""
    return tuple(written.split("."))


def named_in(template: str) -> frozenset[Path]:
    """Return the paths that a template names."""
    return frozenset(map(path_of, _PLACE.findall(template)))


def words_of(path: Path) -> str:
    """Return a path as words where the operator gives no better ones: ``Creditor account: iban``."""
    parts = [_CAPITAL.sub(" ", spelled_out(part)).replace("_", " ").replace("-", " ").lower() for part in path]
    text = ": ".join(parts)
    return text[:1].upper() + text[1:]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object. Raises ValueError for a repeated name, as JSON does not define which of the values counts."""
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a name is there twice in an object")
    return members


def _no_number(word: str) -> object:
    raise ValueError(f"{word} is no number of JSON")


def _whole(digits: str) -> int:
    number = int(digits) if len(digits) <= 17 else _EXACT + 1
    if abs(number) > _EXACT:
        raise ValueError("a number has more digits than every reader keeps")
    return number


def _finite(text: str) -> float:
    number = float(text)
    if number in (float("inf"), float("-inf")):
        raise ValueError("a number is too large")
    return number


def _is_deeper(value: object, levels: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inside = value.values() if isinstance(value, dict) else value
    return levels == 0 or any(_is_deeper(one, levels - 1) for one in inside)


def _is_less(requested: Mapping[str, Any], held: Mapping[str, Any]) -> bool:
    """Whether it differs only by fewer items in lists of permissions. A missing list may mean all, so it is not less."""
    if requested.keys() != held.keys():
        return False
    for name, value in requested.items():
        is_part = name in _NARROWABLE and value and set(value) <= set(held[name])
        if not is_part and _canonical(value) != _canonical(held[name]):
            return False
    return True


def _canonical(value: object) -> bytes:
    """Return the value as canonical JSON, in which true and 1 differ."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _is_at(location: str, resources: Collection[str]) -> bool:
    return any(location == one or location.startswith(one.rstrip("/") + "/") for one in resources)


def _facts(path: Path, value: object) -> Iterator[Fact]:
    if value in ({}, [], "", None):
        yield Fact(path, _NOTHING)
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from _facts((*path, name), one)
    elif isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
        for one in value:
            yield from _facts(path, one)
    elif isinstance(value, list):
        yield Fact(path, ", ".join(_shown(one) for one in value))
    else:
        yield Fact(path, value if isinstance(value, bool) else _shown(value))


def _shown(value: object) -> str:
    """Return a readable text: characters that are invisible or change the direction are spelled out."""
    return spelled_out(value) if isinstance(value, str) else json.dumps(value)
