"""The record of an interaction with a user: the request that waits, and its progress (IA-29 to IA-32)."""

import msgspec

from service.protocol.authorization_request import AuthorizationRequest
from service.records.json import Record
from service.records.session import Session

FINISHED = ""
"""The position of an interaction that is over."""
REDIRECT = "redirect"
"""The channel of authorization requests."""
PUSHED = "pushed"
"""The channel of those that were pushed."""
BACKCHANNEL = "backchannel"
"""The channel of requests of clients that are elsewhere (CIBA)."""

DEVICE = "device"
"""The channel of requests of devices."""


class Progress(Record, frozen=True, omit_defaults=True, gc=False):
    """The progress of an interaction. What was proved, chosen and allowed counts in its own session only."""

    browser_hash: str
    """The hash of the cookie of the browser that the interaction is bound to."""
    created_at: int
    """Epoch seconds."""
    client_generation: int = 0
    """The generation of the client when it asked."""
    position: str = msgspec.field(default="new", name="stage")
    """The step that the user is at, in its stored form; where attempts are counted with their number (IA-30): ``login:1``."""
    anew: bool = False
    """Whether the user wants to sign in as another one."""
    proved_at: int = 0
    """The ``auth_time`` of a login in this interaction, 0 = none yet."""
    chose: bool = False
    """Whether an account was selected."""
    consented: bool = False
    """Whether the user allowed this very request."""
    answer: str = ""
    """A random word of the last change: of two callers that make the same change at once only one has made it."""
    sid: str = ""
    """The session that ``proved_at``, ``chose`` and ``consented`` belong to."""
    subject: str = ""
    """The user of that session."""

    def seen_in(self, session: Session | None) -> "Progress":
        """Return what was proved and allowed in this very session, and nothing that another user did at this browser."""
        if (
            session is not None
            and (self.sid, self.subject) == (session.sid, session.subject)
            and self.proved_at <= session.auth_time
        ):
            return self
        sid, subject = (session.sid, session.subject) if session else ("", "")
        forgotten: Progress = msgspec.structs.replace(
            self, proved_at=0, chose=False, consented=False, sid=sid, subject=subject
        )
        return forgotten

    @property
    def step(self) -> str:
        """Return the position without the number of the attempt."""
        return self.position.partition(":")[0]

    @property
    def attempt(self) -> int:
        """Return the number of the attempt, 0 where none is counted."""
        return int(self.position.partition(":")[2] or 0)


class InteractionRecord(Progress, frozen=True, omit_defaults=True, gc=False):
    """An interaction as it was started: sealed into its ticket, or under it."""

    request: AuthorizationRequest | None = None
    """The request of a client; without one the user wants to see a page of ours."""
    return_to: str = ""
    """The path of that page."""
    expects: str = ""
    """The subject that the client named, as it knows them, "" = anybody."""
    channel: str = REDIRECT
    """The channel by which the client gets the answer."""
    reference: str = ""
    """The name of the request in its channel."""
