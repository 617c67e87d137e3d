"""The grant: who allowed which client what. Everything that a grant issues belongs to it and ends with it.

The grant types, by which a grant begins, are the room ``grants``.
"""

from typing import Any

from msgspec import field

from service.records.json import Record
from service.records.property import Property


class Grant(Record, frozen=True, omit_defaults=True, gc=False):
    """A permission of a user for a client, or of a client for itself."""

    client_id: str = field(name="c")
    subject: str = field(default="", name="u")  # empty for client_credentials
    username: str = field(default="", name="n")  # empty where it equals the subject
    scope: str = field(default="", name="s")  # space-separated
    grant_type: str = field(default="authorization_code", name="t")  # how the grant came to be (IA-13 to IA-17)
    client_generation: int = field(default=0, name="v")  # of the client record at the time (see Client)
    issued_at: int = field(default=0, name="i")  # epoch seconds, 0: see ``began_at``
    audience: tuple[str, ...] = field(default=(), name="a")
    auth_time: int = field(default=0, name="at")  # epoch seconds, 0 where unknown
    acr: str = field(default="", name="ac")
    amr: tuple[str, ...] = field(default=(), name="am")
    session: str = field(default="", name="se")  # ``sid`` of the session in which it was given
    properties: tuple[Property, ...] = field(default=(), name="p")
    userinfo_claims: tuple[str, ...] = field(default=(), name="uc")  # requested at UserInfo by the claims parameter
    id_token_claims: dict[str, Any] = field(default_factory=dict, name="ic")
    """Values that the claims parameter put into ID tokens, as they were at consent."""
    sub: str = field(default="", name="sb")  # what clients call the subject, where a caller of the decision API said so
    access_token_claims: dict[str, Any] | None = field(default=None, name="tc")
    """Claims about the user for access tokens; None: not read. A value of None: the user has no such claim."""
    members: dict[str, Any] | None = field(default=None, name="m")
    """Registered members of its tokens in addition to scope and audience (authorization_details, act), by their names."""

    @property
    def began_at(self) -> int:
        """When it was issued, in epoch seconds; 0 where unknown.

        The release after this one may leave ``issued_at`` out where that is ``auth_time``: 15 bytes of each such grant.
        """
        return self.issued_at or self.auth_time

    @property
    def name(self) -> str:
        """Return the username for display; the subject where no other is known."""
        return self.username or self.subject
