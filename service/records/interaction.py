"""What waits for a person: an authorization request, and how far they have got with it (IA-29 to IA-32)."""

from enum import StrEnum

import msgspec

from service.protocol.authorization_request import AuthorizationRequest
from service.records.json import Record
from service.records.session import Session


class Stage(StrEnum):
    """What the person is asked; LOGIN is written with the number of the attempt (IA-30)."""

    NEW = "new"
    SELECT_ACCOUNT = "select_account"
    LOGIN = "login"
    PERMISSION = "permission"
    DONE = ""


class Question(Record, frozen=True, omit_defaults=True, gc=False):
    """``request``: None where somebody only wants to see our own pages, then ``return_to`` says which.

    ``stage``: a ``Stage``, of LOGIN ``login:<n>``; ``browser_hash``: of the cookie of the browser that asked; ``created_at``:
    epoch seconds; ``client_generation``: of the client when it asked; ``expects``: the subject that the client named, as it
    knows them, "" = anybody; ``anew``: the person wants to sign in as somebody else; ``proved_at``: the ``auth_time`` of a
    login that happened for this question, 0 = none yet; ``chose``: an account was selected; ``consented``: the person said
    yes to this very request; ``sid`` and ``subject``: of the session that ``proved_at``, ``chose`` and ``consented`` are of,
    for they are worth nothing in another one; ``answer``: a random word of the last change, so that of two who make
    the same change at once only one has made it.
    """

    browser_hash: str
    created_at: int
    request: AuthorizationRequest | None = None
    return_to: str = ""
    client_generation: int = 0
    stage: str = Stage.NEW.value
    expects: str = ""
    anew: bool = False
    proved_at: int = 0
    chose: bool = False
    consented: bool = False
    answer: str = ""
    sid: str = ""
    subject: str = ""

    def seen_in(self, session: Session | None) -> "Question":
        """With what was proved and allowed in this very session, and nothing that anybody else did at this browser."""
        if (
            session is not None
            and (self.sid, self.subject) == (session.sid, session.subject)
            and self.proved_at <= session.auth_time
        ):
            return self
        return self.bound_to(session)

    def bound_to(self, session: Session | None) -> "Question":
        """Ready to hold what this session proves and allows; nothing is proved or allowed yet."""
        sid, subject = (session.sid, session.subject) if session else ("", "")
        forgotten: Question = msgspec.structs.replace(
            self, proved_at=0, chose=False, consented=False, sid=sid, subject=subject
        )
        return forgotten

    def progress(self) -> "Question":
        """How far it has got, without what was asked: that is kept elsewhere."""
        alone: Question = msgspec.structs.replace(self, request=None, return_to="", expects="")
        return alone

    def at(self, progress: "Question") -> "Question":
        """This question, as far as that has got."""
        whole: Question = msgspec.structs.replace(
            progress, request=self.request, return_to=self.return_to, expects=self.expects
        )
        return whole

    @property
    def attempt(self) -> int:
        """Of logging in; 0 before the first one."""
        name, _, number = self.stage.partition(":")
        return int(number) if name == Stage.LOGIN and number else 0

    @property
    def asks(self) -> Stage:
        """The stage without its number."""
        return Stage(self.stage.partition(":")[0])
