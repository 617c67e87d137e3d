"""The steps of an interaction, one file each. To add one: a file with a ``STEP``, and its line in the list."""

from service.issuer import Issuer
from service.login.acr import NOTHING, is_essential, missing_methods, wanted_acrs
from service.login.interaction import ClientInteraction, Interaction
from service.login.steps import consent, password, select_account
from service.login.steps.step import Step
from service.protocol.authorization_request import AuthorizationRequest
from service.protocol.errors import UnmetAuthenticationRequirements
from service.protocol.names import Prompt
from service.records.session import Session

STEPS: list[Step] = [
    select_account.STEP,
    password.STEP,
    consent.STEP,
]
"""The steps in the order in which a user takes them."""


async def next_step(issuer: Issuer, interaction: Interaction, session: Session | None) -> Step | None:
    """Return what the user has to do next, None where nothing is left. One round trip where consent must be read.

    A step is due by itself, or because it proves what is missing for the acr that the client wants (RFC 9470).
    """
    seen = interaction.seen_in(session)
    missing = await _missing_methods(issuer, seen, session)
    for step in STEPS:
        if (missing and not missing.isdisjoint(step.amr)) or await step.is_needed(issuer, seen, session):
            return step
    return None


def current_step(interaction: Interaction) -> Step | None:
    """Return the step that the user is at; None for one that only another release knows."""
    return next((step for step in STEPS if step.position == interaction.progress.step), None)


def check_reachable(issuer: Issuer, request: AuthorizationRequest, session: Session | None) -> None:
    """Refuse a request before users take steps in vain: no steps lead to an essential acr.

    Raises UnmetAuthenticationRequirements.
    """
    wanted = wanted_acrs(request) if is_essential(request) else ()
    provable = [method for step in STEPS for method in step.amr]
    if wanted and missing_methods(issuer.settings, wanted, session, provable) is None:
        raise UnmetAuthenticationRequirements("No authentication here has the acr that is asked for.")


async def _missing_methods(issuer: Issuer, interaction: Interaction, session: Session | None) -> frozenset[str]:
    """Return what this user can prove in addition for a wanted acr; nothing for a mere wish with prompt=none."""
    if session is None or not isinstance(interaction, ClientInteraction):
        return NOTHING
    request = interaction.request
    wanted = wanted_acrs(request)
    if not wanted or (Prompt.NONE in request.prompt and not is_essential(request)):
        return NOTHING
    provable = [method for step in STEPS if step.amr and await step.is_possible(issuer, session) for method in step.amr]
    return missing_methods(issuer.settings, wanted, session, provable) or NOTHING
