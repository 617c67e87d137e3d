"""docs/how-to/kubernetes.md, kubernetes-objects.md and the chart's README: their values and commands, by the real helm."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from tests.helm import tools
from tests.helm.chart import CHART, FILES, ROOT, documents, helm
from tests.pages import Page

PAGE = ROOT / "docs/how-to/kubernetes.md"
PAGES = (PAGE, ROOT / "docs/how-to/kubernetes-objects.md", CHART / "README.md")


def _commands(page: Path, program: str) -> list[list[str]]:
    blocks = re.findall(r"^```console\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    found = [shlex.split(line.removeprefix("$ "), comments=True) for line in lines]
    return [command for command in found if command[:1] == [program]]


def test_the_values_make_what_the_page_says(tmp_path: Path) -> None:
    values = tmp_path / "values.yaml"
    values.write_text(Page("how-to/kubernetes.md").block("yaml"))
    done = helm("template", "mintmark", str(CHART), "--namespace", "identity", "-f", str(values))
    assert done.returncode == 0, done.stderr
    objects = documents(done.stdout)
    kinds = [one["kind"] for one in objects]
    assert {"Deployment", "Ingress", "Job"} <= set(kinds)
    assert any("invoices" in str(one) for one in objects if one["kind"] == "Job")
    assert "sentinel-0.redis" in done.stdout


def _needed(value: Any) -> Iterator[tuple[str, str]]:
    """Secrets that objects read, each with a key, "" for all of them."""
    if isinstance(value, dict):
        if "secretKeyRef" in value:
            yield value["secretKeyRef"]["name"], value["secretKeyRef"]["key"]
        if isinstance(volume := value.get("secret"), dict):
            name = volume.get("secretName") or volume["name"]
            yield from ((name, one["key"]) for one in volume.get("items", [{"key": ""}]))
        for one in value.values():
            yield from _needed(one)
    elif isinstance(value, list):
        for one in value:
            yield from _needed(one)


def test_every_secret_that_pods_need_is_made_on_the_page(tmp_path: Path) -> None:
    """Else whoever follows it has pods that wait, or a Job that fails."""
    values = tmp_path / "values.yaml"
    values.write_text(Page("how-to/kubernetes.md").block("yaml"))
    made = helm("template", "mintmark", str(CHART), "--namespace", "identity", "-f", str(values)).stdout
    own = {one["metadata"]["name"] for one in documents(made) if one["kind"] == "Secret"}
    needed = {(name, key) for one in documents(made) for name, key in _needed(one) if name not in own}
    text = PAGE.read_text()
    assert {name for name, _ in needed} == {"mintmark", "redis", "invoices"}
    for name, key in needed:
        assert re.search(rf"create secret generic {name} --from-file=({key}\b|\S*/{key}\b)", text), (name, key)
    (ingress,) = (one for one in documents(made) if one["kind"] == "Ingress")
    assert f"Secret `{ingress['spec']['tls'][0]['secretName']}`" in text


def test_a_secret_that_a_command_makes_has_no_newline() -> None:
    """An application that reads it as a variable would send the newline, too."""
    lines = [line for page in PAGES for line in page.read_text().splitlines() if "/dev/stdin" in line]
    assert lines
    for line in lines:
        made = subprocess.run(["sh", "-c", line.partition("| kubectl")[0]], capture_output=True, text=True, check=True)
        assert len(made.stdout) > 32
        assert "\n" not in made.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_of_helm_is_one(page: Path, tmp_path: Path) -> None:
    """What installs is rendered as it stands there; of what changes a release, Helm knows each option."""
    values, *_ = re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    (tmp_path / "values.yaml").write_text(values)
    commands = _commands(page, "helm")
    assert commands
    for _, act, *arguments in commands:
        if act == "install":
            here = [str(ROOT / one) if one == "helm/mintmark" else one for one in arguments]
            here = [str(tmp_path / one) if one.endswith(".yaml") else one for one in here]
            done = helm("template", *here)
            assert done.returncode == 0, done.stderr
            continue
        options = {one for one in arguments if one.startswith("-")}
        described = [str(tools.program(tools.HELM)), act, "--help"]
        said = subprocess.run(described, capture_output=True, text=True, check=True).stdout
        assert all(re.search(rf"(^|[ ,]){re.escape(one)}\b", said, re.MULTILINE) for one in options), (act, options)


def test_the_values_of_the_readme_are_taken(tmp_path: Path) -> None:
    """And what it names for others: External Secrets, Reloader, a quota, an emptyDir of one's own."""
    text = (CHART / "README.md").read_text()
    values = tmp_path / "values.yaml"
    values.write_text(re.findall(r"^```yaml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)[0])
    assert helm("lint", "--strict", str(CHART), "-f", str(values)).returncode == 0
    for member in re.findall(r"`((?:commonAnnotations|podAnnotations): \{.*?\})`", text):
        (tmp_path / "more.yaml").write_text(member)
        done = helm("template", str(CHART), "-f", str(FILES["default"]), "-f", str(tmp_path / "more.yaml"))
        assert done.returncode == 0, done.stderr
        assert next(iter(yaml.safe_load(member).popitem()[1])) in done.stdout
