"""The interface of a step of an interaction: when it is needed, its page, the meaning of its form, and what it proves."""

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple

from service.directory import Person
from service.issuer import Issuer
from service.login.interaction import Interaction
from service.protocol.browsing import Page, Visit
from service.protocol.errors import ProtocolError
from service.records.interaction import Progress
from service.records.session import Session

LOGIN_PATH, CONSENT_PATH = "/login", "/consent"


class Again(NamedTuple):
    """The form is not accepted: show the page once more, with these values in addition to its own."""

    interaction: Interaction
    values: Mapping[str, str | int]


class Passed(NamedTuple):
    """The step is done; what it proves (``amr``) is added to the session."""

    interaction: Interaction


class Authenticated(NamedTuple):
    """The user signed in, no matter which user was signed in before: begin or renew a session."""

    interaction: Interaction
    person: Person


class Failed(NamedTuple):
    """The interaction ends with an error for the client."""

    interaction: Interaction
    error: ProtocolError


StepOutcome = Again | Passed | Authenticated | Failed


async def _for_everybody(_: Issuer, __: Session) -> bool:
    return True


class Step(NamedTuple):
    """A step.

    Its functions get the interaction as seen in the session, and the session of the signed-in user, if there is one.
    """

    name: str
    is_needed: Callable[[Issuer, Interaction, Session | None], Awaitable[bool]]
    """Whether the user has to take it now; called in the order of the list, and again after each step."""
    page: Callable[[Issuer, Visit, Interaction, Session | None], Awaitable[Page]]
    """Returns the page; ``ticket``, ``csrf`` and ``client`` are added. Raises ProtocolError, which ends the interaction."""
    take: Callable[[Issuer, Visit, Interaction, Session | None], Awaitable[StepOutcome]]
    """Handles the form. Raises StaleError for one that means nothing."""
    error: type[ProtocolError]
    """The error for the client where the step is needed, but prompt=none."""
    amr: tuple[str, ...] = ()
    """What the step proves (RFC 8176). If a client wants an acr that lacks just that, the step is due."""
    is_possible: Callable[[Issuer, Session], Awaitable[bool]] = _for_everybody
    """Whether this user can prove it, by having a device for example; called only where it would be due for an acr."""
    path: str = LOGIN_PATH
    fields: tuple[str, ...] = ()
    """Fields of which a form needs at least one; otherwise the page is shown again, and nothing is stored."""
    stored_as: str = ""
    """The word for it in stored interactions, where that is not the name."""
    starts_session: bool = False
    """Whether its form is independent of who is signed in by now."""
    counts_attempts: bool = False
    """Whether the position holds the number of the attempt (IA-30)."""
    counts_only_when_due: Callable[[Visit], bool] = lambda _: False
    """Whether a form counts only while the step is due; otherwise it leads on, and changes nothing."""

    def is_in(self, visit: Visit) -> bool:
        """Whether a form has all fields of this step."""
        return all(field in visit.parameters for field in self.fields)

    @property
    def position(self) -> str:
        """The word for it in stored interactions, without the number of an attempt."""
        return self.stored_as or self.name

    def position_when_due(self, progress: Progress) -> str:
        """Return the position of an interaction that is at this step from now on; earlier wrong attempts still count."""
        if not self.counts_attempts:
            return self.position
        return self.numbered(progress.attempt if progress.step == self.position and progress.attempt else 1)

    def numbered(self, attempt: int) -> str:
        """Return the position with the number of an attempt."""
        return f"{self.position}:{attempt}"
