"""UserInfo (OpenID Connect Core 5.3): what is known about the person behind an access token."""

from typing import Any

import orjson

from service.access_tokens import presented
from service.endpoints.bearer import bearer_token
from service.id_tokens import algorithm_of, keyring_of, subject_for
from service.issuer import Issuer
from service.protocol import claims
from service.protocol.credentials import Kind
from service.protocol.decision import NO_STORE, Decision, answer
from service.protocol.errors import InsufficientScope, InvalidToken
from service.protocol.names import OPENID
from service.protocol.request import Request
from service.records.client import Client
from service.store.tokens import OpenedToken

NAME = "userinfo"
_AS_JWT = {**NO_STORE, "Content-Type": "application/jwt"}


async def decide(issuer: Issuer, request: Request) -> Decision:
    """The claims that the token's scope and the claims parameter stand for; as a JWT where the client is registered so.

    The token comes in the Authorization header or in a form (RFC 6750 2.1 and 2.2), never in the query. Raises
    InvalidRequest, InvalidToken (401), InsufficientScope (403), TemporarilyUnavailable.
    """
    token, client = await _opened(issuer, bearer_token(request))
    grant = token.grant
    scopes = token.scope.split()
    if OPENID not in scopes or not grant.subject:
        raise InsufficientScope("The access token was not issued for the scope openid.")
    person = await issuer.directory.claims(grant.subject, scopes)
    if person is None:
        raise InvalidToken(log="user is disabled or unknown")
    names = claims.told_by_scopes(scopes, issuer.settings.scope_claims) | set(grant.userinfo_claims)
    told = claims.present(person, names) | {"sub": subject_for(issuer, client, grant.subject)}
    issuer.metrics.request(NAME, "ok")
    return await _rendered(issuer, client, told)


async def _opened(issuer: Issuer, text: str) -> tuple[OpenedToken, Client]:
    """A living access token of ours and the client it was issued to. Raises InvalidToken."""
    credential = (await presented(issuer, text)).credential
    if credential is None or credential.kind is not Kind.ACCESS_TOKEN:
        raise InvalidToken(log="not an access token of ours")
    token = await issuer.store.tokens.open_by_token(credential)
    if token is None:
        raise InvalidToken(log="access token is unknown, expired, or its grant has ended")
    clients = issuer.store.clients
    client = clients.cached(token.grant.client_id) or await clients.get(token.grant.client_id)
    if client is None or not client.stands_behind(token.grant):
        raise InvalidToken(log="nobody stands behind the grant any more")
    return token, client


async def _rendered(issuer: Issuer, client: Client, told: dict[str, Any]) -> Decision:
    registered = client.userinfo_signed_response_alg
    if registered is None:
        return answer(orjson.dumps(told))
    algorithm = algorithm_of(issuer, registered)
    signed = keyring_of(issuer).sign(algorithm, told | {"iss": issuer.url, "aud": client.client_id})
    return answer(signed.encode(), headers=_AS_JWT)
