"""grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer: an assertion about a subject is redeemed (RFC 7523 2.1, IT-05).

Trusted issuers may assert subjects, and so may a client whose record says so (``may_assert_subjects``), by its own key and
registered algorithm (IT-06). Such a client may name any subject: give it to few.
"""

import asyncio

import msgspec

from service.crypto.client_keys import ALGORITHMS, KeySource
from service.crypto.jws import UnverifiableError
from service.grants.fresh import fresh_authorization
from service.grants.grant_type import GrantType
from service.issuer import Issuer
from service.protocol.errors import InvalidGrant
from service.protocol.names import GrantTypeName
from service.protocol.request import Request
from service.records.client import Client
from service.records.trusted_issuer import TrustedIssuer
from service.store.replay_checks import ReplayCheck
from service.tokens import assertions
from service.tokens.assertions import Told
from service.tokens.authorization import Authorization
from service.tokens.token_request import TokenRequest
from service.tokens.user_claims import read, with_claims

MAX_SUBJECT = 255
_NOT_TRUSTED = "its issuer is not trusted for this client"


class StrangerError(UnverifiableError):
    """Nobody here knows who made the assertion."""


class UntrustedIssuer(InvalidGrant):
    """The same, for the token endpoint; a caller of the decision API may know more, and is asked (``told``)."""

    def __init__(self, told: Told, reason: str) -> None:
        super().__init__(f"The assertion cannot be used: {reason}", log=reason)
        self.told = told


async def authorize(issuer: Issuer, token_request: TokenRequest) -> Authorization:
    """Raises InvalidGrant with the reason: whoever holds a signed assertion has nothing to guess."""
    request, client, requested = token_request.request, token_request.client, token_request.requested
    assertion = request.required("assertion")
    try:
        told = assertions.read(assertion)
        if len(told.subject) > MAX_SUBJECT or not (told.subject.isascii() and told.subject.isprintable()):
            raise UnverifiableError(f"sub must be printable ASCII of at most {MAX_SUBJECT} characters")
        trust, person = await asyncio.gather(
            _trust(issuer, client, told), read(issuer, client, told.subject, requested.scope)
        )
        check = await _verified(issuer, client, told, trust, request)
    except StrangerError as error:
        raise UntrustedIssuer(told, str(error)) from error
    except UnverifiableError as error:
        raise InvalidGrant(f"The assertion cannot be used: {error}", log=str(error)) from error
    begun = fresh_authorization(
        issuer, _within(client, trust), GrantTypeName.JWT_BEARER, requested, subject=told.subject
    )
    grant = await with_claims(issuer, client, begun.grant, person)
    grant = msgspec.structs.replace(grant, auth_time=0)  # when they signed in, if they did, is not known
    token_request.replay_checks.append(check)
    return msgspec.structs.replace(begun, grant=grant)


async def _trust(issuer: Issuer, client: Client, told: Told) -> TrustedIssuer | None:
    """The trusted issuer; None where the client itself asserts the subject, and may."""
    if client.may_assert_subjects and told.issuer == client.client_id:
        return None
    return await _trusted(issuer, client, told)


async def _trusted(issuer: Issuer, client: Client, told: Told) -> TrustedIssuer:
    """Raises UnverifiableError; whether it is trusted for others is not told."""
    trust = await issuer.store.trusted_issuers.get(told.issuer) if len(told.issuer) <= MAX_SUBJECT else None
    if trust is None:
        raise StrangerError(_NOT_TRUSTED)
    if trust.clients and client.client_id not in trust.clients:
        raise UnverifiableError(_NOT_TRUSTED)
    if told.algorithm not in (trust.algorithms or ALGORITHMS):
        raise UnverifiableError(f"it is signed with {told.algorithm}, which its issuer does not use")
    if trust.subjects and told.subject not in trust.subjects:
        raise UnverifiableError("its issuer may not assert this subject")
    return trust


async def _verified(
    issuer: Issuer, client: Client, told: Told, trust: TrustedIssuer | None, request: Request
) -> ReplayCheck:
    names = assertions.audiences(issuer, request)
    if trust is None:
        return assertions.verify_grant(issuer, told, await assertions.by_client(issuer, client, told), names)
    source = KeySource(f"issuer {trust.issuer}", trust.jwks, trust.jwks_uri)
    claims = await assertions.by_keys(issuer, source, told, trust.algorithms or ALGORITHMS)
    return assertions.verify_grant(issuer, told, claims, (*names, trust.audience) if trust.audience else names)


def _within(client: Client, trust: TrustedIssuer | None) -> Client:
    """The client with no more scopes than its assertion may bring."""
    if trust is None or not trust.scopes:
        return client
    scopes = tuple(scope for scope in client.scopes if scope in trust.scopes)
    default = client.default_scope
    if default is not None:
        default = " ".join(scope for scope in default.split() if scope in scopes)
    narrowed: Client = msgspec.structs.replace(client, scopes=scopes, default_scope=default)
    return narrowed


GRANT_TYPE = GrantType(GrantTypeName.JWT_BEARER, authorize, has_side_effects=True)
