"""What an operation is, and how it is performed."""

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, Generic, NamedTuple, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, create_model

from service.admin.actor import Actor, acting
from service.admin.etags import etag
from service.admin.input import Input
from service.admin.paging import Listing
from service.issuer import Issuer
from service.records.json import Record

_Result = TypeVar("_Result")


class OperationResult(NamedTuple):
    """What came of an operation."""

    body: Mapping[str, Any]
    """What the model of the output describes."""
    etag: str = ""
    """Of the one record that it is about, "" where there is none."""


class Output(BaseModel, Generic[_Result]):
    """Base of the models of output: every member is there, and no other."""

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    @classmethod
    def of(cls, result: _Result) -> OperationResult:
        """Return what an act returned as output: a mapping as it is, of anything else the attributes of that name."""
        if isinstance(result, Mapping):
            return OperationResult(result)
        return OperationResult({name: getattr(result, name) for name in cls.model_fields})


def with_etag(model: type[Output[Any]], record: Record) -> OperationResult:
    """Return a record as output of a model that has ``etag`` beside its members."""
    tag = etag(record)
    return OperationResult(
        {name: getattr(record, name) for name in model.model_fields if name != "etag"} | {"etag": tag}, tag
    )


def page_of(member: str, row: type[Output[_Result]], text: str = "") -> type[Output[Listing[_Result]]]:
    """Return the model of a page of a list.

    Args:
        member: Where its rows are.
        row: The model of one of them.
        text: What is to be said of it, of their order for one.
    """
    members: dict[str, Any] = {member: (tuple[row, ...], ...), "cursor": (NextCursor, ...)}  # type: ignore[valid-type]
    return create_model(f"{row.__name__}List", __base__=_Page, __doc__=text, **members)


def list_of(member: str, row: type[Output[_Result]], text: str = "") -> type[Output[Sequence[_Result]]]:
    """Return the model of a list that is shown whole; the arguments are those of ``page_of``."""
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
    """An act or a look of operators: the same at the command line, in the admin API and at the console."""

    name: str
    """Group and act, ``client.create``; it never changes."""
    text: str
    """What it does, in a sentence."""
    act: Callable[..., Awaitable[_Result]]
    """Does it, for an issuer. Raises AdminError, TemporarilyUnavailable."""
    output: type[Output[_Result]]
    takes: type[Input] | None = None
    """The model of the act's one argument, where its signature does not say so."""
    is_destructive: bool = False
    """Whether something ends by it, or is refused from then on."""
    columns: tuple[str, ...] = ()
    """Of a list: the members that a table shows, the name of a row first."""

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

    def arguments(self, given: Input) -> dict[str, Any]:
        """Return what the act is called with besides the issuer."""
        whole = self._whole
        return {one.name: given if one is whole else getattr(given, one.name) for one in self._parameters}

    @cached_property
    def _parameters(self) -> list[inspect.Parameter]:
        """The act's parameters but for the issuer, which is its first."""
        parameters = inspect.signature(self.act).parameters.values()
        return [one for one in parameters if one.kind is one.POSITIONAL_OR_KEYWORD][1:]

    @cached_property
    def _whole(self) -> inspect.Parameter | None:
        """The parameter that takes a model, if there is one."""
        if self.takes is not None:
            return self._parameters[0]
        return next(
            (one for one in self._parameters if isinstance(one.annotation, type) and issubclass(one.annotation, Input)),
            None,
        )


AnyOperation = Operation[Any]


Do = Callable[[AnyOperation, Mapping[str, Any]], Awaitable[dict[str, Any]]]
"""Performs an operation with its input, and has its output as JSON has it: here, or by the admin API of a running service."""


async def perform(issuer: Issuer, operation: AnyOperation, data: Mapping[str, Any], actor: Actor) -> OperationResult:
    """Check the input and do the operation, in the actor's name. Raises AdminError, TemporarilyUnavailable."""
    given = operation.input.read(data)
    with acting(actor):
        return operation.output.of(await operation.act(issuer, **operation.arguments(given)))


# kinds of output

Seconds = Annotated[int, Field(description="Epoch seconds; 0 = never, or not known.")]
ShownETag = Annotated[str, Field(description="Another one after every change; If-Match takes it.")]
NextCursor = Annotated[
    str, Field(description="Where the next page begins, empty at the end; a page may be empty though more follow.")
]
