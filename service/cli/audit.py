"""``mintmark audit …``: the log of operators' acts."""

import asyncio
from typing import Annotated, Any

import typer

from service.admin.operations import Do
from service.admin.operations import audit as operations
from service.cli.acting import act
from service.cli.derived import add_list
from service.cli.json_output import Json, emit
from service.cli.output import moment, terminal

app = typer.Typer(no_args_is_help=True, help="Look at the audit log: who did what, to what, when, and what came of it.")

Actor = Annotated[str, typer.Option(help="Who: the name of a token, certificate or account.", metavar="NAME")]
Action = Annotated[str, typer.Option(help="client.update, or client for all about clients.", metavar="ACTION")]
Target = Annotated[str, typer.Option(help="To what: client:web, or the name alone.", metavar="NAME")]

_PAUSE = 1.0
"""Seconds between two reads of the log."""


add_list(
    app,
    operations.LIST,
    """List what operators did, the newest first. `begun`: the act was interrupted, so it is unknown whether it was done.

    Example: `mintmark audit list --target client:web --since 7d`

    Example: `mintmark audit list --actor alice --action user.delete --json`
    """,
    "act",
)


@app.command()
def follow(
    actor: Actor = "",
    action: Action = "",
    target: Target = "",
    limit: Annotated[int, typer.Option(min=0, help="End after so many; 0 = Ctrl-C.", metavar="NUMBER")] = 0,
    cursor: Annotated[str, typer.Option(help="Begin after the entry of this id, not now.", metavar="ID")] = "",
    json: Json = False,
) -> None:
    """Show what operators do as they do it, until Ctrl-C; with --json one value a line.

    Example: `mintmark audit follow`

    Example: `mintmark audit follow --action user --json`
    """
    wanted = {"actor": actor, "action": action, "target": target}
    try:
        act(lambda do: _follow(do, wanted, cursor, limit, json))
    except KeyboardInterrupt:
        raise typer.Exit from None


async def _follow(do: Do, wanted: dict[str, str], cursor: str, limit: int, json: bool) -> None:
    shown = 0
    while True:
        page = await do(operations.FOLLOW, {**wanted, "cursor": cursor})
        cursor = page["cursor"]
        for entry in page["entries"]:
            _print(entry, json)
            shown += 1
            if shown == limit:
                return
        await asyncio.sleep(_PAUSE)


def _print(entry: dict[str, Any], json: bool) -> None:
    if json:
        emit(entry)
        return
    words = [
        moment(int(entry["at"])),
        entry["actor"],
        entry["way"],
        entry["action"],
        *entry["targets"],
        entry["result"],
        f"× {entry['count']}" if entry["count"] > 1 else "",
        entry["why"],
    ]
    terminal().print(" ".join(word for word in words if word), markup=False, soft_wrap=True)
