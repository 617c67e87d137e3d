"""Bills of material in CycloneDX: what the server, the image and the guard are made of, from the lock files.

Of the image it is what we put into it; what its base holds is for the bill of the base, or a scanner of the built image.
"""

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from release.commands import ReleaseError, run

_SCHEMA = SchemaVersion.V1_6


def make(source: Path, into: Path, version: str, moment: str) -> None:
    """Write ``NAME-VERSION.cdx.json`` of each.

    Args:
        source: What is committed.
        into: Where they go.
        version: Of the release.
        moment: Epoch seconds that they are made at.
    """
    guard = source / "guard-requirements.txt"
    declared = tomllib.loads((source / "guard/pyproject.toml").read_text())["project"]["dependencies"]
    guard.write_text("".join(f"{one}\n" for one in declared))
    for name, kind, project, lock in (
        ("mintmark", "application", source / "pyproject.toml", source / "requirements/run.txt"),
        ("mintmark-image", "application", source / "pyproject.toml", source / "requirements/image.txt"),
        ("mintmark-guard", "library", source / "guard/pyproject.toml", guard),
    ):
        written = run(
            sys.executable,
            "-m",
            "cyclonedx_py",
            "requirements",
            f"--pyproject={project}",
            f"--mc-type={kind}",
            f"--spec-version={_SCHEMA.to_version()}",
            "--output-reproducible",
            "--no-validate",  # it is below, with its version
            str(lock),
            variables={"SOURCE_DATE_EPOCH": moment},
        )
        bom = _of_version(json.loads(written), version)
        text = json.dumps(bom, indent=1) + "\n"
        if fault := JsonStrictValidator(_SCHEMA).validate_str(text):
            raise ReleaseError(f"the bill of materials of {name} is not as CycloneDX has it: {fault}")
        (into / f"{name}-{version}.cdx.json").write_text(text)


def _of_version(bom: dict[str, Any], version: str) -> dict[str, Any]:
    """With the version of what it is about, which pyproject.toml does not say itself."""
    about = bom["metadata"]["component"]
    about |= {"version": version, "purl": f"pkg:pypi/{about['name']}@{version}"}
    return bom
