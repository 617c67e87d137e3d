"""Issued tokens as members of a result (AU-16 to AU-30), with the caller's additions."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import orjson

from service.fronts.decision_api.body import properties_json
from service.fronts.decision_api.call import CallResult, milliseconds
from service.fronts.decision_api.details_json import details_json
from service.fronts.decision_api.result_codes import ResultCode
from service.issuer import Issuer
from service.protocol.credentials import parse
from service.records.client import Client
from service.records.property import Property
from service.tokens.access_tokens import resolve_token
from service.tokens.authorization import Authorization, Issued


def with_additions(authorization: Authorization, added: tuple[Property, ...], lifetime: int) -> Authorization:
    """Return the authorization with the caller's additions: to a new grant, or else to this access token alone."""
    if authorization.spends is None and added:
        grant = msgspec.structs.replace(authorization.grant, properties=authorization.grant.properties + added)
        authorization = msgspec.structs.replace(authorization, grant=grant)
        added = ()
    changed: Authorization = msgspec.structs.replace(authorization, lifetime=lifetime, properties=added)
    return changed


def kept_properties(issued: Issued) -> Iterator[Property]:
    """Return the grant's properties that its token keeps: a stateless one has those that introspection shows, in itself."""
    return (member for member in issued.grant.properties if member.in_introspection or not issued.is_stateless)


async def tokens_issued(
    issuer: Issuer, client: Client, issued: Issued, added: tuple[Property, ...], so_far: CallResult
) -> CallResult:
    """Complete the answer ``so_far`` with the tokens and the ready-made response (AU-10)."""
    known = {"subject": issued.grant.subject, "scope": issued.grant.scope, "repeated": issued.repeated or None}
    members = {**so_far.members, **await _members(issuer, client, issued, added)}
    members["responseContent"] = issued.content.decode()
    return CallResult(ResultCode.TOKEN_ISSUED, members, "OK", facts={**so_far.facts, **known})


async def _members(issuer: Issuer, client: Client, issued: Issued, added: tuple[Property, ...]) -> dict[str, Any]:
    """Return AU-16 to AU-30, derived from the response itself, so that a repeated response has the same members (P2)."""
    body, grant = orjson.loads(issued.content), issued.grant
    access_ends, refresh_ends = issued.access_token_ends_at, issued.refresh_token_ends_at
    if issued.repeated:
        access_ends, refresh_ends, added = await _kept_of(issuer, body)
    own = (member for member in added if member not in grant.properties)  # ``with_additions`` put the others there
    access, refresh = body["access_token"], body.get("refresh_token")
    issued_at = access_ends - body["expires_in"] if access_ends else int(issuer.clock())
    return {
        "accessToken": access,
        "accessTokenDuration": body["expires_in"],
        "accessTokenExpiresAt": milliseconds(access_ends),
        "refreshToken": refresh,
        "refreshTokenDuration": refresh_ends - issued_at if refresh and refresh_ends else 0,
        "refreshTokenExpiresAt": milliseconds(refresh_ends) if refresh else 0,
        "idToken": body.get("id_token"),
        "jwtAccessToken": body.get("access_token_jwt") or (access if access.count(".") == 2 else None),
        "subject": grant.subject or None,
        "scopes": body.get("scope", "").split(),
        "refreshTokenScopes": grant.scope.split() if refresh else None,
        "properties": properties_json(client.properties, kept_properties(issued), own),
        "accessTokenResources": list(issued.audience or grant.audience) or None,
        "previousRefreshTokenUsed": issued.repeated,
        "authorizationDetails": details_json(body),
    }


async def _kept_of(issuer: Issuer, body: Mapping[str, Any]) -> tuple[int, int, tuple[Property, ...]]:
    """Return when the tokens of a repeated response end, by their records (P4; 0: ended), and the caller's additions."""
    tokens = issuer.store.tokens
    access, refresh = (
        (await resolve_token(issuer, body["access_token"])).credential,
        parse(body.get("refresh_token", "")),
    )
    opened = await tokens.open_by_token(access) if access else None
    kept = await tokens.open_by_refresh(refresh, with_end=True) if refresh else None
    properties = opened.record.properties if opened else ()
    return opened.ends_at if opened else 0, (kept.ends_at or 0) if kept else 0, properties
