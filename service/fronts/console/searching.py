"""Lists of what Redis has no index for: a bounded part of the keys is scanned for each page."""

from collections.abc import Callable, Mapping
from typing import Any

from service.admin.operations import AnyOperation
from service.fronts.console.pages import ConsoleRequest

SHOWN = 50
"""Rows of a page."""
_CALLS = 10
"""How often an operation is asked for more until there are enough rows."""
SCANNED = 500
"""How many things a call asks for: it scans some ten times as many keys."""

Row = Mapping[str, Any]


async def scan(
    request: ConsoleRequest,
    operation: AnyOperation,
    member: str,
    matches: Callable[[Row], bool] = lambda _: True,
    **given: object,
) -> tuple[list[Row], str]:
    """Look for rows of a list.

    Args:
        request: Whose ``cursor`` says where to go on.
        operation: Lists them.
        member: Of its output, where the rows are.
        matches: Whether a row is wanted.
        given: The operation's input besides the cursor.

    Returns:
        The rows, and the cursor of what follows, empty at the end.
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
    """Look for those whose name holds the words that are sought, the one of exactly this name in front.

    Args:
        request: Whose ``q`` is sought.
        lists: Lists all.
        shows: Shows one by its name.
        member: Of the list's output, where the rows are.
        key: The member that names a row.
        other: Another member that is searched.
        given: More of the list's input.

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
        "done": request.get("done"),
        "about": request.get("about"),
    }
