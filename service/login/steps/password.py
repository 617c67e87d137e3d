"""Signing in with a user name and a password. ``login.reauthentication`` decides when a session is not enough."""

import logging
from typing import assert_never

from service.directory import BlockedError
from service.issuer import Issuer
from service.login.interaction import ClientInteraction, Interaction, PageInteraction, StaleError
from service.login.reauthentication import must_sign_in_again
from service.login.steps.step import Again, Authenticated, Failed, Step, StepOutcome
from service.login.tickets import update
from service.observe.events import Event
from service.protocol.browsing import Page, Visit
from service.protocol.errors import AccessDenied, LoginRequired
from service.protocol.names import Prompt
from service.records.session import Session

log = logging.getLogger(__name__)

MAX_USERNAME = 255


async def is_needed(issuer: Issuer, interaction: Interaction, session: Session | None) -> bool:
    """Whether no user is signed in, or a session is not enough for this client."""
    if session is None:
        return True
    match interaction:
        case ClientInteraction():
            return must_sign_in_again(issuer, interaction, session)
        case PageInteraction():
            return False
        case _:
            assert_never(interaction)


async def page(issuer: Issuer, visit: Visit, interaction: Interaction, session: Session | None) -> Page:
    """Show the form, with the name of the user who has to sign in again or was hinted at."""
    again = session is not None and not interaction.progress.anew
    hint, signs_up = "", False
    if isinstance(interaction, ClientInteraction):
        hint, signs_up = interaction.request.login_hint or "", Prompt.CREATE in interaction.request.prompt
    username = visit.parameters.get("username") or hint or (session.username if session and again else "")
    return Page(
        "login",
        {
            "username": username[:MAX_USERNAME],
            "again": again,
            "fault": "",
            "wait": 0,
            "sign_up_url": issuer.settings.sign_up_url or "",
            "signs_up": signs_up,
        },
    )


async def take(issuer: Issuer, visit: Visit, interaction: Interaction, session: Session | None) -> StepOutcome:
    """Count the attempt before the password is verified: of a form that is sent twice at once only one is tried."""
    username, password = visit.parameters.get("username", ""), visit.parameters.get("password", "")
    if not username or not password:
        raise StaleError
    attempt = interaction.progress.attempt
    if attempt > issuer.settings.login_attempts:
        return Failed(interaction, AccessDenied("Too many attempts to sign in."))
    tried = await update(issuer, interaction, session, position=STEP.numbered(attempt + 1))
    try:
        person = await issuer.directory.verify(username[: MAX_USERNAME + 1], password, visit.address, visit.device)
    except BlockedError as blocked:
        issuer.metrics.security_event(blocked.event)
        reason = issuer.refusals.keep("login", "wrong_password", blocked.event)
        log.warning(blocked.event, extra={"address": visit.address, "reason_code": reason})
        return Again(tried, {"fault": "blocked", "wait": blocked.seconds})
    if person is None:
        reason = issuer.refusals.keep("login", "wrong_password", "user name or password is wrong")
        log.info(Event.LOGIN_FAILED, extra={"address": visit.address, "attempt": attempt, "reason_code": reason})
        return Again(tried, {"fault": "wrong"})
    return Authenticated(tried, person)


STEP = Step(
    "password",
    is_needed,
    page,
    take,
    LoginRequired,
    amr=("pwd",),
    fields=("username", "password"),
    stored_as="login",
    starts_session=True,
    counts_attempts=True,
)
