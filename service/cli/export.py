"""``mintmark client export`` and similar commands: records as manifests for ``mintmark apply``."""

import sys
from typing import Annotated, Any

import typer
import yaml  # type: ignore[import-untyped]

from service.admin.operations import Do
from service.cli.acting import act
from service.cli.json_output import Json, emit
from service.cli.output import say
from service.declared import KINDS, list_all, manifests_of
from service.declared.kinds import MANAGED_BY

All = Annotated[
    bool, typer.Option("--all", help="Include what files or a cluster declare already (managed_by).", metavar="")
]


class _Plain(yaml.SafeDumper):  # type: ignore[misc]
    """A YAML dumper without aliases, which are hard to read."""

    def ignore_aliases(self, _data: object) -> bool:
        """Write a value out each time it occurs."""
        return True


def add_export(app: typer.Typer, kind_name: str, text: str) -> None:
    """Add the command that writes manifests of a kind.

    Args:
        app: The group.
        kind_name: One of ``KINDS``.
        text: Its help, with an example.
    """
    kind = KINDS[kind_name]
    argument = typer.Argument(metavar=kind.key.upper(), help="Export only these.", show_default=False)

    def export(
        names: Annotated[list[str] | None, argument] = None, everything: All = False, json: Json = False
    ) -> None:
        async def work(do: Do) -> tuple[list[dict[str, Any]], int]:
            """Return the manifests, and the number of records that are left out as they are declared already."""
            if names:
                return [await do(kind.show, {kind.key: name}) for name in names], 0
            found = {str(one[kind.key]): one for one in await list_all(do, kind) if not one.get("registered_itself")}
            written = [found[key] for key in sorted(found) if everything or not found[key][MANAGED_BY]]
            return written, len(found) - len(written)

        shown, left_out = act(work, "reading …")
        manifests = manifests_of(kind, shown)
        if left_out:
            say(f"{left_out} left out, which files or a cluster declare already (managed_by): --all writes them, too.")
        if json:
            emit({"apiVersion": "v1", "kind": "List", "items": manifests})
            return
        yaml.dump_all(manifests, sys.stdout, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=100)

    export.__doc__ = text
    app.command()(export)
