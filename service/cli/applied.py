"""The output of ``mintmark apply``."""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from rich.text import Text

from service.cli.output import ENDED_BY_CHANGE, complain, facts, say, terminal
from service.cli.secret_files import SecretFiles
from service.declared import DeclaredAct
from service.declared.applying import AppliedObject
from service.declared.kinds import MANAGED_BY

_SIGNS = {
    DeclaredAct.CREATE: ("+", "green"),
    DeclaredAct.UPDATE: ("~", "yellow"),
    DeclaredAct.END: ("-", "red"),
}
_LONGEST = 200
"""The most characters of a value on a terminal."""


def show_differences(objects: Iterable[AppliedObject]) -> None:
    """Show the changes, member by member, and the reasons of those that cannot be made."""
    for one in objects:
        change = one.change
        if change is None or change.act is DeclaredAct.FOREIGN:
            terminal().print(Text(f"! {one.kind.noun} {one.key}: {one.error}", "bold red"), soft_wrap=True)
            continue
        if change.act is DeclaredAct.NOTHING:
            continue
        sign, style = _SIGNS[change.act]
        terminal().print(Text(f"{sign} {one.kind.noun} {one.key}", f"bold {style}"), soft_wrap=True)
        is_new = change.act is DeclaredAct.CREATE
        for member, (now, declared) in change.differences.items():
            if is_new and member == MANAGED_BY:
                continue
            before = "" if is_new else f"{_short(now)} → "
            terminal().print(Text(f"    {member}: {before}{_short(declared)}"), soft_wrap=True)
        if change.needs_secret or one.resumes:
            why = "it has none" if change.needs_secret else "that of an apply that was broken off"
            terminal().print(Text(f"    a secret: {why}"), soft_wrap=True)


def _short(value: Any) -> str:  # noqa: ANN401 (a member of any kind)
    written = orjson.dumps(value).decode()
    return written if len(written) <= _LONGEST else f"{written[:_LONGEST]}…"


def question(objects: Sequence[AppliedObject]) -> str:
    """Return the question to confirm: the number of changes, and the names of what ends."""
    acts = [one.change.act for one in objects if one.change]
    words = {DeclaredAct.CREATE: "make", DeclaredAct.UPDATE: "change", DeclaredAct.END: "end"}
    counts = ", ".join(f"{word} {acts.count(act)}" for act, word in words.items() if act in acts)
    ending = [f"{one.kind.noun} {one.key}" for one in objects if one.change and one.change.act is DeclaredAct.END]
    ends = f" With all that they hold, for good: {', '.join(ending)}." if ending else ""
    return f"{counts.capitalize()}?{ends}"


def show_secrets(objects: Iterable[AppliedObject]) -> None:
    """Show the secrets of new clients before the clients are created, as the command may be interrupted later."""
    shown = [one for one in objects if one.secret]
    for one in shown:
        facts({"client_id": one.key, "client_secret": one.secret})
    if shown:
        say(
            "Keep each secret now: it is stored as a hash only and cannot be shown again. Where it is refused it is none."
        )


def show_results(objects: Sequence[AppliedObject], kept: SecretFiles, *, dry_run: bool) -> None:
    """Show the outcome, and where secrets are."""
    for one in objects:
        if one.error and one.is_to_be_done:
            complain(f"{one.kind.noun} {one.key}: {one.error}")
        if one.has_ended:
            say(f"Client {one.key} is changed. {ENDED_BY_CHANGE}")
        if one.key in kept.files:
            say(f"The secret of {one.key} is in {kept.files[one.key]}.")
    to_do = sum(one.is_to_be_done for one in objects)
    done, refused = sum(one.is_done for one in objects), sum(bool(one.error) for one in objects)
    as_they_are = sum(one.change is not None and one.change.act is DeclaredAct.NOTHING for one in objects)
    what = f"{to_do} to be done" if dry_run else f"{done} done"
    say(f"{what}, {as_they_are} as declared" + (f", {refused} refused" if refused else "") + ".")


def as_json(one: AppliedObject, kept: SecretFiles) -> dict[str, Any]:
    """Return an object in JSON for programs."""
    change = one.change
    described: dict[str, Any] = {
        "kind": one.kind.name,
        one.kind.key: one.key,
        "act": change.act.value if change else "refuse",
        "differences": {name: two._asdict() for name, two in change.differences.items()} if change else {},
        "done": one.is_done,
        **({"ended": True} if one.has_ended else {}),
        "error": one.error or None,
    }
    if one.key in kept.files:
        return {**described, "secret_file": str(kept.files[one.key])}
    is_shown = kept.folder is None and one.secret and (one.is_done or one.error)  # otherwise the apply ended before it
    return described | ({"client_secret": one.secret} if is_shown else {})
