"""The chart in a real cluster: helm's commands, and lists of all that is there."""

import shutil
import subprocess
import tarfile
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml  # type: ignore[import-untyped]

from tests.cluster.api_server import LONGEST, Cluster, Object
from tests.helm import tools
from tests.helm.chart import CHART, ROOT

COMMITS_BEFORE = 150
"""How far back the last release is taken from where there is none yet."""

_COMES_AND_GOES = {"events", "events.events.k8s.io", "leases.coordination.k8s.io", "componentstatuses"}


class Release(NamedTuple):
    """A release of a namespace of the cluster."""

    cluster: Cluster
    namespace: str
    name: str = "tokens"

    def helm(self, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """``helm COMMAND NAME …``, whatever comes of it."""
        told = [str(tools.program(tools.HELM)), command, self.name, *arguments, "--namespace", self.namespace]
        told += ["--kubeconfig", str(self.cluster.kubeconfig)]
        return subprocess.run(told, capture_output=True, text=True, timeout=LONGEST, check=False)

    def does(self, command: str, *arguments: str) -> str:
        """What helm prints. Raises AssertionError with its complaint."""
        done = self.helm(command, *arguments)
        assert done.returncode == 0, f"helm {command}: {done.stdout}{done.stderr}"
        return done.stdout

    def install(self, *options: str, chart: Path = CHART) -> str:
        """Install it, or upgrade it where it is installed."""
        return self.does("upgrade", "--install", str(chart), *options)

    def refused(self, *options: str, command: str = "upgrade", chart: Path = CHART) -> str:
        """Why helm does not do it."""
        done = self.helm(command, str(chart), *options)
        assert done.returncode, f"helm {command} takes {options}"
        return done.stderr

    def the(self, kind: str, name: str) -> Object:
        """An object of the release's namespace."""
        (found,) = (one for one in self.all(kind) if one["metadata"]["name"] == name)
        return found

    def all(self, kind: str) -> list[Object]:
        """All of a kind in its namespace."""
        return self.cluster.get(kind, "--namespace", self.namespace)

    def pods(self, component: str) -> list[Object]:
        """The pods of a component that are not about to go."""
        of = f"app.kubernetes.io/instance={self.name},app.kubernetes.io/component={component}"
        found = self.cluster.get("pods", "--namespace", self.namespace, "--selector", of)
        return [one for one in found if "deletionTimestamp" not in one["metadata"]]


def everything(cluster: Cluster) -> set[str]:
    """Every object of every kind and namespace, but for what comes and goes by itself."""
    kinds = set(cluster.kubectl("api-resources", "--verbs=list", "--output=name").split()) - _COMES_AND_GOES
    listed = cluster.kubectl("get", ",".join(sorted(kinds)), "-A", "--ignore-not-found", "--output", _EACH)
    return set(listed.splitlines())


_EACH = (
    "go-template={{range .items}}{{.apiVersion}} {{.kind}} {{.metadata.namespace}}/{{.metadata.name}}{{'\\n'}}{{end}}"
).replace("'", '"')


def name_of_last_release() -> str:
    """The newest tag before this commit, or else the commit that stands for it.

    Skips where the checkout does not reach back to it.
    """
    for command in (("describe", "--tags", "--abbrev=0", "HEAD^"), ("rev-parse", "--short", f"HEAD~{COMMITS_BEFORE}")):
        if (found := _git(*command)).returncode == 0:
            return found.stdout.decode().strip()
    pytest.skip(f"this checkout does not reach back by {COMMITS_BEFORE} commits: git fetch --unshallow --tags")


def last_release(folder: Path, *paths: str) -> Path:
    """What was released last, all or some of it."""
    packed = _git("archive", name_of_last_release(), *paths)
    assert packed.returncode == 0, packed.stderr.decode()
    with tarfile.open(fileobj=BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def chart_of_last_release(folder: Path) -> Path:
    """Its chart."""
    return last_release(folder, "helm/mintmark") / "helm" / "mintmark"


def chart_of_next_release(folder: Path) -> Path:
    """Today's chart by another version."""
    next_one = Path(shutil.copytree(CHART, folder / "next"))
    described = yaml.safe_load((next_one / "Chart.yaml").read_text()) | {"version": "9.9.9"}
    (next_one / "Chart.yaml").write_text(yaml.safe_dump(described))
    return next_one


def _git(*arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, timeout=60, check=False)
