"""``--unset``: members that a change resets to their defaults."""

from collections.abc import Iterable, Mapping
from typing import Annotated

import typer

from service.cli.usage import WrongUsage
from service.settings.faults import did_you_mean

Unset = Annotated[
    list[str] | None,
    typer.Option(help="Reset this member to its default. May be repeated.", metavar="MEMBER"),
]


def check_members(names: Iterable[str], options: Mapping[str, str]) -> None:
    """Check the members to reset.

    Args:
        names: As they were typed.
        options: The option of each member; who types its name most likely means that member.

    Raises:
        WrongUsage: There is no such member.
    """
    members = {option.removeprefix("--"): member for member, option in options.items()}
    for name in names:
        if name not in options:
            typed = name.removeprefix("--").replace("_", "-")
            meant = did_you_mean(members.get(typed, name), options) or f"; there are {', '.join(options)}"
            raise WrongUsage(f"--unset {name}: there is no such member{meant}")
