"""What comes of spending a credential: the words of every script that puts tokens in the place of one."""

from enum import StrEnum
from typing import NamedTuple


class Outcome(StrEnum):
    """What a script that spends a credential answers."""

    SPENT = "spent"
    """The new tokens are kept, and the credential is spent."""
    REPEATED = "repeated"
    """It was spent before by the same request, whose sealed reply still waits."""
    ADDED = "added"
    """It was spent before by a request that asked for something else: the new access token is kept beside what that got."""
    REFUSED = "refused"
    """The same, where nothing may be added."""
    CHANGED = "changed"
    """It is not as it was read: read it and try again."""
    REPLAYED = "replayed"
    """It was spent before: its grant is ended now (P1, P2)."""
    ENDED = "ended"
    """It has ended, or its grant has."""


class Spending(NamedTuple):
    """The outcome, and where something waits the sealed reply to the first use."""

    outcome: Outcome
    reply: bytes = b""
