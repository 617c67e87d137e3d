"""Somebody who operates the service, signed in at the console."""

from service.records.json import Record


class OperatorSession(Record, frozen=True, omit_defaults=True, gc=False):
    """``name``: of the operator's token in the settings; ``token_mark``: HMAC of that token under the cookie, so that a token
    that was taken out of the settings opens no session any more; ``started_at``: epoch seconds.
    """

    name: str
    token_mark: str
    started_at: int
