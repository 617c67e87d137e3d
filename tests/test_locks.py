"""Locks name everything, extras included: an install with ``--no-deps`` is whole, whatever was released since."""

import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS_OF = {
    "run": ("demo",),
    "test": ("demo", "test"),
    "image": ("tracing", "operator"),
    "load": ("load",),
    "docs": ("docs",),
}
"""Which extras of ours each lock holds; build.txt is made of hatchling alone."""


def pinned(text: str) -> dict[str, Requirement]:
    """The requirements of a lock by name, those of other platforms left out."""
    lines = [line.rstrip(" \\") for line in text.splitlines() if "==" in line]
    found = [Requirement(line) for line in lines]
    return {canonicalize_name(one.name): one for one in found if one.marker is None or one.marker.evaluate()}


def needed(texts: Iterable[str], extras: Iterable[str] = ()) -> Iterator[Requirement]:
    """Those of these requirements that hold on this platform with these extras."""
    for requirement in map(Requirement, texts):
        if requirement.marker is None or any(requirement.marker.evaluate({"extra": one}) for one in ("", *extras)):
            yield requirement


def missing(lock: Mapping[str, Requirement], wanted: Iterable[Requirement]) -> list[str]:
    """What the wanted requirements need and the lock doesn't name: packages, versions, extras, and what those need."""
    faults, waiting, seen = [], list(wanted), set()
    while waiting:
        want = waiting.pop()
        name = canonicalize_name(want.name)
        have = lock.get(name)
        if have is None or not want.specifier.contains(next(iter(have.specifier)).version, prereleases=True):
            faults.append(str(want))
            continue
        if not want.extras <= have.extras:
            faults.append(f"{want}: pinned without its extras")
        if (name, frozenset(want.extras)) not in seen:
            seen.add((name, frozenset(want.extras)))
            waiting += needed(requires_of(name), want.extras)
    return faults


def requires_of(name: str) -> list[str]:
    try:
        return requires(name) or []
    except PackageNotFoundError:  # of load.txt or docs.txt alone, which not every environment has
        if os.environ.get("MINTMARK_TEST_SKIP_NOTHING"):
            raise
        return []


@pytest.mark.parametrize(("lock", "extras"), EXTRAS_OF.items())
def test_a_lock_names_everything_that_it_needs(lock: str, extras: tuple[str, ...]) -> None:
    wanted = [*PROJECT["dependencies"], *(one for extra in extras for one in PROJECT["optional-dependencies"][extra])]
    assert missing(pinned((ROOT / f"requirements/{lock}.txt").read_text()), needed(wanted)) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("coverage[toml]==", "coverage=="),
        ("redis[hiredis]==", "redis=="),
        ("hiredis==", "other=="),
        ("attrs==", "other=="),
    ],
)
def test_what_a_lock_lacks_is_found(before: str, after: str) -> None:
    text = (ROOT / "requirements/test.txt").read_text()
    assert f"\n{before}" in text
    broken = pinned(text.replace(f"\n{before}", f"\n{after}"))
    wanted = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]]
    assert missing(broken, needed(wanted)) != []


def test_each_lock_has_an_owner() -> None:
    assert {path.stem for path in (ROOT / "requirements").iterdir()} == {*EXTRAS_OF, "build"}


@pytest.mark.parametrize("where", ["Makefile", "Dockerfile", ".ci/locks", "docs/how-to/run.md"])
def test_an_install_takes_what_the_lock_names_and_nothing_else(where: str) -> None:
    installs = re.findall(r"(?:pip install|\$\(INSTALL\)).*-r \S+", (ROOT / where).read_text())
    assert installs
    assert all("--no-deps" in one and "--require-hashes" in one for one in installs)


def hashed(lock: str) -> dict[str, tuple[str, frozenset[str]]]:
    """Version and hashes of each package of a lock, for every platform."""
    text = (ROOT / f"requirements/{lock}.txt").read_text()
    found = re.findall(r"^([\w.-]+)\S*==(\S+)(.*(?:\n +--hash=.*)+)", text, re.MULTILINE)
    assert len(found) == len(re.findall(r"^\S+==", text, re.MULTILINE))
    return {name: (version, frozenset(re.findall(r"--hash=(\S+)", rest))) for name, version, rest in found}


@pytest.mark.parametrize("lock", sorted(EXTRAS_OF.keys() - {"test"}))
def test_locks_agree(lock: str) -> None:
    """Continuous integration installs them into one environment: each of them is then installed as by itself."""
    test, other = hashed("test"), hashed(lock)
    assert [name for name in other.keys() & test.keys() if other[name] != test[name]] == []
