"""Objects made of files (certificates, keys), and made anew when the files change, without a restart."""

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Generic, TypeVar

from service.observe.events import Event

log = logging.getLogger(__name__)
_Made = TypeVar("_Made")


class WatchedFiles(Generic[_Made]):
    """An object made of files. They are checked at each use, which takes a microsecond or two and needs no background task."""

    def __init__(self, paths: Iterable[Path], make: Callable[[], _Made]) -> None:
        """Read the files.

        Args:
            paths: The files; a link that leads elsewhere is a change, too.
            make: Reads them. Raises OSError, ValueError.

        Raises:
            OSError, ValueError: They cannot be read now.
        """
        self._paths, self._make = tuple(paths), make
        self._seen = self._stamp()
        self._made = make()

    @property
    def current(self) -> _Made:
        """The current object; the previous one where the files cannot be read, or do not go together yet."""
        stamp = self._stamp()
        if stamp != self._seen:
            self._seen = stamp
            names = ", ".join(map(str, self._paths))
            try:
                self._made = self._make()
                log.info(Event.FILES_RELOADED, extra={"files": names})
            except (OSError, ValueError) as error:
                log.error(Event.FILES_UNREADABLE, extra={"files": names, "reason": str(error)[:200]})
        return self._made

    def _stamp(self) -> tuple[tuple[int, int, int], ...]:
        return tuple(map(_stamp_of, self._paths))


def _stamp_of(path: Path) -> tuple[int, int, int]:
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return (found.st_ino, found.st_mtime_ns, found.st_size)
