"""The channel of a device (RFC 8628): the user goes back to the device, which polls for the decision."""

from contextlib import suppress

import msgspec

from service.issuer import Issuer
from service.login import sessions
from service.login.channels.channel import Channel
from service.login.client_display import client_values
from service.login.granting import given_grant
from service.login.interaction import ClientInteraction
from service.protocol.browsing import FormPost, Page, Redirect
from service.protocol.errors import AccessDenied, LoginRequired, ProtocolError, TemporarilyUnavailable
from service.protocol.names import GrantTypeName
from service.records.interaction import DEVICE
from service.records.session import Session
from service.tokens import polled_requests

ALLOWED, DENIED, REFUSED, EXPIRED = "allowed", "denied", "refused", "expired"
"""How a request of a device ended, as its last page says."""


async def answer(issuer: Issuer, interaction: ClientInteraction, session: Session) -> Redirect | FormPost | Page:
    """Let the device have its tokens at the next poll.

    After that is written the session is checked once more, as for a redirect (P6).
    """
    client, reference = interaction.client, interaction.reference
    record = await polled_requests.load(issuer, reference)
    if record is None:
        return over(issuer, interaction, EXPIRED)
    grant, _ = await given_grant(issuer, interaction, session)
    grant = msgspec.structs.replace(grant, grant_type=GrantTypeName.DEVICE_CODE.value)
    if not await polled_requests.allow(issuer, client, reference, record, grant):
        return over(issuer, interaction, EXPIRED)
    grant_id = polled_requests.grant_id_of(reference)
    try:
        is_alive = await sessions.join(issuer, session, client.client_id)
    except TemporarilyUnavailable:  # it is not known whether it is
        with suppress(TemporarilyUnavailable):
            await issuer.store.grants.revoke(grant_id, session.subject)
        raise
    if not is_alive:
        await issuer.store.grants.revoke(grant_id, session.subject)
        raise LoginRequired("The session has ended.")
    issuer.metrics.request("device", "ok")
    return over(issuer, interaction, ALLOWED)


async def refuse(
    issuer: Issuer, interaction: ClientInteraction, error: ProtocolError, _session: Session | None
) -> Redirect | FormPost | Page:
    """Let the device get the error at the next poll, and record it for operators.

    An error on our side is no denial: raises TemporarilyUnavailable again.
    """
    if isinstance(error, TemporarilyUnavailable):
        raise error
    issuer.refusals.record("device", error)
    is_first = await polled_requests.deny(issuer, interaction.reference)
    if not is_first:
        return over(issuer, interaction, EXPIRED)
    return over(issuer, interaction, DENIED if isinstance(error, AccessDenied) else REFUSED)


def over(issuer: Issuer, interaction: ClientInteraction, kind: str) -> Page:
    """Return the last page: the user may go back to the device."""
    client = client_values(issuer.settings, interaction.client)
    return Page("device_over", {"kind": kind, "client": client})


CHANNEL = Channel(DEVICE, answer, refuse)
