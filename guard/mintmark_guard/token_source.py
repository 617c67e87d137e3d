"""The source of a token's claims: the signed token itself, or introspection."""

from collections.abc import Mapping
from typing import Any, Protocol


class TokenSource(Protocol):
    """One way to find out whether a token is valid."""

    def at_hand(self, text: str) -> Mapping[str, Any] | None:
        """Return the claims of a token, None where the token service has to be asked.

        Raises:
            InactiveError: The token is not valid.
        """

    async def claims(self, text: str) -> Mapping[str, Any]:
        """Return the claims of a token, from the token service if needed.

        Raises:
            InactiveError: The token is not valid.
            MisconfiguredError, UNANSWERED: The token service did not answer as it must.
        """

    async def start(self) -> None:
        """Begin to listen, and check this API's settings. Raises MisconfiguredError, UNANSWERED."""

    async def close(self) -> None:
        """End what ``start`` began."""


class InactiveError(Exception):
    """The token is not valid. The text, if any, is the reason for its sender."""
