"""CHANGELOG.md: the unreleased changes become the section of a release."""

import re
from pathlib import Path
from typing import NamedTuple

from release.commands import ROOT, ReleaseError

PATH = ROOT / "CHANGELOG.md"
_UNRELEASED = "## [Unreleased]\n"
_LINK = re.compile(r"\[([^]]*)\]\([^)]*\)")
_KINDS = ("Security", "Changed", "Added", "Fixed", "Removed", "Deprecated")


class Entry(NamedTuple):
    """An entry of the changelog."""

    kind: str
    """The kind as in Keep a Changelog, in lower case: ``added``."""
    text: str
    """The text on one line, without its dash."""


def check() -> None:
    """Check that there is something to release. Raises ReleaseError."""
    if not _entries(_unreleased(PATH)):
        raise ReleaseError("CHANGELOG.md says of nothing under [Unreleased]")


def close(version: str, day: str) -> list[Entry]:
    """Make the unreleased changes the section of this version, and return its entries.

    Args:
        version: Of the release.
        day: Its date, YYYY-MM-DD.
    """
    news = _entries(_unreleased(PATH))
    text = PATH.read_text(encoding="utf-8")
    PATH.write_text(text.replace(_UNRELEASED, f"{_UNRELEASED}\n## [{version}] - {day}\n", 1), encoding="utf-8")
    return news


def _unreleased(path: Path) -> str:
    _, heading, rest = path.read_text(encoding="utf-8").partition(_UNRELEASED)
    if not heading:
        raise ReleaseError("CHANGELOG.md has no heading [Unreleased]")
    return re.split(r"^## ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def _entries(section: str) -> list[Entry]:
    found = []
    for part in re.split(r"^### ", section, flags=re.MULTILINE)[1:]:
        kind, _, lines = part.partition("\n")
        if kind.strip() not in _KINDS:
            raise ReleaseError(f"CHANGELOG.md: {kind.strip()!r} is none of {', '.join(_KINDS)}")
        found += [
            Entry(kind.strip().lower(), " ".join(_LINK.sub(r"\1", one).split()))
            for one in re.findall(r"^- ((?:.|\n(?!- ))*)", lines, re.MULTILINE)
        ]
    return found
