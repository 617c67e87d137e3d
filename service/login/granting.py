"""The grant that a user gives a client by allowing its authorization request."""

from collections.abc import Mapping
from typing import Any

import msgspec

from service.issuer import Issuer
from service.login.acr import acr_for
from service.login.consents import requested_scopes
from service.login.interaction import ClientInteraction
from service.protocol import claims
from service.protocol.authorization_request import AuthorizationRequest
from service.protocol.errors import AccessDenied, UnmetAuthenticationRequirements
from service.protocol.names import GrantTypeName
from service.protocol.response_destination import Verified
from service.records.client import Client
from service.records.grant import Grant
from service.records.session import Session


async def given_grant(
    issuer: Issuer, interaction: ClientInteraction, session: Session
) -> tuple[Grant, Mapping[str, Any]]:
    """Return the grant of a signed-in user, and their claims as far as the response needs them.

    Raises AccessDenied, UnmetAuthenticationRequirements, TemporarilyUnavailable.
    """
    client, request = interaction.client, interaction.request
    acr = acr_for(issuer.settings, request, session)
    if acr is None:
        raise UnmetAuthenticationRequirements("The authentication does not have the acr that is asked for.")
    person = await _claims_of(issuer, request, session)
    return msgspec.structs.replace(_grant(issuer, client, request, session, person), acr=acr), person


def claims_by_scope(issuer: Issuer, request: AuthorizationRequest, person: Mapping[str, Any]) -> dict[str, Any]:
    """Return the claims that the scopes of a request mean."""
    return claims.present(person, claims.claims_of_scopes(request.scopes, issuer.settings.scope_claims))


def begun_grant(issuer: Issuer, client: Client, request: AuthorizationRequest, subject: str) -> Grant:
    """Return the grant that a user gives by allowing a request, as far as it follows from the request."""
    has_code = "code" in request.response_type.parts
    return Grant(
        client_id=client.client_id,
        subject=subject,
        scope=request.scope,
        grant_type=(GrantTypeName.AUTHORIZATION_CODE if has_code else GrantTypeName.IMPLICIT).value,
        client_generation=client.generation,
        issued_at=int(issuer.clock()),
        audience=request.audience,
        members=request.members,
    )


def verified_of(request: AuthorizationRequest) -> Verified:
    """Return the destination of the response to a request."""
    return Verified(
        request.redirect_uri, request.redirect_uri_given, request.response_mode, request.state, as_jwt=request.as_jwt
    )


async def _claims_of(issuer: Issuer, request: AuthorizationRequest, session: Session) -> Mapping[str, Any]:
    """Read the user's claims where the response needs them. Raises AccessDenied where the user is no longer known."""
    if not request.claims.names and request.response_type.parts != {"id_token"}:
        return {}
    person = await issuer.directory.claims(session.subject, request.scopes)
    if person is None:
        raise AccessDenied("The user may not sign in.", log="user is disabled or unknown")
    return person


def _grant(
    issuer: Issuer, client: Client, request: AuthorizationRequest, session: Session, person: Mapping[str, Any]
) -> Grant:
    """Limit the claims parameter to claims that a scope of the client would release, too, and that the user has allowed."""
    allowed = claims.claims_of_scopes(requested_scopes(issuer, client, request), issuer.settings.scope_claims)
    in_id_token, at_userinfo = (
        [name for name in claims.acceptable(person, wanted) if name in allowed]
        for wanted in (request.claims.id_token, request.claims.userinfo)
    )
    grant: Grant = msgspec.structs.replace(
        begun_grant(issuer, client, request, session.subject),
        username="" if session.username == session.subject else session.username,
        auth_time=session.auth_time,
        amr=session.amr,
        session=session.sid,
        userinfo_claims=tuple(at_userinfo),
        id_token_claims=claims.present(person, in_id_token),
    )
    return grant
