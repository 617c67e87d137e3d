"""The Python distributions: of the server and of the guard, each as sdist and wheel."""

import sys
from pathlib import Path

from release.commands import run

FOLDERS = ("", "guard")
"""Where their ``pyproject.toml`` are."""


def make(source: Path, into: Path, moment: str) -> None:
    """Build them.

    Args:
        source: What is committed.
        into: Where they go.
        moment: Epoch seconds of every file in them, so that they are the same wherever they are built.
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
