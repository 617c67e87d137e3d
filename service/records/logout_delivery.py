"""A logout token that has to be delivered to a client (OpenID Connect Back-Channel Logout 1.0)."""

from service.records.json import Record


class LogoutDelivery(Record, frozen=True, omit_defaults=True, gc=False):
    """``subject``: as the client knows the person; ``attempts``: that failed so far.

    ``client_id`` "": the end of a session that may not have come to its end, ``subject`` is then our own, ``session_hash`` its
    secret's: one that was renewed since goes on.
    """

    client_id: str
    subject: str
    sid: str
    attempts: int = 0
    session_hash: str = ""
