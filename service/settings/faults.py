"""Texts for all faults that pydantic finds, with the names that operators write instead of those of our types."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ModelWrapValidatorHandler, ValidationError
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

_MUST = "must be "
_PLAIN = {
    "missing": "is missing",
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "must be a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "must be a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "must be true or false"),
    "string_type": "must be a text",
    "string_unicode": "must be a text in UTF-8",
    **dict.fromkeys(("dict_type", "mapping_type", "model_type"), "must be a table (in JSON an object)"),
    **dict.fromkeys(("list_type", "tuple_type"), "must be a list"),
}
"""Texts by type of fault, in the place of those of pydantic, which speak of Python."""
_SHOULD = re.compile(r"(?:Input|Value|String|Tuple|List|Dictionary) should ")
_Model = TypeVar("_Model", bound=BaseModel)


class Unreadable:
    """A fault in the place of a value that could not be read, to be reported as the fault of the value. No field takes it."""

    def __init__(self, fault: str) -> None:
        self._fault = fault

    def __str__(self) -> str:
        return self._fault


def place(location: tuple[int | str, ...], written: object) -> tuple[int | str, ...]:
    """Return the place of a fault in the written value.

    pydantic adds names of its own (``workers.literal['auto']``, ``admin_tokens.ci.[key]``). Parts that are neither a member
    nor an item of the written value are left out, except a missing member.

    Args:
        location: The ``loc`` of pydantic.
        written: The value that was validated.

    Returns:
        The place, such as ``("hooks", "crm", "url")``; () for the whole value.
    """
    kept: list[int | str] = []
    value: Any = written
    for number, part in enumerate(location):
        is_item = isinstance(value, list | tuple) and isinstance(part, int) and part < len(value)
        if is_item or (isinstance(value, Mapping) and part in value):
            kept.append(part)
            value = value[part]
        elif number == 0 or (isinstance(value, Mapping) and number == len(location) - 1 and part != "[key]"):
            kept.append(part)
    return tuple(kept)


def plain(kind: str, text: str) -> str:
    """Return a text for operators in the place of pydantic's own; others stay as they are.

    Args:
        kind: The ``type`` of the fault.
        text: Its ``msg``.
    """
    if kind in _PLAIN:
        return _PLAIN[kind]
    text = text.removeprefix("Value error, ").partition(" after validation, not")[0]
    found = _SHOULD.match(text)
    if not found:
        return text
    said = (
        text[found.end() :].replace("greater than or equal to", "at least").replace("less than or equal to", "at most")
    )
    return f"must {said}"


def did_you_mean(word: str, known: Iterable[str], prefix: str = "") -> str:
    """Return ``; did you mean port?`` for a word that is nearly one of the known ones, otherwise ""."""
    from difflib import get_close_matches  # imported here, as a server does not need it

    return "".join(f"; did you mean {prefix}{near}?" for near in get_close_matches(word, list(known), n=1))


def lines(error: ValidationError, unknown: str, written: object = None, known: Iterable[str] = ()) -> list[str]:
    """Return a line for each place: ``port: must be …``.

    Values are not quoted, as they may be secrets. For a union pydantic lists a fault for each type, and this makes one line.

    Args:
        error: The faults.
        unknown: The text for a member that does not exist.
        written: The value that was validated, see ``place``; None: pydantic's own places are used.
        known: The names of the members, one of which an operator may have mistyped.
    """
    found: dict[str, list[str]] = {}
    for fault in error.errors(include_url=False, include_input=False):
        if fault["type"] == "default_factory_not_called":  # follows from the fault of another member
            continue
        location = fault["loc"] if written is None else place(fault["loc"], written)
        text = plain(fault["type"], fault["msg"])
        if fault["type"] == "extra_forbidden":
            text = unknown + (did_you_mean(str(location[0]), known) if len(location) == 1 else "")
        found.setdefault(".".join(map(str, location)), []).extend(text.splitlines())
    return [line for where, texts in found.items() for line in _lines(where, list(dict.fromkeys(texts)))]


def _lines(where: str, texts: list[str]) -> list[str]:
    if not where:
        return texts
    if len(texts) > 1 and all(text.startswith(_MUST) for text in texts):
        texts = [_MUST + ", or ".join(text.removeprefix(_MUST) for text in texts)]
    return [f"{where}: {'; '.join(texts)}"]


def refuse(faults: Iterable[str]) -> None:
    """Raise ValueError with all faults, one a line, if there are any."""
    if text := "\n".join(faults):
        raise ValueError(text)


def check_each(items: Iterable[str], check: Callable[[str], object]) -> None:
    """Check all items, not only up to the first faulty one. Raises ValueError."""
    faults = []
    for item in items:
        try:
            check(item)
        except ValueError as error:
            faults.append(str(error))
    refuse(faults)


def whole(
    written: object,
    validate: ModelWrapValidatorHandler[_Model],
    disagreements: Iterable[Callable[[_Model], Iterable[str]]],
) -> _Model:
    """Return the model, for a wrap validator.

    pydantic checks the whole model only where each member is valid. This runs all checks, except those that read a faulty
    member, so that all faults are reported at once.

    Args:
        written: The value to validate.
        validate: The inner validator.
        disagreements: Checks of the whole model; each returns a line for each fault.

    Raises:
        ValidationError: There are faults; it has all of them.
    """
    faults: list[InitErrorDetails] = []
    model: _Model | None = None
    try:
        model = validate(written)
    except ValidationError as error:
        found = _without_echoes(error.errors(include_url=False))
        faults += [_fault(*_kind_and_text(one), place(one["loc"], written)) for one in found]
        model = _partial(written, {one["loc"][0] for one in found if one["loc"]}, validate)
    if model is not None:
        faults += _disagreements(model, disagreements, partial=bool(faults))
    if faults or model is None:
        raise ValidationError.from_exception_data("faults", faults)
    return model


def _disagreements(
    model: _Model, checks: Iterable[Callable[[_Model], Iterable[str]]], *, partial: bool
) -> Iterator[InitErrorDetails]:
    for check in checks:
        try:
            yield from [_fault("disagreement", text, ()) for text in check(model)]
        except AttributeError:  # it read a faulty member
            if not partial:
                raise


def _without_echoes(found: list[Any]) -> list[Any]:
    """Leave out "too few items" where items are faulty, as pydantic counts only the valid ones."""
    return [
        one
        for one in found
        if one["type"] != "too_short"
        or not any(other["loc"][: len(one["loc"])] == one["loc"] for other in found if other is not one)
    ]


def _kind_and_text(fault: ErrorDetails) -> tuple[str, str]:
    """Return the type and the text of a fault."""
    if isinstance(fault["input"], Unreadable):
        return "unreadable", str(fault["input"])
    return fault["type"], plain(fault["type"], fault["msg"])


def _fault(type_: str, text: str, location: tuple[int | str, ...]) -> InitErrorDetails:
    return InitErrorDetails(type=PydanticCustomError(type_, text), loc=location, input=None)


def _partial(written: object, bad: set[int | str], validate: ModelWrapValidatorHandler[_Model]) -> _Model | None:
    """Return the model without its faulty members, not even with defaults; None where one of them is required."""
    if not isinstance(written, Mapping):
        return None
    try:
        model = validate({name: value for name, value in written.items() if name not in bad})
    except ValidationError:
        return None
    for name in bad:
        model.__dict__.pop(str(name), None)
    return model
