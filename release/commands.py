"""Running git, and the programs that make the release."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]


class ReleaseError(Exception):
    """There is no release; the text is the reason."""


def run(*command: str, folder: Path = ROOT, variables: Mapping[str, str] | None = None) -> str:
    """Run a command and return its output. Raises ReleaseError where it fails."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **(variables or {})},
            stdin=subprocess.DEVNULL,  # otherwise a hidden prompt (of helm, for a passphrase) would wait without an end
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise ReleaseError(f"{command[0]} cannot be run: {error.strerror or error}") from error
    if done.returncode:
        raise ReleaseError(f"{' '.join(command)}\n{done.stdout}{done.stderr}".rstrip())
    return done.stdout.strip()


def git(*arguments: str) -> str:
    """Run git in this repository and return its output. Raises ReleaseError where it fails."""
    return run("git", *arguments)
