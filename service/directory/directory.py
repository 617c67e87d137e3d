"""What Mintmark asks of a directory of people."""

from typing import NamedTuple, Protocol


class Person(NamedTuple):
    """Somebody who proved who they are."""

    subject: str
    username: str


class BlockedError(Exception):
    """Too many failures: ``seconds`` to wait; ``event``: which limit, for the log."""

    def __init__(self, seconds: int, event: str) -> None:
        super().__init__(f"{event}: {seconds} s")
        self.seconds = seconds
        self.event = event


class Directory(Protocol):
    """A place that knows people."""

    async def verify(self, username: str, password: str, address: str) -> Person | None:
        """The person, if the password is theirs and they are enabled; all else is None and looks and costs alike.

        ``address``: where the attempt comes from. Raises BlockedError, TemporarilyUnavailable.
        """
