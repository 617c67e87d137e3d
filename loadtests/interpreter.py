"""The Python of the measured servers: an optimised one where this machine has one.

A Python that was built without profile-guided optimisation needs a tenth more for the same request. If this process runs
with such a Python, the servers get an environment in ``.venv-serving`` with another one and the locked packages.
"""

import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

ROOT = Path(__file__).parent.parent
ENVIRONMENTS = ROOT / ".venv-serving"
LOCK = ROOT / "requirements" / "run.txt"
PEERS_LOCK = ROOT / "requirements" / "load.txt"
"""The packages of the peers that are written in Python."""
VERSIONS = ("3.14", "3.13", "3.12", "3.11")
"""The versions to look for, in this order."""
PLACES = ("/usr/local/bin", "/usr/bin", "/opt/homebrew/bin")
"""Folders to search in addition to PATH."""
OWN_RULES = Path("/etc/debian_version")
"""The mark of Debian and Ubuntu, whose Pythons are optimised although no configure option shows it."""
PROBE = """
import json, platform, sys, sysconfig
facts = {"version": platform.python_version(), "compiler": platform.python_compiler(), "machine": platform.machine()}
print(json.dumps(facts | {"prefix": sys.base_prefix, "options": str(sysconfig.get_config_var("CONFIG_ARGS"))}))
"""
LIBRARIES = ("aiohttp", "cryptography", "msgspec", "orjson", "uvloop")
Named = Annotated[
    str | None,
    typer.Option(
        help="Serve with this Python. Unless said: this one if it is optimised, else one of this machine that is."
    ),
]
"""The option of the benchmarks for the Python of the servers."""


class Interpreter(NamedTuple):
    """A Python: its program and its build."""

    program: str
    version: str
    compiler: str
    machine: str
    """The processor's architecture."""
    is_optimised: bool
    """Whether it was built with profile-guided optimisation."""

    def __str__(self) -> str:
        """Return a text that distinguishes builds, between which counts of instructions cannot be compared."""
        kind = "optimised" if self.is_optimised else "not optimised"
        return f"{self.version} {kind}, {self.compiler}, {self.machine}"


_chosen: Interpreter | None = None


def serving() -> Interpreter:
    """Return the Python of the servers: the current one, unless another was chosen."""
    return _chosen or build_of(sys.executable)


def serving_peers() -> Interpreter:
    """Return the same Python with the packages of peers, in an environment that is made if needed.

    Raises:
        OSError, subprocess.CalledProcessError: The environment cannot be made.
    """
    return serving() if _is_same(serving(), build_of(sys.executable)) else _with_packages(serving(), PEERS_LOCK)


@cache
def libraries() -> dict[str, str]:
    """Return the versions of the compiled libraries that the servers use."""
    program = f"import json, importlib.metadata as m; print(json.dumps({{one: m.version(one) for one in {LIBRARIES}}}))"
    done = subprocess.run([serving().program, "-c", program], check=True, capture_output=True, text=True)
    versions: dict[str, str] = json.loads(done.stdout)
    return versions


def choose(named: str | None = None) -> Interpreter:
    """Let the measured servers run with the named Python, or the best one, and print it to standard error.

    Raises:
        SystemExit: The program is no Python, or its packages cannot be installed.
    """
    here = build_of(sys.executable)
    wanted = _named(named) if named else here if here.is_optimised else next(optimised_ones(), None)
    global _chosen
    _chosen = here
    if wanted is not None and not _is_same(wanted, here):
        try:
            _chosen = _with_packages(wanted, LOCK)
        except (OSError, subprocess.CalledProcessError) as error:
            if named:
                sys.exit(f"Python {wanted} ({wanted.program}) cannot serve: {error}")
            _say(f"WARNING: Python {wanted} ({wanted.program}) is here, but gets no packages: {error}")
    if not _chosen.is_optimised:
        _say(
            "WARNING: this Python was built without optimisation; an optimised one needs a tenth less for each request."
        )
    _say(f"The servers run with Python {_chosen} ({_chosen.program}).")
    return _chosen


@cache
def build_of(program: str) -> Interpreter:
    """Return the build of a Python. Raises OSError, subprocess.CalledProcessError, ValueError where it is none."""
    done = subprocess.run([program, "-c", PROBE], check=True, capture_output=True, text=True, timeout=60)
    facts = json.loads(done.stdout)
    by_own_rules = facts["prefix"] == "/usr" and OWN_RULES.exists()
    is_optimised = "--enable-optimizations" in facts["options"] or by_own_rules
    return Interpreter(program, facts["version"], facts["compiler"], facts["machine"], is_optimised)


def optimised_ones() -> Iterator[Interpreter]:
    """Yield the optimised Pythons of this machine, the newest first."""
    for version in VERSIONS:
        for folder in (None, *PLACES):
            program = shutil.which(f"python{version}", path=folder)
            if program and (found := _look(program)) and found.is_optimised:
                yield found


def _look(program: str) -> Interpreter | None:
    """Return the build of a Python, None where it does not run, as a shim may exist for a version that is not installed."""
    try:
        return build_of(program)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


def _named(name: str) -> Interpreter:
    program = shutil.which(name)
    found = _look(str(Path(program).absolute())) if program else None
    return found or sys.exit(f"{name} is no Python that runs here")


def _is_same(one: Interpreter, other: Interpreter) -> bool:
    return Path(one.program).absolute() == Path(other.program).absolute()


def _with_packages(base: Interpreter, lock: Path) -> Interpreter:
    """Return this Python in an environment with the packages of the lock, which is made if needed.

    Raises:
        OSError, subprocess.CalledProcessError: The environment cannot be made.
    """
    made_of = hashlib.sha256(lock.read_bytes() + f"{base} {base.program}".encode()).hexdigest()
    place = ENVIRONMENTS / f"{base.version}-{hashlib.sha256(base.program.encode()).hexdigest()[:8]}-{lock.stem}"
    program, stamp = place / "bin" / "python", place / "made-of"
    if not (stamp.exists() and stamp.read_text() == made_of):
        _say(f"Making {place} with Python {base.version} for the servers …")
        has_pip = importlib.util.find_spec("pip") is not None  # not every Python can make one with a pip
        pip = [sys.executable, "-m", "pip", "--python", str(program)] if has_pip else [str(program), "-m", "pip"]
        _run(base.program, "-m", "venv", "--clear", *(["--without-pip"] if has_pip else []), str(place))
        quietly = ["--quiet", "--disable-pip-version-check"]
        _run(*pip, *quietly, "install", "--no-deps", "--require-hashes", "-r", str(lock))
        stamp.write_text(made_of)
    return build_of(str(program))


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=sys.stderr, cwd=ROOT)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
