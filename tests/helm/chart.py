"""The chart as the real helm renders it, once for each set of values."""

import os
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from tests.helm import tools

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "mintmark"
VALUES = Path(__file__).parent / "values"
EXAMPLES = CHART / "examples"
FILES = {path.stem: path for folder in (VALUES, EXAMPLES) for path in sorted(folder.glob("*.yaml"))}
MATRIX = sorted(path.stem for path in VALUES.glob("*.yaml"))
"""The sets of values of the tests."""
ALL = sorted(FILES)
"""The same, and the chart's own examples."""

Object = dict[str, Any]


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run helm, for the oldest of the Kubernetes versions that everything is validated for."""
    command = [str(tools.program(tools.HELM)), *arguments, "--kube-version", tools.KUBERNETES[0]]
    frugal = os.environ | {"GOGC": "off"}  # collecting the garbage of a tenth of a second takes a fifth of it
    return subprocess.run(command, env=frugal, capture_output=True, text=True, timeout=60, check=False)


@cache
def text(values: str, *options: str, release: str = "tokens") -> str:
    """What ``helm template`` prints for a file of ``values/`` and further options. Raises AssertionError with its complaint."""
    done = helm("template", release, str(CHART), "--namespace", "identity", "-f", str(FILES[values]), *options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def objects(values: str, *options: str, release: str = "tokens") -> list[Object]:
    """The objects that are made."""
    return documents(text(values, *options, release=release))


def documents(manifests: str) -> list[Object]:
    """What is in a stream of YAML, without what is empty; by the reader in C, for there are megabytes of it."""
    return [one for one in yaml.load_all(manifests, yaml.CSafeLoader) if one]


def of_kind(kind: str, values: str, *options: str) -> list[Object]:
    """Those of a kind."""
    return [one for one in objects(values, *options) if one["kind"] == kind]


def the(kind: str, values: str, *options: str, component: str = "server") -> Object:
    """The one of a kind that the chart makes for a component."""
    label = "app.kubernetes.io/component"
    (found,) = (one for one in of_kind(kind, values, *options) if one["metadata"]["labels"][label] == component)
    return found


def refusal(values: str, *options: str) -> str:
    """Why helm refuses."""
    done = helm("template", "tokens", str(CHART), "-f", str(FILES[values]), *options)
    assert done.returncode != 0, f"helm takes {options}"
    return done.stderr


def pod_templates(values: str, *options: str, release: str = "tokens") -> Iterator[tuple[str, Object]]:
    """Kind and name of whatever makes pods, and the template of its pods."""
    for one in objects(values, *options, release=release):
        if one["kind"] in ("Deployment", "StatefulSet", "Job"):
            yield f"{one['kind']} {one['metadata']['name']}", one["spec"]["template"]


def settings(values: str, *options: str) -> dict[str, Any]:
    """The settings file."""
    (config,) = (one for one in of_kind("ConfigMap", values, *options) if "mintmark.yaml" in one["data"])
    found = yaml.safe_load(config["data"]["mintmark.yaml"])
    assert isinstance(found, dict)
    return found
