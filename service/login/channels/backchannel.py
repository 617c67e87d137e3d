"""The channel of a client that is elsewhere (CIBA): it polls, or is notified; its user stays at our page."""

import msgspec

from service.issuer import Issuer
from service.login import backchannel_requests
from service.login.channels.channel import Channel
from service.login.granting import given_grant
from service.login.interaction import ClientInteraction, StaleError
from service.protocol.browsing import FormPost, Page, Redirect
from service.protocol.errors import ProtocolError, TemporarilyUnavailable
from service.records.interaction import BACKCHANNEL
from service.records.session import Session


async def answer(issuer: Issuer, interaction: ClientInteraction, session: Session) -> Redirect | FormPost | Page:
    """Allow it, if the signed-in user is the one who was asked. The grant belongs to no browser session and outlives it.

    The session has to be alive when it is allowed, though (P6).
    """
    loaded = await backchannel_requests.load(issuer, interaction.reference)
    if loaded.waiting.subject != session.subject:
        raise StaleError
    grant, _ = await given_grant(issuer, interaction, session)
    await backchannel_requests.allow(issuer, loaded, msgspec.structs.replace(grant, session=""), decided_in=session.sid)
    return backchannel_requests.decided_page(issuer, loaded, allowed=True)


async def refuse(
    issuer: Issuer, interaction: ClientInteraction, error: ProtocolError, session: Session | None
) -> Redirect | FormPost | Page:
    """Deny it, if the user who was asked did not continue; for everybody else it goes on to wait.

    An error on our side is no denial: raises TemporarilyUnavailable again.
    """
    if isinstance(error, TemporarilyUnavailable):
        raise error
    issuer.refusals.record("approvals", error)
    loaded = await backchannel_requests.load(issuer, interaction.reference)
    if session is not None and loaded.waiting.subject == session.subject:
        await backchannel_requests.deny(issuer, loaded)
    return backchannel_requests.decided_page(issuer, loaded, allowed=False)


CHANNEL = Channel(BACKCHANNEL, answer, refuse)
