"""Where the claims of a token are from: its own signature, or the issuer's answer."""

from collections.abc import Mapping
from typing import Any, Protocol


class TokenSource(Protocol):
    """One way of learning whether a token is good."""

    def at_hand(self, text: str) -> Mapping[str, Any] | None:
        """Return the claims of a token if that needs no question, None where it does.

        Raises:
            InactiveError: The token is not good.
        """

    async def claims(self, text: str) -> Mapping[str, Any]:
        """Return the claims of a token, from the token service if needed.

        Raises:
            InactiveError: The token is not good.
            MisconfiguredError, UNANSWERED: There is no answer.
        """

    async def start(self) -> None:
        """Begin to listen, and ask once whether this API is known. Raises MisconfiguredError, UNANSWERED."""

    async def close(self) -> None:
        """End what was begun."""


class InactiveError(Exception):
    """The token is not valid. The text, if any, is the reason for its sender."""
