"""A logout token that has to be delivered to a client (OpenID Connect Back-Channel Logout 1.0)."""

from service.records.json import Record


class LogoutDelivery(Record, frozen=True, omit_defaults=True, gc=False):
    """A delivery that waits; without ``client_id`` the end of a session that may not have come to its end."""

    client_id: str
    subject: str  # as the client knows the user; without ``client_id`` our own
    sid: str
    attempts: int = 0  # that failed so far
    session_hash: str = ""  # of the secret of a session that ends: one that was renewed since goes on
