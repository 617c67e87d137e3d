"""Consent: the user allows a client what it asks for, or denies it (IA-31, IA-28)."""

from typing import assert_never

from service.issuer import Issuer
from service.login import consents
from service.login.consents import requested_scopes
from service.login.interaction import ClientInteraction, Interaction, PageInteraction, StaleError
from service.login.steps.step import CONSENT_PATH, Failed, Passed, Step, StepOutcome
from service.login.tickets import update
from service.protocol.browsing import Page, Visit
from service.protocol.errors import AccessDenied, ConsentRequired, ProtocolError, TemporarilyUnavailable
from service.protocol.names import OFFLINE_ACCESS
from service.records.session import Session
from service.tokens.members import described_members, judge_members


async def is_needed(issuer: Issuer, interaction: Interaction, session: Session | None) -> bool:
    """Whether a client asks for something that is not allowed yet."""
    match interaction:
        case ClientInteraction():
            return session is not None and await consents.is_needed(issuer, interaction, session)
        case PageInteraction():
            return False
        case _:
            assert_never(interaction)


async def page(issuer: Issuer, _visit: Visit, interaction: Interaction, session: Session | None) -> Page:
    """Show what the client asks for. Raises ProtocolError where this user may not allow it."""
    waiting, user = _only_for_clients(interaction, session)
    described = issuer.settings.scopes
    scopes = requested_scopes(issuer, waiting.client, waiting.request)
    details = await described_members(issuer, waiting.client, user.subject, waiting.request.members)
    return Page(
        "consent",
        {
            "username": user.username,
            "scopes": [{"name": name, "description": described.get(name, "")} for name in scopes],
            "resources": list(waiting.request.audience),
            "details": [{"title": one.title, "facts": [fact._asdict() for fact in one.facts]} for one in details],
            "offline": OFFLINE_ACCESS in scopes,
        },
    )


async def take(issuer: Issuer, visit: Visit, interaction: Interaction, session: Session | None) -> StepOutcome:
    """Take a yes, a no, or the wish to continue as another user."""
    waiting, user = _only_for_clients(interaction, session)
    decision = visit.parameters.get("decision")
    if decision == "deny":
        return Failed(waiting, AccessDenied("The user denied the request."))
    if decision == "switch":
        return Passed(await update(issuer, waiting, user, anew=True, proved_at=0, chose=True))
    if decision != "allow":
        raise StaleError
    try:  # the answer may come from a browser that never opened the page
        await judge_members(issuer, waiting.client, user.subject, waiting.request.members)
    except TemporarilyUnavailable:
        raise
    except ProtocolError as error:
        return Failed(waiting, error)
    # First the interaction, so that of two answers only one is remembered; what is not remembered is asked again.
    agreed = await update(issuer, waiting, user, consented=True)
    await consents.remember(issuer, waiting.client, waiting.request, user)
    return Passed(agreed)


def _only_for_clients(interaction: Interaction, session: Session | None) -> tuple[ClientInteraction, Session]:
    """Refuse a form whose page cannot have been shown. Raises StaleError."""
    if not isinstance(interaction, ClientInteraction) or session is None:
        raise StaleError
    return interaction, session


STEP = Step(
    "consent",
    is_needed,
    page,
    take,
    ConsentRequired,
    path=CONSENT_PATH,
    stored_as="permission",
    counts_only_when_due=lambda visit: visit.parameters.get("decision") == "allow",
)
