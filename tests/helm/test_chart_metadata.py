"""What the chart says of itself, to helm and to Artifact Hub."""

import base64

import yaml  # type: ignore[import-untyped]

from service.declared import KINDS, parse_manifest
from tests.helm.chart import CHART, helm

CHART_YAML = yaml.safe_load((CHART / "Chart.yaml").read_text())
SAID = {name.removeprefix("artifacthub.io/"): text for name, text in CHART_YAML["annotations"].items()}
LEAST = "settings.issuer=https://login.example.com,tls.existingSecret=tls"


def test_helm_misses_nothing() -> None:
    """Neither an icon nor anything else that it only recommends."""
    linted = helm("lint", "--strict", str(CHART), "--set", LEAST)
    assert linted.returncode == 0, linted.stdout
    assert "[" not in linted.stdout, linted.stdout


def test_its_icon_is_that_of_the_console() -> None:
    icon = CHART.parents[1] / "service/fronts/console/icon.svg"
    kind, _, content = CHART_YAML["icon"].partition(",")
    assert kind == "data:image/svg+xml;base64"
    assert base64.b64decode(content) == icon.read_bytes()


def test_its_crds_are_those_that_it_says() -> None:
    crds = [yaml.safe_load(path.read_text()) for path in sorted(CHART.glob("files/crds/*.yaml"))]
    names = {
        (one["spec"]["names"]["kind"], one["metadata"]["name"], one["spec"]["versions"][0]["name"]) for one in crds
    }
    said = yaml.safe_load(SAID["crds"])
    assert {(one["kind"], one["name"], one["version"]) for one in said} == names
    assert {one["kind"] for one in said} == set(KINDS)
    for example in yaml.safe_load(SAID["crdsExamples"]):
        parse_manifest(example)
    assert SAID["prerelease"] in ("true", "false")
