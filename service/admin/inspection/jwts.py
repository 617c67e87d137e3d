"""Inspection of JWTs: our access tokens and ID tokens, and JWTs of others."""

from collections.abc import Mapping
from typing import Any

from service.admin.inspection.credentials import inspect_access_token
from service.admin.inspection.finding import Inspection, What, Why, of_grant, with_client
from service.crypto.jws import SKEW, Jws, UnverifiableError, parse
from service.issuer import Issuer
from service.protocol.claims import is_deeper
from service.tokens.access_tokens import GENERATION, MAX_JWT, resolve_token
from service.tokens.access_tokens import TYPE as ACCESS_JWT
from service.tokens.id_tokens import read_hint

LONGEST = 16_384
"""The most characters that are inspected."""
_MAX_DEPTH = 100
"""The most levels of header and claims, as deeper ones could not be displayed."""
_YEAR_10000 = 253_402_300_800


async def inspect_jwt(issuer: Issuer, token: str) -> Inspection:
    """Inspect a text that has the form of a JWT."""
    try:
        jws = parse(token, LONGEST)
        header, claims = dict(jws.header), jws.claims()
    except UnverifiableError:
        return Inspection(What.UNKNOWN, (Why.MALFORMED,))
    if is_deeper(header, _MAX_DEPTH) or is_deeper(claims, _MAX_DEPTH):
        return Inspection(What.UNKNOWN, (Why.MALFORMED,))
    found = Inspection(What.JWT, header=header, claims=claims)
    found = found._replace(issued_at=_seconds(claims, "iat"), ends_at=_seconds(claims, "exp"), jti=_text(claims, "jti"))
    if claims.get("iss") != issuer.url:
        return await _of_another_issuer(issuer, found)
    found = found._replace(what=_what(jws, claims))
    if (doubt := await _signature(issuer, token, jws)) is not None:
        return found._replace(why=(doubt,))
    found = _timely(issuer, found._replace(signed_by_us=True))
    if found.what is What.ID_TOKEN:
        return await _id_token(issuer, token, found)
    if found.what in (What.JWT_ACCESS_TOKEN, What.STATELESS_ACCESS_TOKEN):
        return await _access_jwt(issuer, token, found)
    return found._replace(why=(*found.why, Why.OTHER_PURPOSE))


def _what(jws: Jws, claims: Mapping[str, Any]) -> What:
    if jws.header.get("typ") == ACCESS_JWT or "client_id" in claims:
        return What.STATELESS_ACCESS_TOKEN if isinstance(claims.get(GENERATION), int) else What.JWT_ACCESS_TOKEN
    return What.ID_TOKEN if jws.header.get("typ", "JWT") == "JWT" and "events" not in claims else What.JWT


async def _signature(issuer: Issuer, token: str, jws: Jws) -> Why | None:
    """Return what is wrong with the signature, None for nothing."""
    if issuer.keyring is None:
        return Why.NOT_SUPPORTED
    typ = jws.header.get("typ", "JWT")
    if isinstance(typ, str) and await issuer.keyring.verify(token, typ=typ) is not None:
        return None
    known = {one.key.kid for one in issuer.keyring.known()}
    return Why.BAD_SIGNATURE if jws.kid in known else Why.UNKNOWN_KEY


def _timely(issuer: Issuer, found: Inspection) -> Inspection:
    now = issuer.clock()
    if found.ends_at and found.ends_at <= now:
        return found._replace(why=(*found.why, Why.EXPIRED))
    if _seconds(found.claims, "nbf") > now + SKEW:
        return found._replace(why=(*found.why, Why.NOT_YET))
    return found


async def _access_jwt(issuer: Issuer, token: str, found: Inspection) -> Inspection:
    """Inspect a JWT access token: by the record under its ``jti``, or a stateless one by its claims."""
    audience = found.claims.get("aud", ())
    scope, named = _text(found.claims, "scope"), (audience,) if isinstance(audience, str) else tuple(audience)
    found = found._replace(scope=scope, audience=named)
    client_id = _text(found.claims, "client_id")
    if found.what is What.STATELESS_ACCESS_TOKEN:
        return await with_client(issuer, found, client_id, found.claims[GENERATION])
    if len(token) > MAX_JWT:
        return found._replace(client_id=client_id, why=(*found.why, Why.MALFORMED))
    resolved = (await resolve_token(issuer, token)).credential
    if resolved is None:  # it has expired, and has no record any more
        return await with_client(issuer, found, client_id, None)
    kept = await inspect_access_token(issuer, resolved)
    return kept._replace(
        what=found.what,
        why=(*found.why, *kept.why),
        client_id=kept.client_id or client_id,
        issued_at=found.issued_at,
        ends_at=found.ends_at,
        jti=found.jti,
        header=found.header,
        claims=found.claims,
        signed_by_us=True,
        scope=scope,
        audience=named,
    )


async def _id_token(issuer: Issuer, token: str, found: Inspection) -> Inspection:
    """Inspect an ID token. It gives no access, but names its grant (IA-37)."""
    found = found._replace(why=(*found.why, Why.OTHER_PURPOSE))
    hint = await read_hint(issuer, token)
    if hint is None:
        return found
    found = await with_client(issuer, found._replace(grant_id=hint.grant_id), hint.client_id, None)
    listed = await issuer.store.grants.open(hint.grant_id)
    if listed is None:
        return found._replace(audience=(hint.client_id,))
    return of_grant(found, listed.grant)._replace(audience=(hint.client_id,))


async def _of_another_issuer(issuer: Issuer, found: Inspection) -> Inspection:
    """Inspect a JWT that may be an assertion of a trusted issuer; its keys are not fetched."""
    name = _text(found.claims, "iss")
    trusted = await issuer.store.trusted_issuers.get(name) if name else None
    what = What.ASSERTION if trusted else What.JWT
    return _timely(issuer, found._replace(what=what, why=(Why.OTHER_ISSUER,)))


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value if isinstance(value, str) else ""


def _seconds(claims: Mapping[str, Any], name: str) -> int:
    """Return the time in a claim in epoch seconds, 0 where it is no valid time."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < _YEAR_10000:
        return 0
    return int(value)
