"""Lists of records that have no index in Redis: each page scans a bounded part of the keys."""

from collections.abc import Callable, Mapping
from typing import Any

from service.admin.operations import AnyOperation
from service.fronts.console.pages import ConsoleRequest

SHOWN = 50
"""The number of rows of a page, about."""
_CALLS = 10
"""The most calls of an operation for one page."""
SCANNED = 500
"""The limit of one call, which scans about ten times as many keys."""

Row = Mapping[str, Any]


async def scan(
    request: ConsoleRequest,
    operation: AnyOperation,
    member: str,
    matches: Callable[[Row], bool] = lambda _: True,
    **given: object,
) -> tuple[list[Row], str]:
    """Scan for rows of a list.

    Args:
        request: The request, with the ``cursor`` at which to continue.
        operation: Lists the rows.
        member: The member of its output with the rows.
        matches: Whether a row is included.
        given: The operation's input besides the cursor.

    Returns:
        The rows, and the cursor of the next page, "" at the end.
    """
    found, cursor = list[Row](), request.get("cursor")
    for _ in range(_CALLS):
        page = await request.do(operation, cursor=cursor, **given)
        found += filter(matches, page[member])
        cursor = page["cursor"]
        if not cursor or len(found) >= SHOWN:
            break
    return found, cursor


async def search(
    request: ConsoleRequest,
    lists: AnyOperation,
    shows: AnyOperation,
    member: str,
    key: str,
    other: str,
    **given: object,
) -> dict[str, Any]:
    """Search for rows whose name contains the text, with an exact match first.

    Args:
        request: The request, with the text in ``q``.
        lists: Lists all rows.
        shows: Shows one row by its name.
        member: The member of the list's output with the rows.
        key: The member with the name of a row.
        other: Another member that is searched.
        given: Further input of the list.

    Returns:
        The values of a page with a list.
    """
    wanted, first = request.get("q"), not request.get("cursor")
    words = wanted.lower()
    exact = await request.find(shows, **{key: wanted}) if wanted and first else None

    def matches(row: Row) -> bool:
        return words in row[key].lower() or words in row[other].lower()

    found, cursor = await scan(request, lists, member, matches, limit=SCANNED, **given)
    rest = sorted((row for row in found if exact is None or row[key] != exact[key]), key=lambda row: row[key])
    return {
        "here": member,
        member: [exact, *rest] if exact else rest,
        "wanted": wanted,
        "cursor": cursor,
        "first": first,
        "done": request.outcome.get("done", ""),
        "about": request.outcome.get("about", ""),
    }
