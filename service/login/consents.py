"""Consent: what a user has to allow a client, and what is remembered so that they are not asked twice."""

import msgspec

from service.issuer import Issuer
from service.login.interaction import ClientInteraction
from service.protocol import claims, destinations
from service.protocol.authorization_request import AuthorizationRequest
from service.protocol.names import ApplicationType, Prompt
from service.records.client import Client
from service.records.consent import Consent
from service.records.session import Session


def requested_scopes(issuer: Issuer, client: Client, request: AuthorizationRequest) -> tuple[str, ...]:
    """Return what the user has to allow: the scopes, and those that release the claims which are requested one by one."""
    further = claims.scopes_for_claims(request.claims.names, issuer.settings.scope_claims) & set(client.scopes)
    return request.scopes + tuple(sorted(further - set(request.scopes)))


async def is_needed(issuer: Issuer, interaction: ClientInteraction, session: Session) -> bool:
    """Whether the user has to allow something new. One round trip where the remembered consent must be read.

    Even for what they allowed before they are asked again where the client wants it, or another app could pass for it.
    """
    client, request, progress = interaction.client, interaction.request, interaction.progress
    if progress.consented:
        return False
    if Prompt.CONSENT in request.prompt or request.members:  # for those nothing is remembered
        return True
    if may_be_another_app(issuer, client, request):
        return not (client.skip_consent and progress.proved_at)
    if client.skip_consent:
        return False
    before = await _remembered(issuer, client, session)
    return before is None or not before.covers(requested_scopes(issuer, client, request), request.audience)


async def remember(issuer: Issuer, client: Client, request: AuthorizationRequest, session: Session) -> None:
    """Remember what was allowed now, together with what was allowed before, for these resources."""
    before = await _remembered(issuer, client, session)
    consent = (before or Consent((), client.generation, 0)).extended(
        requested_scopes(issuer, client, request), request.audience
    )
    given = msgspec.structs.replace(consent, generation=client.generation, given_at=int(issuer.clock()))
    await issuer.store.consents.keep(session.subject, client.client_id, given, issuer.settings.consent_lifetime)


def may_be_another_app(issuer: Issuer, client: Client, request: AuthorizationRequest) -> bool:
    """Whether any app on the device could have asked, and would get the answer: then no old yes speaks for it (RFC 8252 8.6).

    An address on the device may be that of a web server in development, which proves itself by its secret.
    """
    if issuer.settings.silent_native_apps or destinations.is_claimed(request.redirect_uri):
        return False
    proves_itself = not client.public and client.application_type is ApplicationType.WEB
    is_on_device = destinations.destination(request.redirect_uri).kind == destinations.DEVICE
    return not (proves_itself and is_on_device and request.response_type.parts == {"code"})


async def _remembered(issuer: Issuer, client: Client, session: Session) -> Consent | None:
    """Return what the user allowed this client as it is now."""
    before = await issuer.store.consents.get(session.subject, client.client_id)
    return before if before is not None and client.remembers(before.generation) else None
