"""A copy of the audit log as JSON lines in a file, to be collected, or kept longer than in Redis."""

import os
from pathlib import Path


class AuditFile:
    """A file that is opened for each line, as it may be rotated. Several processes may share it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def check(self) -> None:
        """Check that a line could be written. Raises OSError."""
        os.close(self._open())

    def append(self, line: bytes) -> None:
        """Append a line by a single write, so that lines of other processes never come in between. Raises OSError."""
        file = self._open()
        try:
            if os.write(file, line + b"\n") != len(line) + 1:
                raise OSError(f"{self._path}: the disk is full")
        finally:
            os.close(file)

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
