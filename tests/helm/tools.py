"""The real helm and kubeconform, and the sources that Kubernetes' schemas come from: found, or fetched once as Go modules.

What is fetched lies in a folder of the user's cache under its version. Nothing is fetched where Go is missing: then a test that
needs it is skipped, and says what to install.
"""

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

HELM = "helm.sh/helm/v3/cmd/helm@v3.21.4"
KUBECONFORM = "github.com/yannh/kubeconform/cmd/kubeconform@v0.8.0"
KUBERNETES = ("v1.30.14", "v1.37.2")
"""The versions that everything is validated for: the oldest that Chart.yaml lets in, and the newest that there is."""

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mintmark-tests"
LONGEST = 900
"""Seconds that helm takes on a busy machine; what takes longer says so."""


def program(package: str) -> Path:
    """The program of a Go package: on PATH, in ~/go/bin, or built into the cache."""
    path, version = package.split("@")
    name = path.rpartition("/")[2]
    place = CACHE / f"{name}-{version}"
    if found := shutil.which(name) or shutil.which(name, path=str(Path.home() / "go" / "bin")):
        return Path(found)
    with one_at_a_time(name):
        if not (place / name).exists():
            go("install", package, environment={"GOBIN": str(place)})
    return place / name


def module(path_and_version: str) -> Path:
    """The folder with the sources of a Go module."""
    with one_at_a_time("modules"):
        return Path(json.loads(go("mod", "download", "-json", path_and_version))["Dir"])


def go(
    *arguments: str, environment: dict[str, str] | None = None, folder: Path = CACHE, seconds: float = LONGEST
) -> str:
    """What a command of Go prints, run in a folder outside of any module of the caller's. Skips where there is no Go."""
    command = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if command is None:
        pytest.skip(
            f"neither {arguments[-1]} nor Go to build it: install Go ≥ 1.26 (helm and kubeconform alone do for some tests)"
        )
    folder.mkdir(parents=True, exist_ok=True)
    # At low priority: building helm keeps two cores busy for minutes.
    nice = ["nice", "-n", "19"] if shutil.which("nice") else []
    done = subprocess.run(
        [*nice, command, *arguments],
        cwd=folder,
        env=os.environ | {"GOFLAGS": "-mod=mod"} | (environment or {}),
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    if done.returncode:
        pytest.fail(f"go {' '.join(arguments)}: {done.stdout}{done.stderr}")
    return done.stdout


@contextmanager
def one_at_a_time(what: str) -> Iterator[None]:
    """Test processes that want the same thing wait for the first of them."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{what}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
