"""What an operation is, and how it is performed."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from service.admin.actor import Actor, acting
from service.admin.input import Input
from service.admin.paging import Listing
from service.issuer import Issuer


class Output(BaseModel):
    """Base of the models of output: every member is there, and no other."""

    model_config = ConfigDict(extra="forbid", frozen=True)


_Row = TypeVar("_Row")


class OperationResult(NamedTuple):
    """What came of an operation."""

    body: Mapping[str, Any]
    """What the model of the output describes, as ``describe`` functions make it."""
    etag: str = ""
    """Of the one record that it is about, "" where there is none."""

    @staticmethod
    def of_list(member: str, part: Listing[_Row], describe: Callable[[_Row], Mapping[str, Any]]) -> "OperationResult":
        """Return a part of a list, each row described."""
        return OperationResult({member: [describe(row) for row in part.rows], "cursor": part.cursor})


_Given = TypeVar("_Given", bound=Input)


@dataclass(frozen=True)
class Operation(Generic[_Given]):
    """An act or a look of operators: the same at the command line, in the admin API and at the console."""

    name: str
    """Group and act, ``client.create``; it never changes."""
    text: str
    """What it does, in a sentence."""
    input: type[_Given]
    output: type[Output]
    do: Callable[[Issuer, _Given], Awaitable[OperationResult]]
    """Does it. Raises AdminError, TemporarilyUnavailable."""
    is_destructive: bool = False
    """Whether something ends by it, or is refused from then on."""
    columns: tuple[str, ...] = ()
    """Of a list: the members that a table shows, the name of a row first."""


async def perform(issuer: Issuer, operation: Operation[Any], data: Mapping[str, Any], actor: Actor) -> OperationResult:
    """Check the input and do the operation, in the actor's name. Raises AdminError, TemporarilyUnavailable."""
    with acting(actor):
        return await operation.do(issuer, operation.input.read(data))


# kinds of input

Name = Annotated[str, Field(min_length=1, max_length=255)]
Cursor = Annotated[
    str, Field(max_length=100, description="Where the page before ended; left out = from the beginning.")
]
Limit = Annotated[
    int, Field(ge=1, le=500, description="About how many; the work is bounded by ten times as many keys.")
]


Word = Annotated[str, Field(max_length=300)]
Since = Annotated[
    int, Field(ge=0, le=253_402_300_800, description="Only what is not older than this: epoch seconds; 0 = anything.")
]


class PageInput(Input):
    """Which part of a list."""

    cursor: Cursor = ""
    limit: Limit = 100


class NoInput(Input):
    """Nothing has to be given."""


# kinds of output

Seconds = Annotated[int, Field(description="Epoch seconds; 0 = never, or not known.")]
NextCursor = Annotated[
    str, Field(description="Where the next page begins, empty at the end; a page may be empty though more follow.")
]
