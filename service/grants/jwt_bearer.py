"""grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer: an assertion about a subject is redeemed (RFC 7523 2.1, IT-05).

Trusted issuers may assert subjects, and so may a client whose record says so (``may_assert_subjects``), by its own key and
registered algorithm (IT-06). Such a client may name any subject: give it to few.
"""

import asyncio
from collections.abc import Mapping

import msgspec

from service.crypto.jws import UnverifiableError
from service.grants.beginning_grants import fresh_authorization
from service.grants.grant_type import GrantType
from service.issuer import Issuer
from service.protocol.errors import InvalidAuthorizationDetails, InvalidGrant, InvalidRequest, InvalidScope
from service.protocol.names import GrantTypeName, TrustUse
from service.protocol.request import Request
from service.protocol.token_exchange import ACT, MAY_ACT, check_may_act, foreign_actors
from service.records.client import Client
from service.records.trusted_issuer import TrustedIssuer
from service.store.replay_checks import ReplayCheck
from service.tokens import assertions
from service.tokens.assertions import UnverifiedAssertion
from service.tokens.authorization import Authorization
from service.tokens.exchanged_tokens import ID_JAG_TYPE
from service.tokens.id_jag import bounds_of, check_id_jag, details_of
from service.tokens.members import GRANT_MEMBERS, judge_members
from service.tokens.token_request import TokenRequest
from service.tokens.trusted_issuers import (
    UnknownIssuerError,
    checked_subject,
    subject_of,
    trusted_issuer_of,
    verify_by_issuer,
)
from service.tokens.user_claims import read_claims, with_claims

_TYPES = assertions.GRANT_TYPES | {ID_JAG_TYPE}
ID_JAG_PROFILE = "urn:ietf:params:oauth:grant-profile:id-jag"


class UntrustedIssuer(InvalidGrant):
    """The issuer of the assertion is not registered here. A backend that calls the decision API may know it, and is asked."""

    def __init__(self, assertion: UnverifiedAssertion, reason: str) -> None:
        super().__init__(f"The assertion cannot be used: {reason}", log=reason)
        self.assertion = assertion


async def authorize(issuer: Issuer, token_request: TokenRequest) -> Authorization:
    """Verify the assertion. Raises InvalidGrant with the reason: a client with a signed assertion has nothing to guess."""
    request, client, requested = token_request.request, token_request.client, token_request.requested
    text, members = request.required("assertion"), dict[str, object]()
    try:
        assertion = assertions.read(text, _TYPES)
        is_id_jag = assertions.typ_of(assertion.jws) == ID_JAG_TYPE
        if is_id_jag:
            check_id_jag(issuer, token_request, assertion)
            requested, members = bounds_of(assertion, requested), details_of(issuer, client, assertion)
        checked_subject(assertion.subject)
        trusted, claims = await asyncio.gather(
            _trusted_issuer(issuer, client, assertion, is_id_jag=is_id_jag),
            read_claims(issuer, client, assertion.subject, requested.scope),
        )
        check = await _verify(issuer, client, assertion, trusted, request, is_id_jag=is_id_jag)
        asserted = assertion.jws.claims()
        subject = assertion.subject if trusted is None else subject_of(trusted, asserted)
        acting = _acting(issuer, client, trusted, asserted)
    except UnknownIssuerError as error:
        raise UntrustedIssuer(assertion, str(error)) from error
    except UnverifiableError as error:
        raise InvalidGrant(f"The assertion cannot be used: {error}", log=str(error)) from error
    begun = fresh_authorization(issuer, _within(client, trusted), GrantTypeName.JWT_BEARER, requested, subject=subject)
    has_details = bool(members) or not GRANT_MEMBERS.keys().isdisjoint(request.parameters)
    _check_within_trust(trusted, begun.granted.scope, has_details=has_details)
    await judge_members(issuer, client, subject, members)
    members |= acting
    # read by the issuer's name for the user, together with the issuer
    known = claims if subject == assertion.subject else None
    grant = await with_claims(issuer, client, begun.grant, known)
    # when they signed in, if they did, is not known
    grant = msgspec.structs.replace(grant, auth_time=0, members=members or None)
    if check is not None:
        token_request.replay_checks.append(check)
    granted = msgspec.structs.replace(begun.granted, members=grant.members)
    return msgspec.structs.replace(begun, grant=grant, granted=granted, is_final=is_id_jag)


def _acting(
    issuer: Issuer, client: Client, trusted: TrustedIssuer | None, claims: Mapping[str, object]
) -> dict[str, object]:
    """Return the actors that the assertion names (draft-ietf-oauth-identity-chaining), and those who alone may act.

    Raises UnverifiableError.
    """
    act, may_act = claims.get(ACT), claims.get(MAY_ACT)
    try:
        found = {MAY_ACT: check_may_act(may_act)} if may_act is not None else {}
        if act is not None:
            found[ACT] = _own_actor(client, act) if trusted is None else foreign_actors(act, trusted.issuer, issuer.url)
    except InvalidRequest as error:  # for an assertion, RFC 7521 section 4.1.1 demands invalid_grant
        raise UnverifiableError(error.description) from error
    return found


def _own_actor(client: Client, act: object) -> dict[str, object]:
    own: dict[str, object] = {"sub": client.client_id, "client_id": client.client_id}
    if not isinstance(act, dict) or not act or any(own.get(name) != value for name, value in act.items()):
        raise UnverifiableError("a client can say of itself alone that it acts")
    return own


def _check_within_trust(trusted: TrustedIssuer | None, scope: str, *, has_details: bool) -> None:
    """Refuse what the issuer of the assertion is not trusted for. Raises InvalidScope, InvalidAuthorizationDetails."""
    if trusted is None or not trusted.scopes:
        return
    if set(scope.split()) - set(trusted.scopes):
        # scopes open to self-registered clients come with the resource, and are none of the client's own
        raise InvalidScope("The scope goes beyond what the issuer of the assertion is trusted for.")
    if has_details:
        raise InvalidAuthorizationDetails("The issuer of the assertion is trusted for scopes alone.")


async def _trusted_issuer(
    issuer: Issuer, client: Client, assertion: UnverifiedAssertion, *, is_id_jag: bool
) -> TrustedIssuer | None:
    """Return the trusted issuer of the assertion; None where the client itself may assert the subject.

    Raises UnverifiableError, which does not say whether the issuer is trusted for other clients.
    """
    if is_id_jag:
        return await trusted_issuer_of(issuer, client, assertion, TrustUse.ID_JAG)
    if client.may_assert_subjects and assertion.issuer == client.client_id:
        return None
    return await trusted_issuer_of(issuer, client, assertion, TrustUse.JWT_BEARER)


async def _verify(
    issuer: Issuer,
    client: Client,
    assertion: UnverifiedAssertion,
    trusted: TrustedIssuer | None,
    request: Request,
    *,
    is_id_jag: bool,
) -> ReplayCheck | None:
    """Verify signature and audience. Return the check of its first use, None where the assertion may be used again."""
    wanted = (issuer.url,) if is_id_jag else assertions.audiences(issuer, request)
    if trusted is None:
        verified = await assertions.verify_by_client(issuer, client, assertion)
    else:
        verified = await verify_by_issuer(issuer, trusted, assertion)
        wanted = (*wanted, trusted.audience) if trusted.audience and not is_id_jag else wanted
        if trusted.reusable and not is_id_jag:
            assertions.check_reusable(issuer, verified.claims, wanted)
            return None
    return assertions.check_grant_assertion(issuer, verified, wanted)


def _within(client: Client, trusted: TrustedIssuer | None) -> Client:
    """Return the client with no more scopes than its assertion allows."""
    if trusted is None or not trusted.scopes:
        return client
    scopes = tuple(scope for scope in client.scopes if scope in trusted.scopes)
    default = client.default_scope
    if default is not None:
        default = " ".join(scope for scope in default.split() if scope in scopes)
    narrowed: Client = msgspec.structs.replace(client, scopes=scopes, default_scope=default)
    return narrowed


GRANT_TYPE = GrantType(
    GrantTypeName.JWT_BEARER,
    authorize,
    help="Tokens for an assertion of a trusted issuer.",
    metadata=lambda _: {"authorization_grant_profiles_supported": [ID_JAG_PROFILE]},
    has_side_effects=True,
)
