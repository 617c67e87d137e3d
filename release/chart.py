"""The chart as a package for OCI registries, with annotations for Artifact Hub."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml  # type: ignore[import-untyped]

from release.changelog import Entry
from release.commands import run

_LEAST = "settings.issuer=https://login.example.com,tls.existingSecret=tls"
"""The values without which the chart cannot be rendered."""
_MOST = 50
"""The most changes that are listed."""


class Wanted(NamedTuple):
    """The properties of a release of the chart."""

    version: str
    helm: str
    """The helm program."""
    image: str
    """The image, without its tag."""
    repository: str
    """The URL of the source, "" for none."""
    key: str
    """The key of gpg that signs the chart, "" for none."""
    keyring: Path | None
    passphrase: Path | None
    """The file with the key's passphrase; None: it has none."""


def make(chart: Path, into: Path, wanted: Wanted, news: Sequence[Entry]) -> None:
    """Package the chart.

    Args:
        chart: A copy of the committed chart, whose ``Chart.yaml`` is changed.
        into: The folder for the package and its provenance file.
        wanted: Its properties.
        news: All changes of the release.

    Raises:
        ReleaseError: helm fails.
    """
    path = chart / "Chart.yaml"
    described = yaml.safe_load(path.read_text(encoding="utf-8"))
    described["annotations"] |= _annotations(wanted, news)
    if wanted.repository:
        described |= {"home": wanted.repository, "sources": [wanted.repository]}
    path.write_text(_written(described), encoding="utf-8")
    run(wanted.helm, "lint", "--strict", str(chart), "--set", _LEAST)
    signed: tuple[str, ...] = ("--sign", "--key", wanted.key, "--keyring", str(wanted.keyring)) if wanted.key else ()
    if wanted.key and wanted.passphrase:
        signed += ("--passphrase-file", str(wanted.passphrase.absolute()))
    run(wanted.helm, "package", str(chart), "--destination", str(into), *signed)


def _annotations(wanted: Wanted, news: Sequence[Entry]) -> dict[str, str]:
    """Return the annotations for Artifact Hub, each in YAML (https://artifacthub.io/docs/topics/annotations/helm/)."""
    of_chart = [one for one in news if "chart" in one.text.lower() or "operator" in one.text.lower()]
    changes = [{"kind": one.kind, "description": one.text} for one in of_chart[:_MOST]]
    images = [
        {"name": "mintmark", "image": f"{wanted.image}:{wanted.version}", "platforms": ["linux/amd64", "linux/arm64"]}
    ]
    found = {"artifacthub.io/changes": changes, "artifacthub.io/images": images}
    if wanted.repository:
        found["artifacthub.io/links"] = [{"name": "source", "url": wanted.repository}]
    return {name: _written(value) for name, value in found.items() if value}


def _written(value: Any) -> str:  # noqa: ANN401 (YAML)
    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=1000)
    return text
