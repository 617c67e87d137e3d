"""An operator's session at the console."""

from service.records.json import Record


class OperatorSession(Record, frozen=True, omit_defaults=True, gc=False):
    """An operator who is signed in."""

    name: str  # of the operator's token in the settings
    token_mark: str
    """HMAC of that token under the cookie: a token that was taken out of the settings opens no session any more."""
    started_at: int  # epoch seconds
