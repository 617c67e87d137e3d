"""The image as an engine builds it from wheels: read-only, run by anybody, with a lock of one's own."""

import asyncio
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.cluster.pods import images
from tests.helm.chart import ROOT
from tests.image.test_dockerfile import steps
from tests.patience import PATIENCE, until
from tests.redis_shapes import Shape
from tests.server_process import free_port

NAME = "localhost/mintmark:as-promised"
SOURCE, REVISION = "https://git.example.com/mintmark", "0" * 40
ANYBODY = 1_234_567_890
"""A user out of a range as OpenShift gives them to a namespace; its group is root's."""
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a build takes, with a lock that has no tracing and no operator."""
    if missing := images.what_is_missing():
        pytest.skip(f"NO IMAGE: {missing}")
    folder = tmp_path_factory.mktemp("checkout")
    for name in ("Dockerfile", ".dockerignore", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    for name in ("service", "requirements"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    lock = (ROOT / "requirements/image.txt").read_text()
    packages = lock.replace("\\\n", "\\").splitlines()
    mine = [one.replace("\\", "\\\n") for one in packages if not one.startswith(("opentelemetry-", "kopf"))]
    (folder / "requirements/mine.txt").write_text("\n".join(mine) + "\n")
    return folder


@pytest.fixture(scope="module")
def root(checkout: Path) -> Iterator[Path]:
    """The files of the image, which nobody can write to."""
    told = {"VERSION": "9.9.9", "REVISION": REVISION, "SOURCE": SOURCE, "LOCK": "requirements/mine.txt"}
    images.build(checkout, NAME, **told)
    with images.files_of(NAME) as files:
        yield files


def command(root: Path, program: Sequence[str], **settings: str) -> list[str]:
    """A program within the image as somebody whom it does not know, with the image's variables and these settings."""
    told = {**dict(one.split("=", 1) for one in images.described(NAME)["config"]["Env"]), **settings}
    variables = [f"{name}={value}" for name, value in told.items()]
    return ["chroot", f"--userspec={ANYBODY}:0", "--groups=", str(root), "/usr/bin/env", "-i", *variables, *program]


def test_it_says_what_it_is(root: Path) -> None:
    said = images.described(NAME)
    config: dict[str, Any] = said["config"]
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
    assert (labels["source"], labels["revision"], labels["version"]) == (SOURCE, REVISION, "9.9.9")
    assert (labels["base.name"], labels["licenses"]) == (images.PYTHON, "Apache-2.0")
    assert (config["User"], config["Entrypoint"], config["Cmd"]) == ("10001:10001", ["mintmark"], ["serve"])
    assert said["architecture"] == MACHINES[platform.machine()]
    packages = {one.name.partition("-")[0] for one in root.glob("opt/mintmark/lib/python3*/site-packages/*.dist-info")}
    assert {"mintmark", "aiohttp"} <= packages
    assert not {"pip", "kopf", "opentelemetry_sdk"} & packages, "the lock says what is in it"


async def test_it_serves_anybody_and_its_health_check_follows_host_and_port(root: Path, redis: Shape) -> None:
    """From files that nobody can write to; the check asks where the service listens, and nowhere else."""
    port = str(free_port())
    settings = {"MINTMARK_HOST": "127.0.0.2", "MINTMARK_PORT": port, "MINTMARK_REDIS_URL": redis.url}
    settings["MINTMARK_ISSUER"], url = f"http://127.0.0.1:{port}", f"http://127.0.0.2:{port}"
    words = images.described(NAME)["config"]
    check = words["Healthcheck"]["Test"]
    assert check[0] == "CMD"

    async def health(**changed: str) -> int:
        child = await asyncio.create_subprocess_exec(*command(root, check[1:], **settings | changed), stderr=-3)
        return await asyncio.wait_for(child.wait(), PATIENCE)

    server = await asyncio.create_subprocess_exec(*command(root, words["Entrypoint"] + words["Cmd"], **settings))
    try:
        async with aiohttp.ClientSession() as http:

            async def is_alive() -> bool:
                try:
                    return (await http.get(f"{url}/livez")).status == 200
                except aiohttp.ClientError:
                    assert server.returncode is None
                    return False

            await until(is_alive)
        assert await health() == 0
        assert await health(MINTMARK_PORT=str(free_port())) != 0
        assert await health(MINTMARK_HOST="127.0.0.3") != 0
        assert os.stat(f"/proc/{server.pid}").st_uid == ANYBODY
    finally:
        server.terminate()
        await server.wait()
    assert server.returncode == 0


def test_it_walks_the_tour(root: Path, redis: Shape) -> None:
    with pytest.raises(OSError, match="Read-only"):
        (root / "opt/mintmark/written").touch()
    tour = command(root, ["mintmark", "demo", "--check", "--redis", redis.url])
    done = subprocess.run(tour, capture_output=True, text=True, timeout=PATIENCE * 4, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Everything is as it must be." in done.stdout


def test_what_is_mounted_on_this_machine_stays(tmp_path: Path) -> None:
    """Also where mounts are shared, as systemd makes them: /dev/pts would go with the files of an image."""
    if missing := images.what_is_missing():
        pytest.skip(f"NO IMAGE: {missing}")
    here, there = tmp_path / "here", tmp_path / "there"
    there.mkdir()
    here.mkdir()
    bound = (
        f"from pathlib import Path; from tests.cluster.pods.images import bind; bind(Path('{here}'), Path('{there}'))"
    )
    acts = (
        f"mount -t tmpfs none {here}",
        f"mount --make-shared {here}",
        f"mkdir {here}/pts",
        f"mount -t tmpfs none {here}/pts",
        f'{sys.executable} -c "{bound}"',
        f"mountpoint {there}/pts",
        f"umount --recursive --lazy {there}",
        f"mountpoint {here}/pts",
    )
    alone = ["unshare", "--mount", "sh", "-exc", "\n".join(acts)]
    done = subprocess.run(alone, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_machine_is_named() -> None:
    """The same steps make it for amd64 and arm64: the lock has wheels for both."""
    words = set(re.findall(r"[\w-]+", "\n".join(step.rest for step in steps())))
    assert not {"amd64", "arm64", "x86_64", "aarch64", "manylinux", "platform"} & words
