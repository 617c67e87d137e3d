"""The measured servers run with an optimised Python where there is one, and the table says with which."""

import json
import sys
from pathlib import Path

import pytest

from loadtests import interpreter
from loadtests.interpreter import build_of, choose, optimised_ones, serving

OPTIMISED = "'--prefix=/usr/local' '--enable-optimizations' '--with-lto'"


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The only one in which a Python is looked for; environments are apart, need no packages, and nothing is chosen yet."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(interpreter, "PLACES", ())
    monkeypatch.setattr(interpreter, "ENVIRONMENTS", tmp_path / "environments")
    monkeypatch.setattr(interpreter, "LOCK", tmp_path / "lock.txt")
    monkeypatch.setattr(interpreter, "PEERS_LOCK", tmp_path / "peers.txt")
    monkeypatch.setattr(interpreter, "_chosen", None)
    (tmp_path / "lock.txt").touch()
    (tmp_path / "peers.txt").touch()
    return tmp_path


def put(folder: Path, name: str, options: str = "", prefix: str = "/opt", version: str = "3.0.0") -> str:
    """A program that says of itself what such a Python would, and does nothing else."""
    told = {"version": version, "compiler": "GCC", "machine": "x86_64", "prefix": prefix, "options": options}
    program = folder / name
    program.write_text(f"#!/bin/sh\n[ \"$1\" = -c ] || exit 9\n/bin/cat <<'END'\n{json.dumps(told)}\nEND\n")
    program.chmod(0o755)
    return str(program)


def put_shim(folder: Path, name: str) -> None:
    """What a version manager leaves on the path for a version that is not there."""
    (folder / name).write_text("#!/bin/sh\necho 'not installed' >&2; exit 127\n")
    (folder / name).chmod(0o755)


@pytest.mark.parametrize(
    ("options", "prefix", "has_own_rules", "is_optimised"),
    [
        (OPTIMISED, "/usr/local", False, True),
        ("'--enable-shared'", "/opt", False, False),
        ("None", "/opt", True, False),
        ("'--with-computed-gotos'", "/usr", True, True),
        ("'--with-computed-gotos'", "/usr", False, False),
    ],
)
def test_which_builds_are_optimised(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: str,
    prefix: str,
    has_own_rules: bool,
    is_optimised: bool,
) -> None:
    monkeypatch.setattr(interpreter, "OWN_RULES", folder if has_own_rules else folder / "nothing")
    assert build_of(put(folder, "python", options, prefix)).is_optimised is is_optimised


def test_the_newest_optimised_one_comes_first(folder: Path) -> None:
    put_shim(folder, "python3.14")
    put(folder, "python3.13", "'--enable-shared'")
    put(folder, "python3.12", OPTIMISED, version="3.12.9")
    put(folder, "python3.11", OPTIMISED, version="3.11.9")
    assert [one.version for one in optimised_ones()] == ["3.12.9", "3.11.9"]


def test_one_that_gets_no_packages_does_not_serve_and_that_is_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "executable", put(folder, "python", "'--enable-shared'"))
    put(folder, "python3.13", OPTIMISED, version="3.13.9")
    choose()
    assert serving() == build_of(sys.executable)
    said = capfd.readouterr().err
    assert "WARNING: Python 3.13.9 optimised" in said
    assert "built without optimisation" in said
    assert f"The servers run with Python {build_of(sys.executable)}" in said


@pytest.mark.parametrize("name", ["python3.13", "nothing-of-this-name", "python3.14"])
def test_one_that_is_named_and_cannot_serve_is_an_error(folder: Path, name: str) -> None:
    put(folder, "python3.13", OPTIMISED)
    put_shim(folder, "python3.14")
    with pytest.raises(SystemExit, match=name):
        choose(name)


def test_the_one_that_runs_this_needs_no_other_environment(folder: Path) -> None:
    assert choose(sys.executable).program == sys.executable
    assert not (folder / "environments").exists()


@pytest.mark.slow
def test_another_one_gets_an_environment_with_the_locked_packages(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    base = folder / "another"
    base.symlink_to(Path(sys.executable).resolve())
    chosen = choose(str(base))
    assert chosen.program.startswith(str(folder / "environments"))
    assert chosen.version == build_of(sys.executable).version
    assert "Making" in capfd.readouterr().err
    assert choose(str(base)) == chosen
    assert "Making" not in capfd.readouterr().err, "made once"
    (folder / "lock.txt").write_text("# another lock\n")
    choose(str(base))
    assert "Making" in capfd.readouterr().err, "the lock has changed"


@pytest.mark.slow
def test_peers_in_python_get_the_same_one_with_packages_of_their_own(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert interpreter.serving_peers() == serving(), "this one has them"
    base = folder / "another"
    base.symlink_to(Path(sys.executable).resolve())
    monkeypatch.setattr(interpreter, "_chosen", build_of(str(base)))
    peers = interpreter.serving_peers()
    assert peers.program.startswith(str(folder / "environments"))
    assert peers.version == serving().version
