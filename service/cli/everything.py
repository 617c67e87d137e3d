"""``mintmark end-everything``, for use after a backup was restored."""

from collections import Counter
from typing import Annotated, Any

import typer

from service.admin.operations import Do
from service.admin.operations import everything as operations
from service.cli.acting import act
from service.cli.json_output import Json, emit
from service.cli.output import facts, say
from service.cli.prompts import Yes, confirm


def end_everything(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would end.", metavar="")] = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """End every grant, token, browser session, interaction and operator's session: after a backup was restored.

    Example: `mintmark end-everything --dry-run`

    Example: `mintmark end-everything --yes`

    A backup brings back grants and tokens that have ended since. This ends everything that was issued before it began; run it
    again if it was interrupted. Clients, users, remembered consent and signing keys stay. JWTs that are not stored end too,
    but are not counted. Applications are not notified; hooks get one notification for all.
    """
    if not dry_run:
        confirm("End everything that was issued? All users sign in again, all clients ask anew.", yes=yes)
    operation = operations.COUNT if dry_run else operations.END

    async def work(do: Do) -> dict[str, int]:
        found, cursor = Counter[str](), ""
        while True:
            part: dict[str, Any] = await do(operation, {"cursor": cursor})
            cursor = part.pop("cursor")
            found.update(part)
            if not cursor:
                return dict(found)

    counted = act(work, "counting …" if dry_run else "ending everything …")
    if json:
        emit({**counted, "dry_run": dry_run})
        return
    facts({name.replace("_", " "): count for name, count in counted.items()})
    say("Nothing was ended." if dry_run else "Everything has ended.")
