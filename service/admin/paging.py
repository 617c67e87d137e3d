"""Pages of lists: each names the cursor of the next one, empty at the end."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Generic, NamedTuple, Protocol, TypeVar

import msgspec
from pydantic import Field

from service.admin.errors import InvalidInput
from service.protocol.whole_numbers import whole_number

Cursor = Annotated[
    str, Field(max_length=100, description="Where the page before ended; left out = from the beginning.")
]
Limit = Annotated[
    int, Field(ge=1, le=500, description="About how many; the work is bounded by ten times as many keys.")
]
_DIGITS = 15


@contextmanager
def cursor_checked(cursor: str) -> Iterator[None]:
    """Turn the store's error for an invalid cursor into InvalidInput; a record that does not decode stays an error."""
    try:
        yield
    except msgspec.MsgspecError:
        raise
    except ValueError as error:
        raise _no_cursor(cursor) from error


def _no_cursor(cursor: str) -> InvalidInput:
    return InvalidInput(f"{cursor!r} is not a cursor: give the one that the page before ended with")


def offset(cursor: str) -> int:
    """Return the number in a cursor that counts. Raises InvalidInput."""
    number = whole_number(cursor or "0", _DIGITS)
    if number is None:
        raise _no_cursor(cursor)
    return number


def check_place(cursor: str) -> None:
    """Check a cursor that is a place in a stream, ``milliseconds-number``, or empty. Raises InvalidInput."""
    milliseconds, _, number = cursor.partition("-")
    offset(milliseconds)
    offset(number)
    if cursor and not (milliseconds and number):
        raise _no_cursor(cursor)


_Row = TypeVar("_Row")


class Listing(NamedTuple, Generic[_Row]):
    """A part of a list. It may be empty though more follow."""

    rows: list[_Row]
    cursor: str
    """Where the next part begins, empty at the end."""


class _Placed(Protocol):
    """An entry in a stream of Redis."""

    @property
    def place(self) -> str:
        """Return its id in the stream; later entries have higher ids."""


_Found = TypeVar("_Found", bound=_Placed)


async def newest_first(
    before: Callable[[str, int, int], Awaitable[Sequence[_Found]]],
    since: int,
    matches: Callable[[_Found], bool],
    cursor: str,
    limit: int,
) -> Listing[_Found]:
    """Return the entries of a stream that match, newest first, and the cursor of the next page, empty at the end.

    Args:
        before: Reads entries before a place, not older than a time in epoch milliseconds, up to a number.
        since: The earliest time in epoch seconds, 0 = without a bound.
        matches: Whether an entry is wanted.
        cursor: Where the page begins, empty for the newest.
        limit: The most entries to return; ten times as many are read.

    Raises:
        InvalidInput: The cursor is invalid.
    """
    check_place(cursor)
    if cursor and not any(map(int, cursor.split("-"))):  # for Redis it is an error to read before the first place
        return Listing([], "")
    page, found = await before(cursor, since * 1000, limit * 10), list[_Found]()
    for placed in page:
        if matches(placed):
            found.append(placed)
        if len(found) == limit:
            return Listing(found, placed.place)
    return Listing(found, page[-1].place if len(page) == limit * 10 else "")
