"""The Python distributions of the server and the guard, each as sdist and wheel."""

import sys
from pathlib import Path

from release.commands import run

FOLDERS = ("", "guard")
"""The folders with their ``pyproject.toml``."""


def make(source: Path, into: Path, moment: str) -> None:
    """Build the distributions.

    Args:
        source: The folder with the committed files.
        into: The folder for the distributions.
        moment: The time of every file in them in epoch seconds, so that every build has the same result.

    Raises:
        ReleaseError: A build fails.
    """
    for folder in FOLDERS:
        run(
            sys.executable,
            "-m",
            "hatchling",
            "build",
            "--target=sdist",
            "--target=wheel",
            f"--directory={into}",
            folder=source / folder,
            variables={"SOURCE_DATE_EPOCH": moment},
        )
