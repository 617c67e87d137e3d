"""The version of a release, and every place that contains it."""

import re
from pathlib import Path
from typing import NamedTuple

from release.commands import ROOT, ReleaseError

_OF_IMAGE = re.compile(r"(registry\.example\.com/mintmark:)\d+\.\d+\.\d+()")
_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")


class Place(NamedTuple):
    """A place that contains the version."""

    path: Path
    line: re.Pattern[str]
    """A pattern with two groups, for the text before and after the version."""


PLACES = (
    Place(ROOT / "service/__init__.py", re.compile(r'^(__version__ = ").*(")$', re.MULTILINE)),
    Place(ROOT / "guard/mintmark_guard/__init__.py", re.compile(r'^(__version__ = ").*(")$', re.MULTILINE)),
    Place(ROOT / "helm/mintmark/Chart.yaml", re.compile(r"^(version: ).*()$", re.MULTILINE)),
    Place(ROOT / "helm/mintmark/Chart.yaml", re.compile(r'^(appVersion: ").*(")$', re.MULTILINE)),
    Place(ROOT / "helm/mintmark/README.md", _OF_IMAGE),
    Place(ROOT / "docs/how-to/kubernetes.md", _OF_IMAGE),
)
DOCKERFILE = ROOT / "Dockerfile"
_BASE = re.compile(r"^ARG PYTHON=([^@\s]+)(?:@\S+)?$", re.MULTILINE)


def check(version: str) -> None:
    """Check that a text is a version of three numbers. Raises ReleaseError."""
    if not _VERSION.fullmatch(version):
        raise ReleaseError(f"{version!r} is no version: three numbers, 0.2.0 (https://semver.org)")


def numbers(version: str) -> tuple[int, ...]:
    """Return the numbers of a version, for comparison; () for anything else."""
    return tuple(map(int, version.split("."))) if _VERSION.fullmatch(version) else ()


def write(version: str) -> None:
    """Write the version to every place. Raises ReleaseError where one does not contain a version."""
    for place in PLACES:
        text = place.path.read_text(encoding="utf-8")
        changed, count = place.line.subn(rf"\g<1>{version}\g<2>", text)
        if not count:
            raise ReleaseError(f"{place.path.relative_to(ROOT)}: the version is not where it was")
        place.path.write_text(changed, encoding="utf-8")


def pin_base(base: str) -> None:
    """Pin the base of the image. Raises ReleaseError where it is not named by its digest."""
    text = DOCKERFILE.read_text(encoding="utf-8")
    found = _BASE.search(text)
    if found is None or not re.fullmatch(re.escape(found[1]) + r"@sha256:[0-9a-f]{64}", base):
        now = found[1] if found else "nothing"
        raise ReleaseError(f"{base!r} is no base for the image, which is made of {now}: {now}@sha256:…, with 64 digits")
    DOCKERFILE.write_text(text.replace(found[0], f"ARG PYTHON={base}"), encoding="utf-8")


def found() -> set[str]:
    """Return the versions that the places contain now."""
    return {
        match[0].removeprefix(match[1]).removesuffix(match[2])
        for place in PLACES
        for match in place.line.finditer(place.path.read_text(encoding="utf-8"))
    }
