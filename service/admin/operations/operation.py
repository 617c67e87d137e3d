"""The definition of an operation, and how it is performed."""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Generic, NamedTuple, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, create_model

from service.admin.actor import Actor, acting
from service.admin.errors import FaultyInput, InvalidInput
from service.admin.etags import etag
from service.admin.input import Input, MatchNeeded
from service.admin.paging import Listing
from service.issuer import Issuer
from service.records.json import Record

_Result = TypeVar("_Result")


class OperationResult(NamedTuple):
    """The result of an operation."""

    body: Mapping[str, Any]
    """The output, as its model describes it."""
    etag: str = ""
    """The entity tag of the one record that it is about, "" where there is none."""


class Output(BaseModel, Generic[_Result]):
    """The base of the models of output: every member is present, and no other."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    @classmethod
    def of(cls, result: _Result) -> OperationResult:
        """Return the result of an act as output: a mapping as it is, of any other object the attributes of the members."""
        if isinstance(result, Mapping):
            return OperationResult(result)
        return OperationResult({name: getattr(result, name) for name in cls.model_fields})

    @classmethod
    async def seen_by(cls, issuer: Issuer, result: _Result) -> OperationResult:  # noqa: ARG003 (of models with hints)
        """Return the result as ``of`` does; where that takes what the issuer knows besides, with it."""
        return cls.of(result)


def with_etag(model: type[Output[Any]], record: Record) -> OperationResult:
    """Return a record as output of a model that has its members and ``etag``, and perhaps ``hints``."""
    tag = etag(record)
    names = (name for name in model.model_fields if name not in ("etag", "hints"))
    return OperationResult({name: getattr(record, name) for name in names} | {"etag": tag}, tag)


def with_hints(shown: OperationResult, hints: Sequence[str]) -> OperationResult:
    """Return the output with these hints, and without the member where there are none."""
    return shown._replace(body={**shown.body, "hints": hints}) if hints else shown


def page_of(member: str, row: type[Output[_Result]], text: str = "") -> type[Output[Listing[_Result]]]:
    """Return the model of a page of a list.

    Args:
        member: The member with the rows.
        row: The model of a row.
        text: The description of the page, such as the order of its rows.
    """
    members: dict[str, Any] = {member: (tuple[row, ...], ...), "cursor": (NextCursor, ...)}  # type: ignore[valid-type]
    return create_model(f"{row.__name__}List", __base__=_Page, __doc__=text, **members)


def list_of(member: str, row: type[Output[_Result]], text: str = "") -> type[Output[Sequence[_Result]]]:
    """Return the model of a list without pages; the arguments are those of ``page_of``."""
    members: dict[str, Any] = {member: (tuple[row, ...], ...)}  # type: ignore[valid-type]
    return create_model(f"{row.__name__}List", __base__=_List, __doc__=text, **members)


class _List(Output[Sequence[Any]]):
    @classmethod
    def of(cls, result: Sequence[Any]) -> OperationResult:
        return OperationResult(_rows(cls, result))


class _Page(Output[Listing[Any]]):
    @classmethod
    def of(cls, result: Listing[Any]) -> OperationResult:
        return OperationResult(_rows(cls, result.rows) | {"cursor": result.cursor})


def _rows(model: type[Output[Any]], rows: Sequence[Any]) -> dict[str, Any]:
    member, field = next(iter(model.model_fields.items()))
    row: type[Output[Any]] = get_args(field.annotation)[0]
    return {member: [row.of(one).body for one in rows]}


@dataclass(frozen=True)
class Operation(Generic[_Result]):
    """An operation of operators: the same at the command line, in the admin API and at the console."""

    name: str
    """Group and act, as in ``client.create``; it never changes."""
    text: str
    """Its effect, in a sentence."""
    act: Callable[..., Awaitable[_Result]]
    """The function that does it, for an issuer. Raises AdminError, TemporarilyUnavailable."""
    output: type[Output[_Result]]
    takes: type[Input] | None = None
    """The model of the act's one argument, where its signature does not say so."""
    is_destructive: bool = False
    """Whether it ends something, or makes it refused from then on."""
    columns: tuple[str, ...] = ()
    """The members of a list that a table shows, the name of a row first."""

    @cached_property
    def input(self) -> type[Input]:
        """The model of the input, made of the act's signature.

        The members of an argument that is an ``Input`` are members of it. Keyword-only arguments are not for operators.
        """
        if self.takes is not None:
            return self.takes
        whole = self._whole
        members: dict[str, Any] = {
            one.name: (one.annotation, ... if one.default is one.empty else one.default)
            for one in self._parameters
            if one is not whole
        }
        base = whole.annotation if whole else Input
        name = "".join(word.title() for word in self.name.replace(".", "_").split("_")) + "Input"
        return create_model(name, __base__=base, __doc__=self.text, **members) if members or not whole else base

    @property
    def needs_match(self) -> bool:
        """Whether the input must name the version of the record that it is about."""
        metadata = (one for field in self.input.model_fields.values() for one in field.metadata)
        return any(isinstance(one, MatchNeeded) for one in metadata)

    def read(self, data: Mapping[str, Any]) -> Input:
        """Return the checked input. Raises FaultyInput with every fault."""
        try:
            return self.input.read(data)
        except InvalidInput as error:
            raise FaultyInput(str(error)) from error

    def arguments(self, given: Input) -> dict[str, Any]:
        """Return the arguments of the act in addition to the issuer."""
        whole = self._whole
        return {one.name: given if one is whole else getattr(given, one.name) for one in self._parameters}

    @cached_property
    def _parameters(self) -> list[inspect.Parameter]:
        """Return the act's parameters without the issuer, which is the first."""
        parameters = inspect.signature(self.act).parameters.values()
        return [one for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD][1:]

    @cached_property
    def _whole(self) -> inspect.Parameter | None:
        """Return the parameter that takes a model, if there is one."""
        if self.takes is not None:
            return self._parameters[0]
        return next(
            (one for one in self._parameters if isinstance(one.annotation, type) and issubclass(one.annotation, Input)),
            None,
        )


AnyOperation = Operation[Any]


Do = Callable[[AnyOperation, Mapping[str, Any]], Awaitable[dict[str, Any]]]
"""Performs an operation with its input and returns its output in JSON: here, or by the admin API of a running service."""


async def perform(issuer: Issuer, operation: AnyOperation, data: Mapping[str, Any], actor: Actor) -> OperationResult:
    """Check the input and perform the operation in the name of the actor. Raises AdminError, TemporarilyUnavailable."""
    given = operation.read(data)
    with acting(actor):
        return await operation.output.seen_by(issuer, await operation.act(issuer, **operation.arguments(given)))


# kinds of output

Seconds = Annotated[int, Field(description="Epoch seconds; 0 = never, or not known.")]
Hints = Annotated[
    tuple[str, ...], Field(description="What is likely to be missing yet; left out where nothing is, and in lists.")
]
ShownETag = Annotated[str, Field(description="Another one after every change; If-Match takes it.")]
NextCursor = Annotated[
    str, Field(description="Where the next page begins, empty at the end; a page may be empty though more follow.")
]
