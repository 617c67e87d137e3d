"""What Mintmark asks of a directory of people."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from service.observe.events import Event


@dataclass(frozen=True, slots=True)
class Person:
    """A user who proved who they are, or whom a client named."""

    subject: str
    username: str
    device: str = ""
    """The cookie by which their browser will be known, "" where none is meant."""
    claims: Mapping[str, Any] | None = field(default=None, compare=False)
    """None where the directory did not say."""
    proved_by: str = field(default="", compare=False, repr=False)
    """The hash of the password that they gave, "" where it is not kept here."""
    user_code_hash: str = field(default="", compare=False, repr=False)
    """The hash of what a client must know to ask them without a browser, "" where they have none."""


class BlockedError(Exception):
    """Too many failures: ``seconds`` to wait; ``event``: which limit, for the log."""

    def __init__(self, seconds: int, event: Event) -> None:
        super().__init__(f"{event}: {seconds} s")
        self.seconds = seconds
        self.event = event


class Directory(Protocol):
    """A place that knows people."""

    async def verify(self, username: str, password: str, address: str, device: str | None = None) -> Person | None:
        """The person, if the password is theirs and they are enabled; all else is None and looks and costs alike.

        ``address``: where the attempt comes from; ``device``: the device cookie of a browser, "" where it has none, None where
        there is no browser. Raises BlockedError, TemporarilyUnavailable.
        """

    async def claims(self, subject: str, scopes: Collection[str], username: str = "") -> Mapping[str, Any] | None:
        """What is known about a person: standard claims (OpenID Connect Core 5.1) and custom ones, by name.

        None where they are unknown or disabled. ``scopes``: what the asker was granted; a directory may leave out what
        these don't mean; ``username``: what the person was called when they signed in, "" where that is not known. Raises
        TemporarilyUnavailable.
        """

    async def find(self, username: str) -> Person | None:
        """The person of this username, as a client may know it (login_hint of CIBA); None where unknown or disabled.

        Raises TemporarilyUnavailable.
        """

    async def find_subject(self, subject: str) -> Person | None:
        """The person of this subject; None where unknown or disabled. Raises TemporarilyUnavailable."""
