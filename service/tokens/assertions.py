"""Assertions: JWTs by which clients authenticate and issuers assert subjects (RFC 7521, RFC 7523).

One verifier for both (IT-16): it demands the registered algorithm, a key of the named issuer, our name as audience, an end
that is near, and a ``jti`` that was not used before.
"""

import math
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec

from service.crypto.client_keys import ALGORITHMS, KeySource, key_source
from service.crypto.jws import SKEW, Jws, UnverifiableError, check_times, checked_claims, parse, read_header
from service.crypto.key_material import UnusableKeyError
from service.issuer import Issuer
from service.protocol.errors import InvalidClient, InvalidGrant, ProtocolError
from service.protocol.names import ClientAuthMethod, HmacAlgorithm
from service.protocol.request import Request
from service.records.client import Client
from service.store.replay_checks import ReplayCheck, Use

CLIENT_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
"""``client_assertion_type`` (RFC 7523 section 2.2)."""
SPIFFE_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-spiffe"
"""``client_assertion_type`` of a JWT-SVID (draft-ietf-oauth-spiffe-client-auth section 3.1)."""
HMAC = tuple(algorithm.value for algorithm in HmacAlgorithm)
_KNOWN = frozenset((*ALGORITHMS, *HMAC))
MAX_ASSERTION = 8192
"""The most characters of an assertion."""
MAX_JTI = 255
REUSED_FOR = 86_400
"""The longest life in seconds of a token that may be used until it ends: no platform gives its workloads a longer one."""
_LONGEST_HEADER = 6000
PLAIN_TYPES = frozenset({"", "jwt"})
"""The values of ``typ`` that name no purpose: what was signed for another one is refused (RFC 8725 section 3.11)."""
CLIENT_TYPES = PLAIN_TYPES | {"client-authentication+jwt"}
"""Those of an assertion by which a client authenticates (draft-ietf-oauth-rfc7523bis)."""
GRANT_TYPES = PLAIN_TYPES | {"authorization-grant+jwt"}
"""Those of an assertion that is a grant for its subject (draft-ietf-oauth-rfc7523bis)."""

_SVID_TYPES = frozenset({"", "jwt", "jose"})
_SPIFFE_ID = re.compile(r"(spiffe://[a-z0-9._-]{1,255})/[A-Za-z0-9._/-]{1,1700}")


def algorithm_of(token: str) -> str:
    """Return the algorithm in an assertion's header; "" where there is none that can be read."""
    try:
        algorithm = read_header(token[:_LONGEST_HEADER].partition(".")[0].encode("ascii")).get("alg")
    except ValueError:
        return ""
    return algorithm if isinstance(algorithm, str) else ""


class UnverifiedAssertion(msgspec.Struct, frozen=True):
    """An assertion whose form is right. Its claims serve to find the keys, and for nothing else."""

    jws: Jws
    algorithm: str
    issuer: str
    subject: str


class VerifiedAssertion(msgspec.Struct, frozen=True):
    """An assertion whose signature holds."""

    claims: Mapping[str, Any]
    signing_input: bytes


def read(token: str, types: Collection[str]) -> UnverifiedAssertion:
    """Read a signed JWT with issuer and subject, of one of these ``typ`` in lower case. Raises UnverifiableError."""
    jws = parse(token, MAX_ASSERTION)
    if jws.algorithm not in _KNOWN:  # none, above all (IT-17)
        raise UnverifiableError(f"it must be signed with one of {', '.join((*ALGORITHMS, *HMAC))}")
    if typ_of(jws) not in types:
        raise UnverifiableError("its typ says that it was signed for another purpose")
    claims = jws.claims()
    issuer, subject = claims.get("iss"), claims.get("sub")
    if not isinstance(issuer, str) or not isinstance(subject, str) or not issuer or not subject:
        raise UnverifiableError("it needs iss and sub (RFC 7523 section 3)")
    return UnverifiedAssertion(jws, jws.algorithm, issuer, subject)


def read_svid(token: str) -> UnverifiedAssertion:
    """Read a JWT-SVID, whose issuer is the trust domain of its subject (draft-ietf-oauth-spiffe-client-auth section 3.1).

    Its ``iss`` is ignored: its keys are found by the trust domain alone. Raises UnverifiableError.
    """
    jws = parse(token, MAX_ASSERTION)
    if jws.algorithm not in ALGORITHMS:
        raise UnverifiableError(f"it must be signed with one of {', '.join(ALGORITHMS)}")
    if typ_of(jws) not in _SVID_TYPES:
        raise UnverifiableError("its typ says that it was signed for another purpose")
    subject = jws.claims().get("sub")
    found = _SPIFFE_ID.fullmatch(subject) if isinstance(subject, str) else None
    if found is None:
        raise UnverifiableError("its sub is no SPIFFE ID")
    return UnverifiedAssertion(jws, jws.algorithm, found[1], found[0])


def typ_of(jws: Jws) -> str:
    """Return the ``typ`` of its header, in lower case."""
    return str(jws.header.get("typ", "")).lower().removeprefix("application/")


async def verify_client_assertion(
    issuer: Issuer, client: Client, assertion: UnverifiedAssertion, request: Request
) -> ReplayCheck:
    """Verify that a client asserts itself: iss and sub are its client_id (RFC 7523 section 3). Raises UnverifiableError."""
    if not assertion.issuer == assertion.subject == client.client_id:
        raise UnverifiableError("iss and sub of a client assertion must both be the client_id")
    verified = await verify_by_client(issuer, client, assertion)
    strict = client.strict_assertion_audience
    if strict and not isinstance(verified.claims.get("aud"), str):
        raise UnverifiableError("aud must be the issuer, as one string")
    _check(issuer, verified.claims, (issuer.url,) if strict else audiences(issuer, request))
    return issuer.store.replay_checks.record(_use_of(issuer, verified, _client_replay, jti_required=True))


def check_grant_assertion(issuer: Issuer, verified: VerifiedAssertion, wanted: Collection[str]) -> ReplayCheck:
    """Check an assertion that is a grant for its subject. ``wanted`` are the audiences. Raises UnverifiableError.

    Its use is not recorded yet: what else is wrong with the request can be corrected, and the assertion be sent again.
    """
    _check(issuer, verified.claims, wanted)
    return issuer.store.replay_checks.prepare(_use_of(issuer, verified, _grant_replay))


def check_reusable(issuer: Issuer, claims: Mapping[str, Any], wanted: Collection[str]) -> None:
    """Check audience and end of a token that may be used until it ends, whatever its ``jti``. Raises UnverifiableError."""
    _check(issuer, claims, wanted, REUSED_FOR)


def check_unverified(issuer: Issuer, assertion: UnverifiedAssertion, wanted: Collection[str]) -> None:
    """Check what needs no key: times and audience. Raises UnverifiableError."""
    claims = assertion.jws.claims()
    check_times(claims)
    _check(issuer, claims, wanted)


async def verify_by_client(issuer: Issuer, client: Client, assertion: UnverifiedAssertion) -> VerifiedAssertion:
    """Verify an assertion by the client's key, with the algorithm that it is registered for.

    The method determines the kind of key, so a public key is never taken for a secret. Raises UnverifiableError.
    """
    registered = client.token_endpoint_auth_signing_alg
    symmetric = client.auth_method == ClientAuthMethod.CLIENT_SECRET_JWT
    allowed: Collection[str] = (registered,) if registered else HMAC if symmetric else ALGORITHMS
    if (profiles := issuer.demands_on(client).algorithms) is not None:
        allowed = [name for name in allowed if name in profiles]
    if assertion.algorithm not in allowed:
        raise UnverifiableError(f"it is signed with {assertion.algorithm}, not with {' or '.join(allowed)}")
    if not symmetric:
        return await verify_by_keys(issuer, key_source(client), assertion, allowed)
    return VerifiedAssertion(_claims_by_secret(issuer, client, assertion), assertion.jws.signing_input)


async def verify_by_keys(
    issuer: Issuer, source: KeySource, assertion: UnverifiedAssertion, allowed: Collection[str]
) -> VerifiedAssertion:
    """Verify an assertion by a key of this set. Raises UnverifiableError."""
    claims = await issuer.client_keys.verify(source, assertion.jws, algorithms=allowed)
    return VerifiedAssertion(claims, assertion.jws.signing_input)


def audiences(issuer: Issuer, request: Request) -> tuple[str, ...]:
    """Return our names in an assertion: the issuer, and where the settings allow it the token endpoint and the requested one.

    A malicious server that a client also uses could name our endpoints to it as its own, and have it make assertions for
    them (audience injection, CVE-2025-27370): the issuer is what the client knows itself (draft-ietf-oauth-rfc7523bis).
    """
    if issuer.settings.assertion_audience == "issuer":
        return (issuer.url,)
    names = (*(issuer.url_of(path) for path in issuer.settings.token_paths), request.url, request.mtls_url)
    return (issuer.url, *(name for name in names if name))


# signature, claims and use


def _claims_by_secret(issuer: Issuer, client: Client, assertion: UnverifiedAssertion) -> Mapping[str, Any]:
    """Verify by any of the client's secrets, of which there are two while one is being replaced, and return the claims."""
    for secret in client.secrets:
        if not secret.sealed:
            continue
        try:
            key = issuer.sealing.unseal_text(secret.sealed, secret.sealed_under, client.client_id)
        except UnusableKeyError as error:
            raise UnverifiableError("the client's secret cannot be read: master_key has changed") from error
        if len(key) < HmacAlgorithm(assertion.algorithm).bytes:
            raise UnverifiableError(
                f"the client's secret is too short for {assertion.algorithm} (RFC 7518 section 3.2)"
            )
        claims = checked_claims(assertion.jws, key.encode(), assertion.algorithm)
        if claims is not None:
            return claims
    raise UnverifiableError("the client's secret does not verify the signature")


def _client_replay() -> ProtocolError:
    return InvalidClient("The client assertion was used before: each needs a jti of its own.")


def _grant_replay() -> ProtocolError:
    return InvalidGrant("The assertion was used before: each counts once.")


def _check(issuer: Issuer, claims: Mapping[str, Any], wanted: Collection[str], longest: int = 0) -> None:
    """Check audience and end (RFC 7523 section 3); times themselves were checked with the signature."""
    audience, allowed = claims.get("aud"), issuer.settings.assertion_audience
    named: Any = [audience] if isinstance(audience, str) else audience
    fits = isinstance(named, list) and any(name in wanted for name in named if isinstance(name, str))
    if not fits or (len(named) > 1 and allowed != "several"):
        no_other = "" if allowed == "several" else ", and nothing beside it"
        raise UnverifiableError(f"aud must be {' or '.join(dict.fromkeys(wanted))}{no_other}")
    exp = claims.get("exp")
    if exp is None:
        raise UnverifiableError("exp is missing (RFC 7523 section 3)")
    longest = longest or issuer.settings.assertion_lifetime
    if exp > issuer.clock() + longest + SKEW:
        raise UnverifiableError(f"exp is more than {longest} seconds away")


def _use_of(
    issuer: Issuer, verified: VerifiedAssertion, refusal: Callable[[], ProtocolError], *, jti_required: bool = False
) -> Use:
    """Return the use of an assertion. Raises UnverifiableError for a faulty ``jti``.

    Without a ``jti`` the assertion is identified by its signing input: a signature can be written in more than one way.
    """
    claims = verified.claims
    jti = claims.get("jti")
    if jti is None and jti_required:
        raise UnverifiableError("jti is missing (OpenID Connect Core 9)")
    if jti is not None and not (isinstance(jti, str) and 0 < len(jti) <= MAX_JTI):
        raise UnverifiableError(f"jti must be a text of 1 to {MAX_JTI} characters")
    return Use(
        name=f"{claims['iss']}\0{jti}" if jti else verified.signing_input.decode("ascii"),
        ends_at=math.ceil(claims["exp"]) + SKEW + 1,  # never before the assertion itself ends
        by=issuer.randomness(16),
        refusal=refusal,
        is_irreplaceable=not jti_required,  # an issuer that asserts a subject may not be able to make another one
    )
