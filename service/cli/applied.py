"""What ``mintmark apply`` shows, and where it puts secrets."""

import os
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import orjson
from rich.text import Text

from service.admin.errors import InvalidInput
from service.cli.output import complain, facts, say, terminal
from service.declared import DeclaredAct
from service.declared.applying import AppliedObject
from service.declared.kinds import MANAGED_BY

_SIGNS = {
    DeclaredAct.CREATE: ("+", "green"),
    DeclaredAct.UPDATE: ("~", "yellow"),
    DeclaredAct.END: ("-", "red"),
}
_LONGEST = 200
"""Characters of a value that a terminal shows."""


class Secrets:
    """Where new secrets go: files for their owner alone, or nowhere, and then they are shown."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self.files: dict[str, Path] = {}
        """Those that were written, by client_id."""

    def refuse_taken(self, objects: Iterable[AppliedObject]) -> None:
        """Write into those whose secret has no file for itself that this is so: what is in a file may be the only copy."""
        if self._folder is None:
            return
        taken: set[Path] = set()
        for one in objects:
            if not one.gets_secret or one.error:
                continue
            path = self._folder / _name(one)
            if path in taken:
                one.error = (
                    f"its secret would go to {path}, as that of another client: name another file (spec.secret.name)"
                )
            elif os.path.lexists(path):
                one.error = (
                    f"its secret would go to {path}, which is there already, maybe with that of another: move it away"
                )
            taken.add(path)

    def prepare(self) -> None:
        """Make the folder, if it is not there. Raises InvalidInput where nothing can be written to it."""
        if self._folder is None:
            return
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(self._folder / ".mintmark-apply", "").unlink()
        except OSError as error:
            raise InvalidInput(
                f"--secrets-to: {self._folder} cannot be written to: {error.strerror or error}"
            ) from error

    def keep(self, made: AppliedObject) -> None:
        """Write the secret of a client into the file that its manifest names, or that is called like it."""
        if self._folder is None or made.secret is None:
            return
        path = self._folder / _name(made)
        try:
            self.files[made.key] = _write(path, made.secret + "\n")
        except OSError as error:
            made.error = f"its secret cannot be written to {path}: {error.strerror or error}"


def _name(one: AppliedObject) -> str:
    """Of the file of its secret."""
    if one.change is None:
        return ""
    return one.change.secret.name if one.change.secret else one.change.name


def _write(path: Path, content: str) -> Path:
    """Write a file that only we can read, whole or not at all. Raises OSError."""
    temporary = path.with_name(f".{path.name[:100]}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        return temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def show_differences(objects: Iterable[AppliedObject]) -> None:
    """Show what is to be done, member by member, and what cannot be."""
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
        if change.needs_secret:
            terminal().print(Text("    a secret: it has none"), soft_wrap=True)


def _short(value: Any) -> str:  # noqa: ANN401 (a member of any kind)
    written = orjson.dumps(value).decode()
    return written if len(written) <= _LONGEST else f"{written[:_LONGEST]}…"


def question(objects: Sequence[AppliedObject]) -> str:
    """Return what is asked before it is done: how many, and by name what ends."""
    acts = [one.change.act for one in objects if one.change]
    words = {DeclaredAct.CREATE: "make", DeclaredAct.UPDATE: "change", DeclaredAct.END: "end"}
    counts = ", ".join(f"{word} {acts.count(act)}" for act, word in words.items() if act in acts)
    ending = [f"{one.kind.noun} {one.key}" for one in objects if one.change and one.change.act is DeclaredAct.END]
    ends = f" With all that they hold, for good: {', '.join(ending)}." if ending else ""
    return f"{counts.capitalize()}?{ends}"


def show_results(objects: Sequence[AppliedObject], kept: Secrets, *, dry_run: bool) -> None:
    """Say what came of it, and show the secrets that were not written to files."""
    for one in objects:
        if one.error and one.is_to_be_done:
            complain(f"{one.kind.noun} {one.key}: {one.error}")
        if one.secret and one.key in kept.files:
            say(f"The secret of {one.key} is in {kept.files[one.key]}.")
        elif one.secret:
            facts({"client_id": one.key, "client_secret": one.secret})
            say("Keep the secret now: it is stored as a hash only and cannot be shown again.")
    to_do = sum(one.is_to_be_done for one in objects)
    done, refused = sum(one.is_done for one in objects), sum(bool(one.error) for one in objects)
    as_they_are = sum(one.change is not None and one.change.act is DeclaredAct.NOTHING for one in objects)
    what = f"{to_do} to be done" if dry_run else f"{done} done"
    say(f"{what}, {as_they_are} as declared" + (f", {refused} refused" if refused else "") + ".")


def as_json(one: AppliedObject, kept: Secrets) -> dict[str, Any]:
    """Return one of them for programs."""
    change = one.change
    described: dict[str, Any] = {
        "kind": one.kind.name,
        one.kind.key: one.key,
        "act": change.act.value if change else "refuse",
        "differences": {name: two._asdict() for name, two in change.differences.items()} if change else {},
        "done": one.is_done,
        "error": one.error or None,
    }
    if one.key in kept.files and one.secret:
        return {**described, "secret_file": str(kept.files[one.key])}
    return described | ({"client_secret": one.secret} if one.secret else {})
