"""Lists come in pages: each names the cursor of the next, empty at the end."""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from service.admin.errors import Refused

_DIGITS = 15


@contextmanager
def cursor_checked(cursor: str) -> Iterator[None]:
    """What the store says of a cursor that is none becomes Refused; a record that does not decode stays an error."""
    try:
        yield
    except msgspec.MsgspecError:
        raise
    except ValueError as error:
        raise Refused(f"{cursor!r} is not a cursor: give the one that the page before ended with") from error


def offset(cursor: str) -> int:
    """A cursor that counts. Raises Refused."""
    if cursor and not (cursor.isascii() and cursor.isdigit() and len(cursor) <= _DIGITS):
        raise Refused(f"{cursor!r} is not a cursor: give the one that the page before ended with")
    return int(cursor or 0)


def check_place(cursor: str) -> None:
    """A cursor that is a place in a stream, ``milliseconds-number``, or empty. Raises Refused."""
    milliseconds, _, number = cursor.partition("-")
    offset(milliseconds)
    offset(number)
    if cursor and not (milliseconds and number):
        raise Refused(f"{cursor!r} is not a cursor: give the one that the page before ended with")
