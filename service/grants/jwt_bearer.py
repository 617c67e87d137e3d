"""grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer: an assertion about a subject is redeemed (RFC 7523 2.1, IT-05).

Trusted issuers may assert subjects, and so may a client whose record says so (``may_assert_subjects``), by its own key and
registered algorithm (IT-06). Such a client may name any subject: give it to few.
"""

import asyncio

import msgspec

from service.crypto.client_keys import ALGORITHMS, KeySource
from service.crypto.jws import UnverifiableError
from service.grants.beginning_grants import fresh_authorization
from service.grants.grant_type import GrantType
from service.issuer import Issuer
from service.protocol.errors import InvalidGrant
from service.protocol.names import GrantTypeName
from service.protocol.request import Request
from service.records.client import Client
from service.records.trusted_issuer import TrustedIssuer
from service.store.replay_checks import ReplayCheck
from service.tokens import assertions
from service.tokens.assertions import UnverifiedAssertion
from service.tokens.authorization import Authorization
from service.tokens.token_request import TokenRequest
from service.tokens.user_claims import read, with_claims

MAX_SUBJECT = 255
_NOT_TRUSTED = "its issuer is not trusted for this client"


class UnknownIssuerError(UnverifiableError):
    """The issuer of the assertion is not registered here."""


class UntrustedIssuer(InvalidGrant):
    """The same, for the token endpoint; a backend that calls the decision API may know the issuer, and is asked."""

    def __init__(self, assertion: UnverifiedAssertion, reason: str) -> None:
        super().__init__(f"The assertion cannot be used: {reason}", log=reason)
        self.assertion = assertion


async def authorize(issuer: Issuer, token_request: TokenRequest) -> Authorization:
    """Verify the assertion. Raises InvalidGrant with the reason: a client with a signed assertion has nothing to guess."""
    request, client, requested = token_request.request, token_request.client, token_request.requested
    text = request.required("assertion")
    try:
        assertion = assertions.read(text)
        subject = assertion.subject
        if len(subject) > MAX_SUBJECT or not (subject.isascii() and subject.isprintable()):
            raise UnverifiableError(f"sub must be printable ASCII of at most {MAX_SUBJECT} characters")
        trusted, claims = await asyncio.gather(
            _trusted_issuer(issuer, client, assertion), read(issuer, client, subject, requested.scope)
        )
        check = await _verify(issuer, client, assertion, trusted, request)
    except UnknownIssuerError as error:
        raise UntrustedIssuer(assertion, str(error)) from error
    except UnverifiableError as error:
        raise InvalidGrant(f"The assertion cannot be used: {error}", log=str(error)) from error
    begun = fresh_authorization(issuer, _within(client, trusted), GrantTypeName.JWT_BEARER, requested, subject=subject)
    grant = await with_claims(issuer, client, begun.grant, claims)
    grant = msgspec.structs.replace(grant, auth_time=0)  # when they signed in, if they did, is not known
    token_request.replay_checks.append(check)
    return msgspec.structs.replace(begun, grant=grant)


async def _trusted_issuer(issuer: Issuer, client: Client, assertion: UnverifiedAssertion) -> TrustedIssuer | None:
    """The trusted issuer of the assertion; None where the client itself asserts the subject, and may.

    Raises UnverifiableError, which does not say whether the issuer is trusted for other clients.
    """
    if client.may_assert_subjects and assertion.issuer == client.client_id:
        return None
    is_name = len(assertion.issuer) <= MAX_SUBJECT
    trusted = await issuer.store.trusted_issuers.get(assertion.issuer) if is_name else None
    if trusted is None:
        raise UnknownIssuerError(_NOT_TRUSTED)
    if trusted.clients and client.client_id not in trusted.clients:
        raise UnverifiableError(_NOT_TRUSTED)
    if assertion.algorithm not in (trusted.algorithms or ALGORITHMS):
        raise UnverifiableError(f"it is signed with {assertion.algorithm}, which its issuer does not use")
    if trusted.subjects and assertion.subject not in trusted.subjects:
        raise UnverifiableError("its issuer may not assert this subject")
    return trusted


async def _verify(
    issuer: Issuer, client: Client, assertion: UnverifiedAssertion, trusted: TrustedIssuer | None, request: Request
) -> ReplayCheck:
    """Verify signature and audience, and record the use."""
    wanted = assertions.audiences(issuer, request)
    if trusted is None:
        verified = await assertions.verify_by_client(issuer, client, assertion)
    else:
        source = KeySource(f"issuer {trusted.issuer}", trusted.jwks, trusted.jwks_uri)
        verified = await assertions.verify_by_keys(issuer, source, assertion, trusted.algorithms or ALGORITHMS)
        wanted = (*wanted, trusted.audience) if trusted.audience else wanted
    return assertions.use_grant_assertion(issuer, verified, wanted)


def _within(client: Client, trusted: TrustedIssuer | None) -> Client:
    """The client with no more scopes than its assertion may bring."""
    if trusted is None or not trusted.scopes:
        return client
    scopes = tuple(scope for scope in client.scopes if scope in trusted.scopes)
    default = client.default_scope
    if default is not None:
        default = " ".join(scope for scope in default.split() if scope in scopes)
    narrowed: Client = msgspec.structs.replace(client, scopes=scopes, default_scope=default)
    return narrowed


GRANT_TYPE = GrantType(
    GrantTypeName.JWT_BEARER, authorize, help="Tokens for an assertion of a trusted issuer.", has_side_effects=True
)
