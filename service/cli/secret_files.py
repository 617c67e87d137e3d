"""Where ``mintmark apply`` puts secrets of clients: files for their owner alone, each there before the service hears of it."""

import fcntl
import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from service.admin.errors import InvalidInput
from service.client_auth import has_secret
from service.declared import DeclaredAct
from service.declared.applying import AppliedObject
from service.protocol.credentials import Kind, new_secret

_UNFINISHED = ".mintmark-unfinished"
"""How names of files end that are being written."""


class SecretFiles:
    """New secrets, and their files in a folder.

    A secret is made here and written into a pending file, then imported by the service, then the file gets its name. Who is
    broken off anywhere, and applies again, finds the pending file and goes on with the same secret.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        """None: secrets are shown, and kept nowhere."""
        self.files: dict[str, Path] = {}
        """Those that were written, by client_id."""

    def resume(self, objects: Iterable[AppliedObject]) -> None:
        """Mark clients for whom there is a pending file: nobody knows whether the service has heard of what is in it."""
        for one in objects:
            if one.change is None or one.error or one.change.act not in (DeclaredAct.UPDATE, DeclaredAct.NOTHING):
                continue
            pending = self._pending(one)
            if pending and has_secret(one.change.members.get("auth_method", "none")) and os.path.lexists(pending):
                one.change, one.resumes = replace(one.change, act=DeclaredAct.UPDATE), not one.change.needs_secret

    def refuse_taken(self, objects: Iterable[AppliedObject]) -> None:
        """Write into those whose secret has no file for itself that this is so: what is in a file may be the only copy."""
        taken: set[Path] = set()
        for one in objects:
            if self.folder is None or not one.gets_secret or one.error:
                continue
            path = self.folder / _name(one)
            if path in taken:
                one.error = (
                    f"its secret would go to {path}, as that of another client: name another file (spec.secret.name)"
                )
            elif os.path.lexists(path):
                one.error = _taken(path)
            taken.add(path)

    def make(self, objects: Iterable[AppliedObject]) -> None:
        """Give each that needs one a secret, in a pending file, or the one that is pending since another apply."""
        for one in objects:
            if not one.gets_secret or one.error:
                continue
            pending = self._pending(one)
            if pending is None:
                one.secret = new_secret(Kind.CLIENT_SECRET, os.urandom, one.secret_bytes)
                continue
            try:
                held = _held(pending)
                if len(held) < one.secret_bytes:
                    held = new_secret(Kind.CLIENT_SECRET, os.urandom, one.secret_bytes)
                    _write(pending, held + "\n")
                one.secret = held
            except (OSError, UnicodeDecodeError) as error:
                one.error = f"its secret cannot be kept in {pending}: {error}"

    def keep(self, made: AppliedObject) -> None:
        """Give the pending file of a client the name that its manifest says, or that of the manifest."""
        pending = self._pending(made)
        if pending is None or self.folder is None:
            return
        path = self.folder / _name(made)
        if os.path.lexists(path):
            made.error = _taken(path)
            return
        try:
            self.files[made.key] = pending.replace(path)
            _keep_name(path)
        except OSError as error:
            made.error = f"its secret is in {pending} and cannot be moved to {path}: {error.strerror or error}"

    def _pending(self, one: AppliedObject) -> Path | None:
        """Of one client alone, whatever its file is to be called."""
        return self.folder / f".{sha256(one.key.encode()).hexdigest()[:32]}.mintmark-pending" if self.folder else None


@contextmanager
def secret_files(folder: Path | None, *, writes: bool) -> Iterator[SecretFiles]:
    """Make the folder, if it is not there, and let no other apply write into it meanwhile.

    Args:
        folder: Where secrets go; None: nowhere.
        writes: Whether anything is to be written.

    Raises:
        InvalidInput: Nothing can be written to it, or another apply writes to it.
    """
    if folder is None or not writes:
        yield SecretFiles(folder)
        return
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        _lock(lock, folder)
        _try_writing(folder)
        yield SecretFiles(folder)
    finally:
        os.close(lock)


def _lock(lock: int, folder: Path) -> None:
    """Raise InvalidInput where another apply holds it; a file system that knows no locks has none."""
    with suppress(OSError):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InvalidInput(f"--secrets-to: another apply writes to {folder}: wait until it has ended") from error


def _try_writing(folder: Path) -> None:
    """Raise InvalidInput where nothing can be written; what an apply that was broken off was writing goes."""
    try:
        for one in folder.glob(f".*{_UNFINISHED}"):
            one.unlink()
        _write(folder / ".mintmark-apply", "").unlink()
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> InvalidInput:
    return InvalidInput(f"--secrets-to: {folder} cannot be written to: {error.strerror or error}")


def _name(one: AppliedObject) -> str:
    """Of the file of its secret."""
    if one.change is None:
        return ""
    return one.change.secret.name if one.change.secret else one.change.name


def _taken(path: Path) -> str:
    return f"its secret would go to {path}, which is there already, maybe with that of another: move it away"


def _held(pending: Path) -> str:
    """Return the secret in a pending file, "" where there is none.

    Its name can be guessed. In a folder that others may write to, one of them could put a secret there, and know it.

    Raises:
        OSError: It cannot be read, or is not our own.
        UnicodeDecodeError: It holds something else.
    """
    try:
        descriptor = os.open(pending, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        return ""
    with os.fdopen(descriptor, encoding="ascii") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid():
            raise PermissionError("another user made it: delete it")
        return file.read().strip()


def _write(path: Path, content: str) -> Path:
    """Write a file that only we can read, whole or not at all. Raises OSError."""
    temporary = path.with_name(f".{secrets.token_hex(8)}{_UNFINISHED}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        written = temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    _keep_name(path)
    return written


def _keep_name(path: Path) -> None:
    """Let the name of a file outlive a power cut, where the file system can. Raises OSError."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
