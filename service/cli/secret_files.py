"""Files in which ``mintmark apply`` puts secrets of clients: only for their owner, and written before the service is called."""

import fcntl
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from service.admin.errors import InvalidInput
from service.cli.private_files import UNFINISHED, write_privately
from service.client_auth import has_secret
from service.declared import DeclaredAct
from service.declared.applying import AppliedObject
from service.protocol.credentials import Kind, new_secret


class SecretFiles:
    """New secrets, and their files in a folder.

    A secret is made here and written into a pending file, then imported by the service, then the file gets its name. After an
    interruption, the next apply finds the pending file and continues with the same secret.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        """None: secrets are shown, and not stored."""
        self.files: dict[str, Path] = {}
        """The files that were written, by client_id."""

    def resume(self, objects: Iterable[AppliedObject]) -> None:
        """Mark clients with a pending file, as the service may or may not have stored the secret in it."""
        for one in objects:
            if one.change is None or one.error or one.change.act not in (DeclaredAct.UPDATE, DeclaredAct.NOTHING):
                continue
            pending = self._pending(one)
            if pending and has_secret(one.change.members.get("auth_method", "none")) and os.path.lexists(pending):
                one.change, one.resumes = replace(one.change, act=DeclaredAct.UPDATE), not one.change.needs_secret

    def refuse_taken(self, objects: Iterable[AppliedObject]) -> None:
        """Set the error of clients whose file exists or is another's, as a file may hold the only copy of a secret."""
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
        """Give each client that needs one a secret: the pending one of an earlier apply, or a new one in a pending file."""
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
        """Rename the pending file of a client to ``spec.secret.name``, or to the name of the manifest."""
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
        """Return the pending file of a client; its name depends only on the client_id."""
        return self.folder / f".{sha256(one.key.encode()).hexdigest()[:32]}.mintmark-pending" if self.folder else None


@contextmanager
def secret_files(folder: Path | None, *, writes: bool) -> Iterator[SecretFiles]:
    """Create the folder, if it does not exist, and lock it against other applies until the block ends.

    Args:
        folder: The folder for secrets, which Git ignores where it is created here; None: they are shown instead.
        writes: Whether the apply writes secrets.

    Raises:
        InvalidInput: The folder is not writable, or another apply writes to it.
    """
    if folder is None or not writes:
        yield SecretFiles(folder)
        return
    try:
        _create(folder)
        lock = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise _unwritable(folder, error) from error
    try:
        _lock(lock, folder)
        _try_writing(folder)
        yield SecretFiles(folder)
    finally:
        os.close(lock)


def _create(folder: Path) -> None:
    """Create a folder that Git ignores, where there is none. Raises OSError."""
    if not folder.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / ".gitignore").write_text("*\n")


def _lock(lock: int, folder: Path) -> None:
    """Lock the folder, where its file system has locks. Raises InvalidInput where another apply has the lock."""
    with suppress(OSError):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InvalidInput(f"--secrets-to: another apply writes to {folder}: wait until it has ended") from error


def _try_writing(folder: Path) -> None:
    """Delete incomplete files of an interrupted apply, and write one. Raises InvalidInput where the folder is not writable."""
    try:
        for one in folder.glob(f".*{UNFINISHED}"):
            one.unlink()
        trial = folder / ".mintmark-apply"
        _write(trial, "")
        trial.unlink()
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> InvalidInput:
    return InvalidInput(f"--secrets-to: {folder} cannot be written to: {error.strerror or error}")


def _name(one: AppliedObject) -> str:
    """Return the name of the file for a secret."""
    if one.change is None:
        return ""
    return one.change.secret.name if one.change.secret else one.change.name


def _taken(path: Path) -> str:
    return f"its secret would go to {path}, which is there already, maybe with that of another: move it away"


def _held(pending: Path) -> str:
    """Return the secret in a pending file, "" where there is none.

    Its name can be guessed: in a folder that other users may write to, one of them could put a secret there that they know.

    Raises:
        OSError: The file cannot be read, or belongs to another user.
        UnicodeDecodeError: It is not a secret.
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


def _write(path: Path, content: str) -> None:
    """Write a file that survives a power cut. Raises OSError."""
    write_privately(path, content.encode())
    _keep_name(path)


def _keep_name(path: Path) -> None:
    """Let the name of a file survive a power cut, where the file system can. Raises OSError."""
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
