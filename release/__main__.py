"""``python -m release 0.2.0``: check, write the version everywhere, commit, make every published file, and tag."""

import argparse
import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from release import boms, changelog, chart, distributions, signing, versions
from release.commands import ReleaseError, git, run

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"


def main() -> None:
    """Make a release, or leave everything as it was and say why."""
    wanted = _arguments()
    try:
        before = _check(wanted.version)
        try:
            made = _make(wanted)
        except BaseException:
            _undo(before)
            raise
    except ReleaseError as error:
        sys.exit(f"Not released: {error}")
    _show_next_steps(wanted, made)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m release", description=main.__doc__)
    parser.add_argument("version", help="0.2.0")
    parser.add_argument("--repository", default="", help="URL of the source, for the chart's metadata")
    parser.add_argument(
        "--image", default="mintmark", help="the image without its tag, as the chart's metadata names it"
    )
    parser.add_argument(
        "--base", default="", help="what the image is made of, by its digest: python:3.13-slim-bookworm@sha256:…"
    )
    parser.add_argument("--helm", default="helm", help="the program")
    parser.add_argument(
        "--sign", default="", metavar="KEY", help="sign the chart (provenance) and SHA256SUMS by this key of gpg"
    )
    parser.add_argument("--keyring", type=Path, help="secret keys for helm and gpg: gpg --export-secret-keys > FILE")
    parser.add_argument("--passphrase-file", type=Path, help="the passphrase of the key, if it has one")
    wanted = parser.parse_args()
    if wanted.sign and not wanted.keyring:
        parser.error("--sign needs --keyring: helm reads a file that `gpg --export-secret-keys > FILE` writes")
    return wanted


def _check(version: str) -> str:
    """Check that a release can be made here, and return the commit that is checked out. Raises ReleaseError."""
    versions.check(version)
    branch = git("rev-parse", "--abbrev-ref", "HEAD")
    if branch != "main":
        raise ReleaseError(f"this is the branch {branch}: releases are made of main")
    if dirty := git("status", "--porcelain"):
        raise ReleaseError(f"something is not committed:\n{dirty}")
    if git("tag", "--list", f"v{version}"):
        raise ReleaseError(f"there is a tag v{version} already")
    released = [versions.numbers(tag.removeprefix("v")) for tag in git("tag", "--list", "v*").split()]
    if newer := [one for one in released if one >= versions.numbers(version)]:
        raise ReleaseError(f"v{'.'.join(map(str, max(newer)))} was released already")
    changelog.check()
    return git("rev-parse", "HEAD")


def _make(wanted: argparse.Namespace) -> list[Path]:
    """Commit the release, make its files from that commit alone, tag it, and return the files."""
    version, day = wanted.version, datetime.now(UTC).date().isoformat()
    versions.write(version)
    if wanted.base:
        versions.pin_base(wanted.base)
    news = changelog.close(version, day)
    run(sys.executable, "-m", "tests.records.kept", version)
    git("add", "--all")
    git("commit", "--quiet", "--message", f"Release {version}", "--message", "What changed is in CHANGELOG.md.")
    shutil.rmtree(DIST, ignore_errors=True)
    DIST.mkdir()
    moment = git("log", "-1", "--format=%ct")
    key = (wanted.sign, wanted.keyring, wanted.passphrase_file)
    of_chart = chart.Wanted(version, wanted.helm, wanted.image, wanted.repository, *key)
    with tempfile.TemporaryDirectory(prefix="mintmark-release-") as folder:
        source = Path(folder)
        _export(source)
        chart.make(source / "helm/mintmark", DIST, of_chart, news)
        distributions.make(source, DIST, moment)
        boms.make(source, DIST, version, moment)
    made = sorted(path for path in DIST.iterdir())
    sums = DIST / "SHA256SUMS"
    sums.write_text("".join(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in made))
    signatures = [signing.sign(sums, of_chart)] if wanted.sign else []
    git("tag", "--annotate", f"v{version}", "--message", f"Mintmark {version}")
    return [*made, sums, *signatures]


def _export(folder: Path) -> None:
    """Copy what is committed into a folder, so that no cache and no forgotten file gets into the release."""
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, check=True, capture_output=True).stdout
    with tarfile.open(fileobj=BytesIO(archive)) as files:
        files.extractall(folder, filter="tar")


def _undo(before: str) -> None:
    """Go back to the commit before. Nothing was pushed, and as the tree was clean, nothing is lost."""
    subprocess.run(["git", "reset", "--quiet", "--hard", before], cwd=ROOT, check=False)
    subprocess.run(["git", "clean", "--quiet", "--force", "tests/records/releases"], cwd=ROOT, check=False)


def _show_next_steps(wanted: argparse.Namespace, made: list[Path]) -> None:
    version, image = wanted.version, f"{wanted.image}:{wanted.version}"
    source, revision = wanted.repository or "URL-OF-THE-SOURCE", git("rev-parse", "HEAD")
    print(f"Mintmark {version} is committed and tagged v{version}; nothing is published yet. In dist/:\n")
    print("\n".join(f"  {path.name}  {path.stat().st_size:,} bytes" for path in made))
    if not wanted.base:
        print(
            "\nThe image's base is not pinned: BASE=…@sha256:…, as `docker buildx imagetools inspect` says it, would do so."
        )
    print(
        f"""
Look at it, then:

  git push origin main v{version}
  docker buildx build --platform linux/amd64,linux/arm64 --push -t {image} \\
      --build-arg VERSION={version} --build-arg REVISION={revision} --build-arg SOURCE={source} .
  helm push dist/mintmark-{version}.tgz oci://REGISTRY/charts
  twine upload dist/*.whl dist/*.tar.gz

To take it back before it is pushed: git tag -d v{version} && git reset --hard HEAD~1"""
    )


if __name__ == "__main__":
    main()
