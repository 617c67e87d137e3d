"""The channel of a pushed request (RFC 9126): answered by a redirect like any other, and spent by that."""

from service.issuer import Issuer
from service.login.channels import redirect
from service.login.channels.channel import Channel
from service.login.interaction import ClientInteraction
from service.login.pushed_requests import spend
from service.protocol.browsing import FormPost, Page, Redirect
from service.protocol.errors import ProtocolError
from service.records.interaction import PUSHED
from service.records.session import Session


async def answer(issuer: Issuer, interaction: ClientInteraction, session: Session) -> Redirect | FormPost | Page:
    """Spend it first, so that only one of several interactions with the same request makes a code.

    Raises StaleError for others.
    """
    await spend(issuer, interaction.reference, by=_end_of(interaction))
    return await redirect.answer(issuer, interaction, session)


async def refuse(
    issuer: Issuer, interaction: ClientInteraction, error: ProtocolError, session: Session | None
) -> Redirect | FormPost | Page:
    """Spend it for an error, too. Raises StaleError where another interaction spent it first."""
    await spend(issuer, interaction.reference, by=_end_of(interaction))
    return await redirect.refuse(issuer, interaction, error, session)


def _end_of(interaction: ClientInteraction) -> str:
    """Return the random word of this end, by which an answer that fails still becomes an error; "" where no user was asked."""
    return interaction.progress.answer


CHANNEL = Channel(PUSHED, answer, refuse)
