"""Token introspection (RFC 7662): what a token is, for those whom it concerns."""

from typing import Any

import orjson

from service.client_auth import authenticate
from service.issuer import Issuer
from service.protocol.credentials import Kind, parse
from service.protocol.decision import Decision, answer
from service.protocol.errors import InvalidClient
from service.protocol.names import INTROSPECTION_MEMBERS
from service.protocol.request import Request
from service.records.client import Client
from service.records.grant import Grant
from service.store.tokens import OpenedRefreshToken, OpenedToken

NAME = "introspect"
_INACTIVE = orjson.dumps({"active": False})


async def decide(issuer: Issuer, request: Request) -> Decision:
    """Everything that is not an active token of the asker's concern is exactly ``{"active": false}`` (RFC 7662 2.2).

    ``token_type_hint`` is not needed: the token's prefix tells (RFC 7662 2.1: the server may ignore the hint).
    """
    token = request.required("token")
    authenticated = await authenticate(issuer, request)
    client = authenticated.client
    if client.public:
        raise InvalidClient("Introspection is for confidential clients.")
    body = await _describe(issuer, client, token)
    await authenticated.confirm()
    issuer.metrics.request(NAME, "active" if body else "inactive")
    return answer(_INACTIVE if body is None else orjson.dumps(body))


async def _describe(issuer: Issuer, asker: Client, token: str) -> dict[str, Any] | None:
    credential = parse(token)
    if credential is None:
        return None
    if credential.kind is Kind.ACCESS_TOKEN:
        access = await issuer.store.tokens.open_by_token(credential)
        if access is not None and _concerns(asker, access.grant, access.audience):
            return await _with_grant(issuer, _access_token(access), access.grant)
    elif credential.kind is Kind.REFRESH_TOKEN:
        refresh = await issuer.store.tokens.open_by_refresh(credential, with_end=True)
        if refresh is not None and refresh.record and _concerns(asker, refresh.grant, refresh.grant.audience):
            return await _with_grant(issuer, _refresh_token(refresh), refresh.grant)
    return None


def _concerns(asker: Client, grant: Grant, audience: tuple[str, ...]) -> bool:
    """A client sees its own tokens, a resource server those whose audience it is."""
    if grant.client_id == asker.client_id:
        return True
    return asker.introspect and any(name == asker.client_id or name in asker.resources for name in audience)


def _access_token(token: OpenedToken) -> dict[str, Any]:
    return {
        "token_type": "Bearer",
        "scope": token.scope,
        "aud": token.audience,
        "iat": token.record.issued_at,
        "nbf": token.record.issued_at,
        "exp": token.ends_at,
        "jti": token.credential.hash,
    }


def _refresh_token(token: OpenedRefreshToken) -> dict[str, Any]:
    issued_at = token.record.issued_at if token.record else 0
    return {
        "token_type": "refresh_token",
        "scope": token.grant.scope,
        "aud": token.grant.audience,
        "iat": issued_at,
        "nbf": issued_at,
        "exp": token.ends_at,
        "jti": token.credential.hash,
    }


async def _with_grant(issuer: Issuer, described: dict[str, Any], grant: Grant) -> dict[str, Any] | None:
    """Add whose and from whom it is; None where the client it was issued to no longer stands behind it."""
    client = issuer.store.clients.cached(grant.client_id) or await issuer.store.clients.get(grant.client_id)
    if client is None or not client.stands_behind(grant):
        return None
    properties = {
        member.name: member.value
        for member in (*client.properties, *grant.properties)
        if member.in_introspection and member.name not in INTROSPECTION_MEMBERS
    }
    described |= {"active": True, "iss": issuer.url, "client_id": grant.client_id}
    if grant.subject:
        described |= {"sub": grant.subject, "username": grant.name}
    for name in ("scope", "aud", "exp"):  # empty: no scope, no audience, never ends
        if not described[name]:
            del described[name]
    return properties | described
