"""The interface of a directory of users."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from service.observe.events import Event


@dataclass(frozen=True, slots=True)
class Person:
    """A user who signed in, or whom a client named."""

    subject: str
    username: str
    device: str = ""
    """The device cookie by which the browser will be known, "" where there is no browser."""
    claims: Mapping[str, Any] | None = field(default=None, compare=False)
    """None where the directory did not say."""
    proved_by: str = field(default="", compare=False, repr=False)
    """The hash of the password that was entered, "" where it is not stored here."""
    user_code_hash: str = field(default="", compare=False, repr=False)
    """The hash of the user code that a client must know to ask them without a browser, "" where they have none."""


class BlockedError(Exception):
    """Too many failures: ``seconds`` to wait; ``event`` names the limit, for the log."""

    def __init__(self, seconds: int, event: Event) -> None:
        super().__init__(f"{event}: {seconds} s")
        self.seconds = seconds
        self.event = event


class Directory(Protocol):
    """A directory of users."""

    async def verify(self, username: str, password: str, address: str, device: str | None = None) -> Person | None:
        """Return the user, if the password is theirs and they are enabled; None for all else, with the same cost and time.

        Args:
            username: As it was typed.
            password: As it was typed.
            address: Where the attempt comes from.
            device: The device cookie of a browser, "" where it has none, None where there is no browser.

        Raises:
            BlockedError: Too many failures.
            TemporarilyUnavailable: The directory is.
        """

    async def claims(self, subject: str, scopes: Collection[str], username: str = "") -> Mapping[str, Any] | None:
        """Return the claims about a user: standard ones (OpenID Connect Core 5.1) and custom ones, by name.

        None where the user is unknown or disabled.

        Args:
            subject: The user.
            scopes: What was granted; a directory may leave out claims that these do not mean.
            username: As it was at the sign-in, "" where it is not known.

        Raises:
            TemporarilyUnavailable: The directory is.
        """

    async def find(self, username: str) -> Person | None:
        """Return the user of this username, as a client may know it (login_hint of CIBA); None where unknown or disabled.

        Raises TemporarilyUnavailable.
        """

    async def find_subject(self, subject: str) -> Person | None:
        """Return the user of this subject; None where unknown or disabled. Raises TemporarilyUnavailable."""
