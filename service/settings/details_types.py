"""Types of authorization details (RFC 9396 section 2.1): the schema of each, and its text at consent."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from service.protocol.authorization_details import Path, named_in, path_of
from service.settings.group import checked_by

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

MAX_TYPE = 255
"""The most characters of the name of a type."""


def _validator(schema: Mapping[str, Any]) -> "Draft202012Validator":
    """Return a validator that fetches nothing. It is imported here, so that only settings with types load the library."""
    from jsonschema import Draft202012Validator
    from referencing import Registry

    return Draft202012Validator(schema, registry=Registry(), format_checker=Draft202012Validator.FORMAT_CHECKER)


def _check_schema(schema: dict[str, Any]) -> None:
    from jsonschema.exceptions import SchemaError

    if elsewhere := [one for one in _references(schema) if not one.startswith("#")]:
        raise ValueError(f"may refer to parts of itself only, not to {elsewhere[0][:100]}")
    validator = _validator(schema)
    try:
        validator.check_schema(schema)
    except SchemaError as error:
        raise ValueError(f"is no JSON Schema (draft 2020-12): {error.message[:200]}") from error
    _check_references(schema)


def _check_references(schema: dict[str, Any]) -> None:
    """Check that each reference leads to a schema, and none back to itself for the same value. Raises ValueError."""
    from referencing import Registry
    from referencing.jsonschema import DRAFT202012

    root = DRAFT202012.create_resource(schema)
    waiting = [(root, Registry().resolver_with_root(root))]
    same_value: TopologicalSorter[int] = TopologicalSorter()
    seen = set[int]()
    while waiting:
        resource, resolver = waiting.pop()
        here = resource.contents
        if not isinstance(here, dict) or id(here) in seen:
            continue
        seen.add(id(here))
        same_value.add(id(here), *map(id, _at_the_same_value(here)))
        waiting += [(part, resolver.in_subresource(part)) for part in resource.subresources()]
        for reference in _references_of(here):
            try:
                target = resolver.lookup(reference)
                _validator(schema).check_schema(target.contents)
            except Exception as error:  # it leads nowhere, or not to a schema
                raise ValueError(f"refers to {reference[:100]}, which is no schema in it") from error
            same_value.add(id(here), id(target.contents))
            waiting.append((DRAFT202012.create_resource(target.contents), target.resolver))
    try:
        same_value.prepare()
    except CycleError as error:
        raise ValueError("refers to itself without end") from error


def _at_the_same_value(schema: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the subschemas for the same value, not for a part of it (JSON Schema Core 10.2)."""
    inside = [schema[name] for name in ("not", "if", "then", "else") if name in schema]
    inside += [one for name in ("allOf", "anyOf", "oneOf") for one in schema.get(name, ())]
    inside += schema.get("dependentSchemas", {}).values()
    yield from (one for one in inside if isinstance(one, dict))


def _references(schema: object) -> Iterator[str]:
    inside = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    for one in inside:
        yield from _references(one)
    if isinstance(schema, dict):
        yield from _references_of(schema)


def _references_of(schema: Mapping[str, Any]) -> Iterator[str]:
    yield from (one for name in ("$ref", "$dynamicRef") if isinstance(one := schema.get(name), str))


class DetailsType(BaseModel):
    """One type of authorization details."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    title: Annotated[str, Field(max_length=500)] = ""
    """Text at consent: `Pay {amount} to {creditor.name}`. Each name in braces is replaced by a value of the details."""
    labels: dict[str, Annotated[str, Field(max_length=100)]] = Field(default_factory=dict)
    """Labels at consent of values that the title does not contain, by the path of the value (`creditor.iban`). Other values are
    shown under their names; one with an empty label is not shown."""
    json_schema: Annotated[dict[str, Any], checked_by(_check_schema)] = Field(default_factory=dict)
    """JSON Schema (draft 2020-12) that each of the details must fit."""
    hook: str = ""
    """Name of a hook with the event `authorization_details`, which allows the details and may say what they mean."""

    @cached_property
    def validator(self) -> "Draft202012Validator":
        """The validator for details of this type."""
        return _validator(self.json_schema)

    @cached_property
    def said_by_title(self) -> frozenset[Path]:
        """The paths of the values in the title."""
        return named_in(self.title)

    @cached_property
    def label_at(self) -> dict[Path, str]:
        """The labels by the paths of their values."""
        return {path_of(written): label for written, label in self.labels.items()}


def _check_type(name: str) -> str:
    if not name or len(name) > MAX_TYPE or not name.isprintable():
        raise ValueError(f"a type is 1 to {MAX_TYPE} printable characters")
    return name


DetailsTypes = dict[Annotated[str, AfterValidator(_check_type)], DetailsType]
