"""Files that only their owner can read."""

import os
import secrets
from pathlib import Path

UNFINISHED = ".mintmark-unfinished"
"""The ending of the names of incomplete files, which remain only where a process is killed."""


def write_privately(path: Path, content: bytes) -> None:
    """Write a file that only its owner can read, atomically; a file or link of this name is replaced. Raises OSError."""
    temporary = path.with_name(f".{secrets.token_hex(8)}{UNFINISHED}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
