"""What other tokens are exchanged for (RFC 8693): access tokens that live no longer than those, and JWTs with claims.

An exchanged access token belongs to the user's grant that all tokens derive from, so one script sees both, and the end of
that grant ends the token. Its record names the access tokens in between: it ends with each of them
(``store/lua/shared/lives_on.lua``).
"""

import logging
from collections.abc import Sequence
from typing import Any

import msgspec
import orjson

from service.hooks.facts import about_exchange
from service.issuer import Issuer
from service.observe.events import Event
from service.protocol.binding import UNBOUND
from service.protocol.credentials import base64url, new_grant_id
from service.protocol.errors import InvalidGrant, InvalidRequest, ProtocolError, ServerError
from service.protocol.token_exchange import ACT, TokenType
from service.records.client import Client
from service.store.replay_checks import ReplayCheck, confirm
from service.tokens.authorization import Authorization, Exchange, Issued
from service.tokens.id_tokens import algorithm_of, keyring_of, mint_id_token, sub_of
from service.tokens.spendable import TokenPlan
from service.tokens.token_hooks import ask_before_refresh, with_hooks
from service.tokens.token_response import mint, within

log = logging.getLogger(__name__)

ID_JAG_TYPE = "oauth-id-jag+jwt"
"""``typ`` of an identity assertion grant."""
GRANT_TYPE = "authorization-grant+jwt"
"""``typ`` of any other JWT authorization grant (draft-ietf-oauth-rfc7523bis)."""
GRANT_LIFETIME = 300
"""Seconds for which either can be redeemed, once."""


async def judge_exchange(
    issuer: Issuer,
    client: Client,
    authorization: Authorization,
    exchange: Exchange,
    replay_checks: Sequence[ReplayCheck],
) -> dict[str, Any]:
    """Ask the hooks about an exchange of a known client, and return facts for the log. Raises ProtocolError."""
    grant, granted = authorization.grant, authorization.granted
    facts = about_exchange(
        client.client_id,
        grant,
        subject_token_type=exchange.subject_type,
        subject_client_id=exchange.subject_client_id,
        issued_token_type=exchange.issued_type,
        actor=(granted.members or {}).get(ACT),
        scope=granted.scope,
        audience=[exchange.issuer] if exchange.issuer else list(granted.audience),
        address=authorization.address,
    )
    if exchange.subject_type is TokenType.REFRESH_TOKEN and issuer.hooks.asks_refresh:
        await confirm(replay_checks)
        try:
            await ask_before_refresh(issuer, client, authorization, exchange.grant_id)
        except InvalidGrant as error:  # RFC 8693 section 2.2.2 has a single code for unacceptable tokens
            raise InvalidRequest(error.description, log=f"{error.log}, and so the exchange") from error
    if issuer.hooks.asks_exchange:
        await confirm(replay_checks)
        await issuer.hooks.check_exchange(facts)
    return facts


def note_exchange(facts: dict[str, Any]) -> None:
    """Log for operators that a token was exchanged. ``facts`` are those of ``judge_exchange``."""
    log.info(Event.TOKEN_EXCHANGED, extra=facts)


async def issue_exchanged(
    issuer: Issuer,
    client: Client,
    authorization: Authorization,
    exchange: Exchange,
    replay_checks: Sequence[ReplayCheck],
) -> Issued:
    """Issue what tokens of ours are exchanged for, if every replay check passes.

    Raises:
        InvalidRequest: A token that is exchanged has ended meanwhile.
        ProtocolError: A replay check does not pass.
        TemporarilyUnavailable: Redis is away, or a hook.
    """
    granted = authorization.granted
    grant = msgspec.structs.replace(
        authorization.grant, scope=granted.scope, audience=granted.audience, members=granted.members
    )
    authorization = msgspec.structs.replace(authorization, grant=grant)
    if issuer.hooks.asks_claims or exchange.is_statement:
        await confirm(replay_checks)
    if issuer.hooks.asks_claims:
        authorization = await with_hooks(issuer, client, authorization, exchange.grant_id, grant.grant_type)
    if exchange.is_statement:
        return await _stated(issuer, client, authorization, exchange)
    try:
        minted = await mint(issuer, client, authorization, TokenPlan(exchange.grant_id, refreshes_left=0))
    except ServerError as error:
        raise InvalidRequest("The exchanged token would be too long for a JWT.") from error
    if not await issuer.store.tokens.exchange(minted.new):
        raise InvalidRequest("A token to be exchanged has ended meanwhile.")
    try:
        await confirm(replay_checks)
    except ProtocolError:
        await issuer.store.tokens.forget_access_token(exchange.grant_id, minted.issued.access_hash)
        raise
    return minted.issued


async def _stated(issuer: Issuer, client: Client, authorization: Authorization, exchange: Exchange) -> Issued:
    """Return the response of RFC 8693 section 2.2.1 with a JWT that is stored nowhere."""
    now = int(issuer.clock())
    if exchange.issuer:
        ends_at = now + within(exchange, GRANT_LIFETIME, now)
        text = _authorization_grant(issuer, client, authorization, exchange, ends_at)
    else:
        lifetime = client.id_token_lifetime or issuer.settings.id_token_lifetime
        ends_at = now + within(exchange, lifetime, now)
        text = await _id_token(issuer, client, authorization, ends_at)
    body: dict[str, Any] = {
        "access_token": text,
        "issued_token_type": exchange.issued_type.value,
        "token_type": "N_A",
        "expires_in": ends_at - now,
    }
    if authorization.granted.scope:
        body["scope"] = authorization.granted.scope
    return Issued(orjson.dumps(body), authorization.grant, scope=authorization.granted.scope)


async def _id_token(issuer: Issuer, client: Client, authorization: Authorization, ends_at: int) -> str:
    """Make an ID token for the client. Its ``jti`` names no grant, so that it cannot be exchanged itself."""
    act = (authorization.granted.members or {}).get(ACT)
    return await mint_id_token(
        issuer,
        client,
        authorization.grant,
        new_grant_id(issuer.random_text),
        claims={ACT: act} if act else None,
        added=authorization.added.id_token,
        ends_by=ends_at,
    )


def _authorization_grant(
    issuer: Issuer, client: Client, authorization: Authorization, exchange: Exchange, ends_at: int
) -> str:
    """Make a JWT that another authorization server takes as a grant: an ID-JAG, or one of identity chaining."""
    grant, resources = authorization.grant, exchange.resources
    claims: dict[str, Any] = {
        "iss": issuer.url,
        "sub": sub_of(issuer, client, grant) if grant.subject else client.client_id,
        "aud": exchange.issuer,
        "client_id": exchange.client_id,
        "jti": base64url(issuer.randomness(16)),
        "iat": int(issuer.clock()),
        "exp": ends_at,
    }
    optional = {
        "scope": authorization.granted.scope,
        "resource": resources[0] if len(resources) == 1 else list(resources),
        "auth_time": grant.auth_time,
        "acr": grant.acr,
        "amr": list(grant.amr),
        ACT: (authorization.granted.members or {}).get(ACT),
    }
    claims |= {name: value for name, value in optional.items() if value}
    if authorization.binding != UNBOUND:
        claims["cnf"] = authorization.binding.cnf
    typ = ID_JAG_TYPE if exchange.issued_type is TokenType.ID_JAG else GRANT_TYPE
    return keyring_of(issuer).sign(algorithm_of(issuer, client.id_token_signed_response_alg), claims, typ=typ)
