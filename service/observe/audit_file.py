"""The audit log once more, as lines of JSON in a file: for those who collect files, or keep them longer than Redis does."""

import os
from pathlib import Path


class AuditFile:
    """Opened for each line, so that a file that was rotated away is not written to any more; several processes may share it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def check(self) -> None:
        """Raises OSError where no line could be written."""
        os.close(self._open())

    def append(self, line: bytes) -> None:
        """One write of the whole line, so that those of other processes stand before or after it. Raises OSError."""
        file = self._open()
        try:
            if os.write(file, line + b"\n") != len(line) + 1:
                raise OSError(f"{self._path}: the disk is full")
        finally:
            os.close(file)

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
