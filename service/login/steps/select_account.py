"""Choosing an account: the client wants the user to choose as whom they continue (prompt=select_account)."""

from typing import assert_never

from service.issuer import Issuer
from service.login.interaction import ClientInteraction, Interaction, PageInteraction, StaleError
from service.login.steps.step import Passed, Step, StepOutcome
from service.login.tickets import update
from service.protocol.browsing import Page, Visit
from service.protocol.errors import AccountSelectionRequired
from service.protocol.names import Prompt
from service.records.session import Session


async def is_needed(_issuer: Issuer, interaction: Interaction, session: Session | None) -> bool:
    """Whether a user is signed in: otherwise there is nothing to choose from."""
    match interaction:
        case ClientInteraction(progress=progress, request=request):
            selects = Prompt.SELECT_ACCOUNT in request.prompt and not progress.chose and not progress.proved_at
            return selects and session is not None
        case PageInteraction():
            return False
        case _:
            assert_never(interaction)


async def page(_issuer: Issuer, _visit: Visit, _interaction: Interaction, session: Session | None) -> Page:
    """Show who is signed in."""
    return Page("select_account", {"username": session.username if session else ""})


async def take(issuer: Issuer, visit: Visit, interaction: Interaction, session: Session | None) -> StepOutcome:
    """Continue as the signed-in user, or sign in as another one."""
    choice = visit.parameters.get("choice")
    if session is None or choice not in ("continue", "other"):
        raise StaleError
    return Passed(await update(issuer, interaction, session, chose=True, anew=choice == "other"))


STEP = Step("select_account", is_needed, page, take, AccountSelectionRequired, fields=("choice",))
