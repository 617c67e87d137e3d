"""The base of all groups of settings, and the types and units of their fields."""

import json
import re
from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo

from service.protocol.addresses import check_web_url


class SettingsGroup(BaseModel):
    """Fields that belong together, the checks of each, and values that follow from them.

    The first line of a group's docstring is its heading in ``mintmark settings`` and docs/reference/settings.md; the docstring
    of a field is its description there (``descriptions.py``).
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        ignored_types=(cached_property,),
        defer_build=True,
    )


def heading_of(group: type[SettingsGroup]) -> str:
    """Return the heading of a group."""
    return (group.__doc__ or "").splitlines()[0].removesuffix(".")


class Unit(str):
    """The unit of a setting, as metadata of its type."""


def unit_of(field: FieldInfo) -> str:
    """Return the unit of a setting, or an empty string."""
    return next((str(one) for one in field.metadata if isinstance(one, Unit)), "")


def example_of(field: FieldInfo) -> str:
    """Return the example of a setting as JSON, or an empty string."""
    return json.dumps(field.examples[0], ensure_ascii=False) if field.examples else ""


_Value = TypeVar("_Value")


def checked_by(check: Callable[[_Value], object]) -> AfterValidator:
    """Return a validator for a type that calls ``check`` with the value, which raises ValueError for a faulty one."""

    def checked(value: _Value) -> _Value:
        check(value)
        return value

    return AfterValidator(checked)


NO_PLAIN_NAME = "names are letters, digits, dots, dashes and underscores, 64 at most"
_PLAIN_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


def are_plain_names(names: Iterable[str]) -> bool:
    """Whether all names (of callers, hooks and so on) can be used in logs, keys and URLs without escaping."""
    return all(map(_PLAIN_NAME.fullmatch, names))


LONGEST = 2_147_483_647
"""The longest lifetime in seconds, the largest number of 31 bits."""

Seconds = Annotated[int, Field(ge=0, le=LONGEST), Unit("seconds")]
Lifetime = Annotated[int, Field(ge=1, le=LONGEST), Unit("seconds")]
Grace = Annotated[int, Field(ge=0, le=300), Unit("seconds")]
WithinADay = Annotated[int, Field(ge=1, le=86400), Unit("seconds")]
Timeout = Annotated[float, Field(gt=0, le=60), Unit("seconds")]
Attempts = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
WebUrl = Annotated[str, checked_by(check_web_url)]
