"""An example of hooks in the process of Mintmark: the methods are named as the events and get the facts as a dict."""

from collections.abc import MutableMapping
from typing import Any

CLOSED = {"night-shop"}
"""Clients whose refreshes have to wait."""


class OpeningHours:
    """Made once, without arguments, when the service starts."""

    async def claims(self, facts: dict[str, Any]) -> dict[str, Any] | None:
        """What to add to tokens; None for nothing."""
        if not facts["subject"]:
            return None
        return {"token_response": {"shop": "open"}, "introspection": {"shop": "open"}}

    async def refresh(self, facts: dict[str, Any]) -> dict[str, Any]:
        """Whether a refresh token may be used."""
        if facts["client_id"] in CLOSED:
            return {"allow": False, "message": "We are closed. Come back in the morning."}
        return {"allow": True}


async def with_a_note(_page: object, _visit: object, headers: MutableMapping[str, str]) -> None:
    """A page hook: sees every page before it is sent."""
    headers["X-Opening-Hours"] = "9-17"
