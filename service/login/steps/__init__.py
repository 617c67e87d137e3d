"""The steps of an interaction, one file each. To add one: a file with a ``STEP``, and its line in the list."""

from service.issuer import Issuer
from service.login.interaction import Interaction
from service.login.steps import consent, password, select_account
from service.login.steps.step import Step
from service.records.session import Session

STEPS: list[Step] = [
    select_account.STEP,
    password.STEP,
    consent.STEP,
]
"""In the order in which a user is asked."""


async def next_step(issuer: Issuer, interaction: Interaction, session: Session | None) -> Step | None:
    """Return what the user has to do next, None where nothing is left. One round trip where consent must be looked up."""
    seen = interaction.seen_in(session)
    for step in STEPS:
        if await step.is_needed(issuer, seen, session):
            return step
    return None


def current_step(interaction: Interaction) -> Step | None:
    """Return the step that the user is at; None for one that another release knows."""
    return next((step for step in STEPS if step.stage == interaction.progress.step), None)
