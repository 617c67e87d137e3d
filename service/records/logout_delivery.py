"""A logout token that has to be delivered to a client (OpenID Connect Back-Channel Logout 1.0)."""

from typing import Self

from service.records.json import Record


class LogoutDelivery(Record, frozen=True, omit_defaults=True, gc=False):
    """A waiting delivery; without ``client_id`` it stands for the end of a session that may have been interrupted."""

    client_id: str
    subject: str  # as the client knows the user; without ``client_id`` our own
    sid: str
    attempts: int = 0  # that failed so far
    session_hash: str = ""  # of the secret of a session that ends: one that was renewed since goes on

    @classmethod
    def of_ending(cls, subject: str, sid: str, session_hash: str) -> Self:
        """Return a delivery without a client: it resumes the end of the session, if that was interrupted."""
        return cls("", subject, sid, session_hash=session_hash)

    @property
    def is_of_ending(self) -> bool:
        """Whether it is such a delivery."""
        return not self.client_id
