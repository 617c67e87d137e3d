"""The programs of a Kubernetes cluster: found in $KUBEBUILDER_ASSETS, or built once from Kubernetes' own Go module.

What is built lies in the folder of tests/helm/tools.py under Kubernetes' version. That takes half an hour on two busy cores.
"""

import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.helm import tools
from tests.helm.kubernetes_schemas import EXTENSIONS

VERSION = "v1.36.3"
"""The one whose node these tests have run with Debian's containerd; tests/helm looks at what newer ones know."""
PACKAGES = {"etcd": "go.etcd.io/etcd/server/v3"} | {
    name: f"k8s.io/kubernetes/cmd/{name}"
    for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "kubelet", "kube-proxy")
}
BUILD_SECONDS = 3600

_PLACE = tools.CACHE / f"kubernetes-{VERSION}"
_STAGED = re.compile(r"^\s+(k8s\.io/\S+) => \./staging/", re.MULTILINE)


def program(name: str) -> Path:
    """A program of ``PACKAGES`` or containerd. Skips where it is neither there nor can be built."""
    # The variable of envtest, which operators' own tests are run by.
    if (found := Path(os.environ.get("KUBEBUILDER_ASSETS", "/usr/local/kubebuilder/bin")) / name).exists():
        return found
    if name in ("etcd", "containerd") and (of_the_machine := shutil.which(name)):
        return Path(of_the_machine)  # Debian's will do
    with tools.one_at_a_time("kubernetes"):
        if not (_PLACE / name).exists():
            _build(name)
    return _PLACE / name


def _build(name: str) -> None:
    sources = _PLACE / "module"
    sources.mkdir(parents=True, exist_ok=True)
    if not (sources / "go.mod").exists():
        (sources / "go.mod").write_text(_module())
    _, minor, _ = VERSION.split(".")
    stamped = {"gitVersion": VERSION, "gitMajor": "1", "gitMinor": minor}
    flags = " ".join(f"-X k8s.io/component-base/version.{one}={value}" for one, value in stamped.items())
    # Renamed when whole: a build that is broken off leaves nothing that looks like a program.
    arguments = ["-mod=mod", "-trimpath", "-ldflags", f"-s -w {flags}", "-o", f"{_PLACE / name}.new", PACKAGES[name]]
    tools.go("build", *arguments, environment={"CGO_ENABLED": "0"}, folder=sources, seconds=BUILD_SECONDS)
    (_PLACE / f"{name}.new").rename(_PLACE / name)


def _module() -> str:
    """A go.mod that Kubernetes builds in: its own names parts of itself by folders that the published module has not."""
    described = (tools.module(f"k8s.io/kubernetes@{VERSION}") / "go.mod").read_text()
    (language,) = re.findall(r"^go (\S+)$", described, re.MULTILINE)
    (etcd,) = re.findall(r"^\s+go\.etcd\.io/etcd/server/v3 (\S+)", described, re.MULTILINE)
    version = VERSION.replace("v1.", "v0.")
    replaced = "".join(f"replace {one} => {one} {version}\n" for one in _STAGED.findall(described))
    needed = f"require k8s.io/kubernetes {VERSION}\nrequire go.etcd.io/etcd/server/v3 {etcd}\n"
    return f"module mintmark.example/cluster\n\ngo {language}\n\n{needed}\n{replaced}"


def _fetch_all() -> None:
    """Programs, helm, and the kinds of others: the tests have no network."""
    for name in PACKAGES:
        print(program(name))
    print(tools.program(tools.HELM))
    for path_and_version in EXTENSIONS:
        print(tools.module(path_and_version))


if __name__ == "__main__":
    try:
        _fetch_all()
    except pytest.skip.Exception as missing:
        print(f"NO CLUSTER: {missing}")  # the tests say so again
    except pytest.fail.Exception as failed:
        sys.exit(str(failed))
