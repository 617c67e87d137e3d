"""Running git, and the programs that make what is released."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]


class ReleaseError(Exception):
    """Why there is no release; for people."""


def run(*command: str, folder: Path = ROOT, variables: Mapping[str, str] | None = None) -> str:
    """Return what a command prints. Raises ReleaseError."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **(variables or {})},
            stdin=subprocess.DEVNULL,  # who asks (helm, for a passphrase) is not seen, and would wait for ever
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
    """Return what git says of this repository. Raises ReleaseError."""
    return run("git", *arguments)
