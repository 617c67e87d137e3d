"""An operator's session at the console."""

from service.records.json import Record


class OperatorSession(Record, frozen=True, omit_defaults=True, gc=False):
    """An operator who is signed in."""

    name: str  # of the operator's token in the settings
    token_mark: str
    """HMAC of that token under the cookie: the session ends when the token leaves the settings."""
    started_at: int  # epoch seconds
