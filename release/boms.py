"""Bills of materials in CycloneDX: the dependencies of the server, the image and the guard, from the lock files.

That of the image lists what we put into it; for the content of its base see the bill of the base, or scan the built image.
"""

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import quote

from release.commands import ReleaseError, run

_SCHEMA = "1.6"


def make(source: Path, into: Path, version: str, moment: str) -> None:
    """Write ``NAME-VERSION.cdx.json`` for each of them.

    Args:
        source: The folder with the committed files.
        into: The folder for the bills.
        version: Of the release.
        moment: Epoch seconds, the time that the bills state.

    Raises:
        ReleaseError: A bill cannot be made, or is invalid.
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
            f"--spec-version={_SCHEMA}",
            "--output-reproducible",
            "--no-validate",  # it is validated below, with its version
            str(lock),
            variables={"SOURCE_DATE_EPOCH": moment},
        )
        bom = _of_version(json.loads(written), version)
        if name == "mintmark-image":
            bom["components"].append(_base(source / "Dockerfile"))
        text = json.dumps(bom, indent=1) + "\n"
        _check(name, text)
        (into / f"{name}-{version}.cdx.json").write_text(text)


def _check(name: str, text: str) -> None:
    from cyclonedx.schema import SchemaVersion  # takes seconds, and an impossible release must fail at once
    from cyclonedx.validation.json import JsonStrictValidator

    if fault := JsonStrictValidator(SchemaVersion.from_version(_SCHEMA)).validate_str(text):
        raise ReleaseError(f"the bill of materials of {name} is not as CycloneDX has it: {fault}")


def _base(dockerfile: Path) -> dict[str, Any]:
    """Return the component for the image's base, with its digest where it is pinned."""
    (reference,) = re.findall(r"^ARG PYTHON=(\S+)$", dockerfile.read_text(encoding="utf-8"), re.MULTILINE)
    named, _, digest = reference.partition("@")
    name, _, tag = named.partition(":")
    purl = f"pkg:oci/{name}@{quote(digest, safe='')}?tag={tag}" if digest else f"pkg:oci/{name}?tag={tag}"
    hashes = [{"alg": "SHA-256", "content": digest.removeprefix("sha256:")}] if digest else []
    described = {"type": "container", "bom-ref": "base", "name": name, "version": tag, "purl": purl, "hashes": hashes}
    return {member: value for member, value in described.items() if value}


def _of_version(bom: dict[str, Any], version: str) -> dict[str, Any]:
    """Add the version of the main component, which pyproject.toml does not contain."""
    about = bom["metadata"]["component"]
    about |= {"version": version, "purl": f"pkg:pypi/{about['name']}@{version}"}
    return bom
