"""The channel of the authorization response: the user's browser takes it to the client's redirect URI."""

from service.issuer import Issuer
from service.login import sessions
from service.login.channels.channel import Channel
from service.login.error_response import send_error
from service.login.granting import claims_by_scope, given_grant, verified_of
from service.login.interaction import ClientInteraction
from service.protocol.browsing import FormPost, Page, Redirect
from service.protocol.errors import LoginRequired, ProtocolError
from service.records.interaction import REDIRECT
from service.records.session import Session
from service.tokens.authorization_response import answer_authorization
from service.tokens.ending import ended_unless_answered
from service.tokens.response_delivery import deliver


async def answer(issuer: Issuer, interaction: ClientInteraction, session: Session) -> Redirect | FormPost | Page:
    """Make code and tokens for the client.

    After they are written the session is checked once more: a logout at the same time may not have found them, so they end here
    (P6).
    """
    client, request = interaction.client, interaction.request
    grant, person = await given_grant(issuer, interaction, session)
    response = await answer_authorization(issuer, client, grant, request, claims_by_scope(issuer, request, person))
    async with ended_unless_answered(issuer, response.grant_id, session.subject):
        if not await sessions.join(issuer, session, client.client_id):
            raise LoginRequired("The session has ended.")
        what = await deliver(issuer, client, verified_of(request), response.fields)
    issuer.metrics.request("authorize", "ok")
    return what


async def refuse(
    issuer: Issuer, interaction: ClientInteraction, error: ProtocolError, session: Session | None
) -> Redirect | FormPost | Page:
    """Send the error, and record it for operators."""
    issuer.refusals.record("authorize", error)
    return await send_error(
        issuer, interaction.client, verified_of(interaction.request), error, knowingly=session is not None
    )


CHANNEL = Channel(REDIRECT, answer, refuse)
