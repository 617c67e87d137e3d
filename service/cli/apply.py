"""``mintmark apply``: clients, resources and trusted issuers as files declare them."""

from pathlib import Path
from typing import Annotated

import typer

from service.cli.acting import act
from service.cli.applied import as_json, question, show_differences, show_results, show_secrets
from service.cli.exits import DIFFERENT, REFUSED
from service.cli.json_output import Json, emit
from service.cli.prompts import Yes, confirm
from service.cli.secret_files import SecretFiles, secret_files
from service.cli.usage import WrongUsage
from service.declared.applying import AppliedObject, compare_all, hold_back_ends, perform_all
from service.declared.files import read_manifests

_OWNER = "apply"

Files = Annotated[
    list[Path],
    typer.Option("--file", "-f", help="A file, a folder, or - for standard input. May be repeated.", metavar="PATH"),
]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Only show the changes; the exit code is 5 if there are any.", metavar=""),
]
Prune = Annotated[
    bool, typer.Option("--prune", help="End what this owner declared before and no longer does.", metavar="")
]
Adopt = Annotated[bool, typer.Option("--adopt", help="Take over declared objects that were made by hand.", metavar="")]
Owner = Annotated[
    str | None,
    typer.Option(
        help="The owner of these files, stored as managed_by: another name for each folder of one service. "
        f"{_OWNER} if not given; --prune needs one.",
        metavar="NAME",
    ),
]
SecretsTo = Annotated[
    Path | None,
    typer.Option(help="Write new secrets into this folder, a file each, for you alone to read.", metavar="FOLDER"),
]


def apply(
    file: Files,
    dry_run: DryRun = False,
    prune: Prune = False,
    adopt: Adopt = False,
    owner: Owner = None,
    secrets_to: SecretsTo = None,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Create, update and end clients, resources and trusted issuers as files declare them. The changes are shown first.

    Example: `mintmark apply -f clients/ --dry-run`

    Example: `mintmark apply -f clients/ --owner shop --prune --secrets-to secrets/ --yes`

    Objects that were made by hand are not touched, unless they are declared and --adopt is given. Files contain no secrets: a
    new client gets one, which is shown now and never again. `mintmark client export` writes such files of existing clients.
    """
    if owner is not None and not owner.strip():
        raise WrongUsage("--owner: must not be empty: it marks what is yours")
    if prune and owner is None:
        raise WrongUsage(
            f"--prune needs --owner: whose it is that ends. What was applied without one is that of --owner {_OWNER}."
        )
    manifests = read_manifests(file)
    with secret_files(secrets_to, writes=not dry_run) as kept:
        objects = act(lambda do: compare_all(do, manifests, owner or _OWNER, prunes=prune, adopts=adopt), "comparing …")
        kept.resume(objects)
        kept.refuse_taken(objects)
        hold_back_ends(objects)
        to_do = [one for one in objects if one.is_to_be_done and not one.error]
        if not json:
            show_differences(objects)
        try:
            if to_do and not dry_run:
                confirm(question(to_do), yes=yes)
                _perform(objects, kept, json=json)
        finally:  # also where Redis becomes unavailable half-way, as some changes were made
            if json:
                emit({"dry_run": dry_run, "objects": [as_json(one, kept) for one in objects]})
            else:
                show_results(objects, kept, dry_run=dry_run)
    if any(one.error for one in objects):
        raise typer.Exit(REFUSED)
    if dry_run and to_do:
        raise typer.Exit(DIFFERENT)


def _perform(objects: list[AppliedObject], kept: SecretFiles, *, json: bool) -> None:
    kept.make(objects)
    if kept.folder is None and not json:
        show_secrets(objects)
    act(lambda do: perform_all(do, objects, kept.keep), "applying …")
