"""Signed CIBA requests: the parameters inside a JWT (CIBA Core 1.0 section 7.1.1)."""

import math
from collections.abc import Mapping
from typing import Any

from service.crypto.client_keys import key_source
from service.crypto.jws import SKEW, UnverifiableError, parse
from service.issuer import Issuer
from service.login.request_object import MAX_REQUEST_OBJECT, Parameters, parameters_of
from service.protocol.errors import InvalidRequest, InvalidRequestObject, ProtocolError
from service.protocol.request_objects import LONGEST, check_type
from service.records.client import Client
from service.store.replay_checks import ReplayCheck, Use

_REQUIRED = ("iss", "aud", "exp", "iat", "nbf", "jti")
MAX_JTI = 255
"""The most characters of a signed request."""


async def verified_parameters(issuer: Issuer, client: Client, token: str, checks: list[ReplayCheck]) -> Parameters:
    """Return the parameters of a signed request.

    Args:
        issuer: Whom it is for.
        client: Who signed it, by the algorithm that it is registered for.
        token: The JWT.
        checks: Its replay check is added to these.

    Raises:
        InvalidRequest: It cannot be used (section 13 has no error of its own for that).
        TemporarilyUnavailable: The client's keys cannot be fetched now.
    """
    algorithm = client.backchannel_authentication_request_signing_alg
    if algorithm is None:
        raise InvalidRequest("The client is not registered for signed requests (CIBA Core 4).")
    demanded = issuer.demands_on(client).algorithms
    allowed = [algorithm.value] if demanded is None or algorithm in demanded else []
    try:
        jws = parse(token, MAX_REQUEST_OBJECT)
        check_type(jws.header.get("typ"), strictly=False)
        claims = await issuer.client_keys.verify(key_source(client), jws, algorithms=allowed)
        _check(issuer, client, claims)
        parameters = parameters_of(client, claims)
    except (UnverifiableError, InvalidRequestObject) as error:
        raise InvalidRequest(f"The signed request cannot be used: {error}", log=f"signed request: {error}") from error
    checks.append(_record_use(issuer, client, claims))
    return parameters


def _check(issuer: Issuer, client: Client, claims: Mapping[str, Any]) -> None:
    """Check its own claims, all of which are required; times were checked with the signature. Raises UnverifiableError."""
    if missing := [name for name in _REQUIRED if claims.get(name) is None]:
        raise UnverifiableError(f"it lacks {', '.join(missing)}")
    if claims["iss"] != client.client_id:
        raise UnverifiableError("iss is not the client")
    audience = claims["aud"]
    if issuer.url not in (audience if isinstance(audience, list) else [audience]):
        raise UnverifiableError("aud does not name this issuer")
    if not isinstance(claims["jti"], str) or not 0 < len(claims["jti"]) <= MAX_JTI:
        raise UnverifiableError(f"jti must be a text of 1 to {MAX_JTI} characters")
    if claims["exp"] - claims["nbf"] > LONGEST or claims["nbf"] < issuer.clock() - LONGEST - SKEW:
        raise UnverifiableError("exp is more than 60 minutes after nbf, or nbf more than 60 minutes ago")


def _record_use(issuer: Issuer, client: Client, claims: Mapping[str, Any]) -> ReplayCheck:
    use = Use(
        name=f"backchannel request\0{client.client_id}\0{claims['jti']}",
        ends_at=math.ceil(claims["exp"]) + SKEW + 1,
        by=issuer.randomness(16),
        refusal=_replayed,
    )
    return issuer.store.replay_checks.record(use)


def _replayed() -> ProtocolError:
    return InvalidRequest("The signed request was used before: each needs a jti of its own.")
