"""Assertions: JWTs with which clients prove who they are, and others vouch for somebody (RFC 7521, RFC 7523).

One verifier for both (IT-16): the exact algorithm that is registered, the keys of whoever is named and no others, our name
as audience, an end that is near, and a ``jti`` that counts once.
"""

import math
from base64 import urlsafe_b64decode
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

import orjson

from service.crypto.client_keys import ALGORITHMS, KeySource, key_source
from service.crypto.jws import SKEW, Jws, UnverifiableError, check_times, checked_claims, parse
from service.crypto.key_material import UnusableKeyError
from service.issuer import Issuer
from service.protocol.errors import InvalidClient, InvalidGrant, ProtocolError
from service.protocol.names import ClientAuthMethod, HmacAlgorithm
from service.protocol.request import Request
from service.records.client import Client
from service.store.replay_checks import ReplayCheck, Use

CLIENT_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
"""``client_assertion_type`` (RFC 7523 section 2.2)."""
HMAC = tuple(algorithm.value for algorithm in HmacAlgorithm)
MAX_ASSERTION = 8192
"""Characters."""
MAX_JTI = 255
_LONGEST_HEADER = 6000
_TYPES = frozenset({"", "jwt", "client-authentication+jwt", "authorization-grant+jwt"})
"""``typ``: what was signed for another purpose is no assertion (RFC 8725 section 3.11)."""


def algorithm_of(token: str) -> str:
    """With what an assertion is signed, as its header says; "" where it has none that can be read."""
    try:
        header = orjson.loads(urlsafe_b64decode(token[:_LONGEST_HEADER].partition(".")[0] + "=="))
    except (ValueError, TypeError):
        return ""
    algorithm = header.get("alg") if isinstance(header, dict) else None
    return algorithm if isinstance(algorithm, str) else ""


class Told(NamedTuple):
    """What an assertion says of itself, before anything is verified: who is asked for the keys is found by it."""

    jws: Jws
    algorithm: str
    issuer: str
    subject: str


def read(token: str) -> Told:
    """Raises UnverifiableError for what is no signed JWT about somebody."""
    jws = parse(token, MAX_ASSERTION)
    if jws.algorithm not in (*ALGORITHMS, *HMAC):  # none, above all (IT-17)
        raise UnverifiableError(f"it must be signed with one of {', '.join((*ALGORITHMS, *HMAC))}")
    if str(jws.header.get("typ", "")).lower().removeprefix("application/") not in _TYPES:
        raise UnverifiableError("its typ says that it was signed for another purpose")
    claims = jws.claims()
    issuer, subject = claims.get("iss"), claims.get("sub")
    if not isinstance(issuer, str) or not isinstance(subject, str) or not issuer or not subject:
        raise UnverifiableError("it needs iss and sub (RFC 7523 section 3)")
    return Told(jws, jws.algorithm, issuer, subject)


async def verify_client(issuer: Issuer, client: Client, told: Told, request: Request) -> ReplayCheck:
    """The client says who it is: iss and sub are its client_id (RFC 7523 section 3). It holds, if nobody used it before: that
    is being asked of Redis. Raises UnverifiableError.
    """
    if not told.issuer == told.subject == client.client_id:
        raise UnverifiableError("iss and sub of a client assertion must both be the client_id")
    claims = await by_client(issuer, client, told)
    strict = client.strict_assertion_audience
    if strict and not isinstance(claims.get("aud"), str):
        raise UnverifiableError("aud must be the issuer, as one string")
    _check(issuer, claims, (issuer.url,) if strict else audiences(issuer, request))
    return _once(issuer, claims, _client_replay, jti_required=True)


def verify_grant(issuer: Issuer, told: Told, claims: Mapping[str, Any], wanted: Collection[str]) -> ReplayCheck:
    """Somebody vouches for ``sub``; the signature holds already. ``wanted``: audiences. Raises UnverifiableError."""
    _check(issuer, claims, wanted)
    return _once(issuer, claims, _grant_replay, signing_input=told.jws.signing_input)


def look_at(issuer: Issuer, told: Told, wanted: Collection[str]) -> None:
    """What can be seen without a key: its times and its audience. Nothing is verified. Raises UnverifiableError."""
    claims = told.jws.claims()
    check_times(claims)
    _check(issuer, claims, wanted)


async def by_client(issuer: Issuer, client: Client, told: Told) -> Mapping[str, Any]:
    """Claims signed by the client, with the algorithm it is registered for and by its method's kind of key: a public key is
    never taken for a secret. Raises UnverifiableError.
    """
    registered = client.token_endpoint_auth_signing_alg
    symmetric = client.auth_method == ClientAuthMethod.CLIENT_SECRET_JWT
    allowed = (registered,) if registered else HMAC if symmetric else ALGORITHMS
    if told.algorithm not in allowed:
        raise UnverifiableError(f"it is signed with {told.algorithm}, not with {' or '.join(allowed)}")
    if not symmetric:
        return await by_keys(issuer, key_source(client), told, allowed)
    return _by_secret(issuer, client, told)


async def by_keys(issuer: Issuer, source: KeySource, told: Told, allowed: Collection[str]) -> Mapping[str, Any]:
    """Claims signed by a key of this set. Raises UnverifiableError."""
    return await issuer.client_keys.verify(source, told.jws, algorithms=allowed)


def audiences(issuer: Issuer, request: Request) -> tuple[str, ...]:
    """What we are called in an assertion: the issuer; where the settings say so also the token endpoint, and the endpoint that
    is called.

    A malicious server that a client also uses could name our endpoints to it as its own, and have it make assertions for
    them (audience injection, CVE-2025-27370): the issuer is what the client knows itself (draft-ietf-oauth-rfc7523bis).
    """
    if issuer.settings.assertion_audience == "issuer":
        return (issuer.url,)
    return (issuer.url, *(issuer.url_of(path) for path in issuer.settings.token_paths), request.url)


# how it is done


def _by_secret(issuer: Issuer, client: Client, told: Told) -> Mapping[str, Any]:
    """By any of the client's secrets, two while one is being replaced."""
    for secret in client.secrets:
        if not secret.sealed:
            continue
        try:
            key = issuer.sealing.unseal_text(secret.sealed, secret.sealed_under, client.client_id)
        except UnusableKeyError as error:
            raise UnverifiableError("the client's secret cannot be read: master_key has changed") from error
        if len(key) < HmacAlgorithm(told.algorithm).bytes:
            raise UnverifiableError(f"the client's secret is too short for {told.algorithm} (RFC 7518 section 3.2)")
        claims = checked_claims(told.jws, key.encode(), told.algorithm)
        if claims is not None:
            return claims
    raise UnverifiableError("the client's secret does not verify the signature")


def _client_replay() -> ProtocolError:
    return InvalidClient("The client assertion was used before: each needs a jti of its own.")


def _grant_replay() -> ProtocolError:
    return InvalidGrant("The assertion was used before: each counts once.")


def _check(issuer: Issuer, claims: Mapping[str, Any], wanted: Collection[str]) -> None:
    """Audience and end (RFC 7523 section 3); times themselves were looked at with the signature."""
    audience, allowed = claims.get("aud"), issuer.settings.assertion_audience
    named: Any = [audience] if isinstance(audience, str) else audience
    fits = isinstance(named, list) and any(name in wanted for name in named if isinstance(name, str))
    if not fits or (len(named) > 1 and allowed != "several"):
        alone = "" if allowed == "several" else ", and nothing beside it"
        raise UnverifiableError(f"aud must be {' or '.join(dict.fromkeys(wanted))}{alone}")
    exp = claims.get("exp")
    if exp is None:
        raise UnverifiableError("exp is missing (RFC 7523 section 3)")
    longest = issuer.settings.assertion_lifetime
    if exp > issuer.clock() + longest + SKEW:
        raise UnverifiableError(f"exp is more than {longest} seconds away")


def _once(
    issuer: Issuer,
    claims: Mapping[str, Any],
    refusal: Callable[[], ProtocolError],
    *,
    jti_required: bool = False,
    signing_input: bytes = b"",
) -> ReplayCheck:
    """Let Redis say whether it is the first time; without waiting, so that it leaves with what else there is to ask.

    Without a ``jti`` it is known by what is signed: a signature can be written in more than one way.
    """
    jti = claims.get("jti")
    if jti is None and jti_required:
        raise UnverifiableError("jti is missing (OpenID Connect Core 9)")
    if jti is not None and not (isinstance(jti, str) and 0 < len(jti) <= MAX_JTI):
        raise UnverifiableError(f"jti must be a text of 1 to {MAX_JTI} characters")
    use = Use(
        name=f"{claims['iss']}\0{jti}" if jti else signing_input.decode("ascii"),
        ends_at=math.ceil(claims["exp"]) + SKEW + 1,  # never before the assertion itself ends
        by=issuer.randomness(16),
        refusal=refusal,
        is_irreplaceable=not jti_required,  # whoever asserts a subject may not be asked again
    )
    return issuer.store.replay_checks.record(use)
