"""What an operation is, and how it is performed."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from service.admin.input import Input
from service.issuer import Issuer


class Output(BaseModel):
    """Base of the models of output: every member is there, and no other."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class OperationResult(NamedTuple):
    """``body``: what the model of the output describes, as ``describe`` functions make it; ``etag``: of the one record that
    it is about, "" where there is none.
    """

    body: Mapping[str, Any]
    etag: str = ""


_Given = TypeVar("_Given", bound=Input)


@dataclass(frozen=True)
class Operation(Generic[_Given]):
    """``name``: the same for ever; ``text``: what it does, for people; ``do``: raises AdminError."""

    name: str
    text: str
    input: type[_Given]
    output: type[Output]
    do: Callable[[Issuer, _Given], Awaitable[OperationResult]]


async def perform(issuer: Issuer, operation: Operation[Any], data: Mapping[str, Any]) -> OperationResult:
    """Check what was given, and do it. Raises AdminError, TemporarilyUnavailable."""
    return await operation.do(issuer, operation.input.read(data))


# kinds of input

Name = Annotated[str, Field(min_length=1, max_length=255)]
Cursor = Annotated[
    str, Field(max_length=100, description="Where the page before ended; left out = from the beginning.")
]
Limit = Annotated[
    int, Field(ge=1, le=500, description="About how many; the work is bounded by ten times as many keys.")
]


class PageInput(Input):
    """Which part of a list."""

    cursor: Cursor = ""
    limit: Limit = 100


class Nothing(Input):
    """Nothing has to be said."""


# kinds of output

Seconds = Annotated[int, Field(description="Epoch seconds; 0 = never, or not known.")]
NextCursor = Annotated[
    str, Field(description="Where the next page begins, empty at the end; a page may be empty though more follow.")
]
