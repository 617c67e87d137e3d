"""Texts for all faults that pydantic finds, with the names that operators write instead of those of our types."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ModelWrapValidatorHandler, ValidationError
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

_SHOULD = "Input should be "
_Model = TypeVar("_Model", bound=BaseModel)


class Unreadable(str):
    """A fault in the place of a value that could not be read, to be reported as the fault of the value."""


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


def lines(error: ValidationError, unknown: str, written: object = None) -> list[str]:
    """Return a line for each place: ``port: Input should be …``.

    Values are not quoted, as they may be secrets. For a union pydantic lists a fault for each type, and this makes one line.

    Args:
        error: The faults.
        unknown: The text for a member that does not exist.
        written: The value that was validated, see ``place``; None: pydantic's own places are used.
    """
    found: dict[str, list[str]] = {}
    for fault in error.errors(include_url=False, include_input=False):
        if fault["type"] == "default_factory_not_called":  # follows from the fault of another member
            continue
        location = fault["loc"] if written is None else place(fault["loc"], written)
        text = unknown if fault["type"] == "extra_forbidden" else str(fault["msg"]).removeprefix("Value error, ")
        found.setdefault(".".join(map(str, location)), []).extend(text.splitlines())
    return [line for where, texts in found.items() for line in _lines(where, list(dict.fromkeys(texts)))]


def _lines(where: str, texts: list[str]) -> list[str]:
    if not where:
        return texts
    if len(texts) > 1 and all(text.startswith(_SHOULD) for text in texts):
        texts = [_SHOULD + ", or ".join(text.removeprefix(_SHOULD) for text in texts)]
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
        faults += [_fault(one["type"], _text(one), place(one["loc"], written)) for one in found]
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


_PYTHON = {"dict_type": "Input should be a table", "tuple_type": "Input should be a list"}
"""Texts with the terms of configuration files, where pydantic names types of Python."""


def _text(fault: ErrorDetails) -> str:
    if isinstance(fault["input"], Unreadable):
        return str(fault["input"])
    text = _PYTHON.get(fault["type"], str(fault["msg"]))
    return text.replace("Tuple should have", "Input should have").partition(" after validation, not")[0]


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
