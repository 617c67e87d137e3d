"""Tokens of ours that are brought to a token exchange (RFC 8693), for the token endpoint and the decision API alike.

A token is examined, whatever its sender calls it: it must be alive, of the stated type, and, where it is bound to a key, from
the holder of that key (P9).
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from service.issuer import Issuer
from service.protocol.binding import UNBOUND, Binding
from service.protocol.credentials import GRANT_ID_LENGTH, Credential, Kind
from service.protocol.errors import InvalidGrant, InvalidRequest, InvalidToken
from service.protocol.requested import Granted
from service.protocol.token_exchange import ACT, MAY_ACT, TokenType
from service.records.access_token import Source
from service.records.client import Client
from service.records.grant import Grant
from service.store.ends import NEVER
from service.store.tokens import OpenedToken
from service.tokens.access_tokens import GENERATION, resolve_token
from service.tokens.authorization import granted_by
from service.tokens.id_tokens import MAX_HINT, sub_of
from service.tokens.opening import open_kept_token
from service.tokens.refresh_tokens import PresentedRefreshToken, check_refreshable, present_refresh_token


class EndedTokenError(Exception):
    """A token of ours that is no longer alive; the text says why."""


class UsedTokenError(InvalidRequest):
    """A refresh token that was rotated before: from its own client that is a replay like any other."""

    def __init__(self, name: str, spends: PresentedRefreshToken) -> None:
        super().__init__(f"{name} is not a living token of this service.")
        self.spends = spends


class ExchangeableToken(msgspec.Struct, frozen=True):
    """A verified token that may be exchanged."""

    type: TokenType
    grant: Grant
    """The grant of its subject. For a token of a trusted issuer it is made from the claims, for the client that presents it."""
    granted: Granted
    """Everything that it allows."""
    ends_at: int = NEVER
    """Epoch seconds, 0 = never."""
    client: Client | None = None
    """The client that it was issued to; None if a trusted issuer made it."""
    issuer: str = ""
    """The trusted issuer that made it."""
    subject: str = ""
    """The subject as that issuer names it."""
    grant_id: str = ""
    """The id of our grant, "" if it is stored nowhere."""
    sources: tuple[Source, ...] = ()
    """The access tokens that a new token depends on, besides the grant."""
    binding: Binding = UNBOUND
    opened: OpenedToken | None = None
    """The access token as it is stored; None for any other."""

    @property
    def act(self) -> dict[str, Any] | None:
        """Return who acts for its subject already."""
        return (self.granted.members or {}).get(ACT)

    @property
    def may_act(self) -> object:
        """Return who may act for its subject, None where it does not say."""
        return (self.granted.members or {}).get(MAY_ACT)

    def actor_for(self, issuer: Issuer, client: Client) -> dict[str, str]:
        """Return its subject as the actor in a token for this client (RFC 8693 section 4.1)."""
        if self.client is None:
            return {"iss": self.issuer, "sub": self.subject}
        if not self.grant.subject:
            return {"sub": self.client.client_id, "client_id": self.client.client_id}
        return {"sub": sub_of(issuer, client, self.grant)}


async def present_own(
    issuer: Issuer, name: str, text: str, proved: Binding, *, reads_id_tokens: bool = True
) -> ExchangeableToken | None:
    """Open a token of ours that is to be exchanged; None where it is none of ours.

    Args:
        issuer: Ours.
        name: Of its parameter.
        text: The token.
        proved: The keys that its sender holds.
        reads_id_tokens: Whether an ID token is accepted, too; otherwise the caller verifies it.

    Raises:
        InvalidRequest: It has ended, or is bound to another key (RFC 8693 section 2.2.2).
        UsedTokenError: It is a refresh token that was used.
        TemporarilyUnavailable: Redis is away.
    """
    try:
        presented = await _opened(issuer, name, text, reads_id_tokens=reads_id_tokens)
    except (InvalidToken, InvalidGrant, EndedTokenError) as error:
        raise InvalidRequest(f"{name} is not a living token of this service.") from error
    if presented is not None and not presented.binding.is_proved_by(proved):
        raise InvalidRequest(f"{name} is bound to a key: prove that you hold it.")
    return presented


def check_type(presented: ExchangeableToken, name: str, text: str, token_type: TokenType) -> None:
    """Refuse a token of ours whose type is not the stated one. Raises InvalidRequest."""
    is_jwt_access_token = presented.type is TokenType.ACCESS_TOKEN and "." in text
    if token_type is not presented.type and not (is_jwt_access_token and token_type is TokenType.JWT):
        raise InvalidRequest(f"{name} is not of the type that {name}_type says.")


async def _opened(issuer: Issuer, name: str, text: str, *, reads_id_tokens: bool) -> ExchangeableToken | None:
    """Open any token of ours. Raises InvalidToken, InvalidGrant, EndedTokenError, UsedTokenError."""
    resolved = await resolve_token(issuer, text)
    if resolved.stateless is not None:
        return await _stateless(issuer, resolved.stateless)
    credential = resolved.credential
    if credential is None:
        return await _id_token(issuer, text) if reads_id_tokens else None
    if credential.kind is Kind.ACCESS_TOKEN:
        return await _access_token(issuer, credential)
    if credential.kind is Kind.REFRESH_TOKEN:
        return await _refresh_token(issuer, name, text, credential)
    raise EndedTokenError("not a token, but another credential of ours")


async def _access_token(issuer: Issuer, credential: Credential) -> ExchangeableToken:
    opened, client = await open_kept_token(issuer, credential, None)
    grant = opened.grant
    return ExchangeableToken(
        type=TokenType.ACCESS_TOKEN,
        grant=grant,
        granted=Granted(opened.scope, opened.audience, opened.members),
        ends_at=opened.ends_at,
        client=client,
        grant_id=credential.grant_id,
        sources=(*opened.record.sources, Source(grant.client_id, grant.client_generation, credential.hash)),
        binding=opened.record.binding,
        opened=opened,
    )


async def _refresh_token(issuer: Issuer, name: str, text: str, credential: Credential) -> ExchangeableToken:
    """Open a refresh token that its client could use; it is not used. Raises InvalidGrant, EndedTokenError, UsedTokenError."""
    opened = await issuer.store.tokens.open_by_refresh(credential, with_end=True)
    if opened is None:
        raise EndedTokenError("refresh token is unknown, expired, or its grant has ended")
    grant = opened.grant
    client = await _client_of(issuer, grant)
    if opened.record is None:
        raise UsedTokenError(name, present_refresh_token(issuer, client, text, opened))
    check_refreshable(issuer, client, opened)
    return ExchangeableToken(
        type=TokenType.REFRESH_TOKEN,
        grant=grant,
        granted=granted_by(grant),
        ends_at=opened.ends_at or NEVER,
        client=client,
        grant_id=credential.grant_id,
        sources=(Source(grant.client_id, grant.client_generation),),
        binding=opened.record.binding,
    )


async def _stateless(issuer: Issuer, claims: Mapping[str, Any]) -> ExchangeableToken:
    """Open a stateless token: it ends when it expires, or with its client."""
    grant = Grant(claims["client_id"], scope=claims.get("scope", ""), client_generation=claims[GENERATION])
    audience = claims["aud"]
    return ExchangeableToken(
        type=TokenType.ACCESS_TOKEN,
        grant=grant,
        granted=Granted(grant.scope, (audience,) if isinstance(audience, str) else tuple(audience)),
        ends_at=claims["exp"],
        client=await _client_of(issuer, grant),
        binding=Binding.of(claims.get("cnf", {})),
    )


async def _id_token(issuer: Issuer, text: str) -> ExchangeableToken | None:
    """Open an ID token whose grant is alive; None where it is no ID token of ours."""
    claims = await _id_token_claims(issuer, text)
    if claims is None:
        return None
    if claims["exp"] <= issuer.clock():
        raise EndedTokenError("ID token has expired")
    grant_id = claims["jti"][:GRANT_ID_LENGTH]
    listed = await issuer.store.grants.open(grant_id)
    if listed is None or listed.grant.client_id != claims["aud"]:
        raise EndedTokenError("ID token names no living grant of its audience")
    grant = listed.grant
    client = await _client_of(issuer, grant)
    if not grant.subject or sub_of(issuer, client, grant) != claims["sub"]:
        raise EndedTokenError("ID token is about another user than its grant")
    return ExchangeableToken(
        type=TokenType.ID_TOKEN,
        grant=grant,
        granted=granted_by(grant),
        ends_at=min(claims["exp"], listed.ends_at or claims["exp"]),
        client=client,
        grant_id=grant_id,
        sources=(Source(grant.client_id, grant.client_generation),),
    )


async def _id_token_claims(issuer: Issuer, text: str) -> dict[str, Any] | None:
    """Return the claims of an ID token that we signed; none of a logout token, an access token or an authorization response."""
    if issuer.keyring is None or text.count(".") != 2 or len(text) > MAX_HINT:
        return None
    claims = await issuer.keyring.verify(text)
    if claims is None or claims.get("iss") != issuer.url or {"events", "client_id"} & claims.keys():
        return None
    texts = (claims.get("sub"), claims.get("aud"), claims.get("jti"))
    is_id_token = all(isinstance(value, str) and value for value in texts) and isinstance(claims.get("exp"), int)
    return claims if is_id_token else None


async def _client_of(issuer: Issuer, grant: Grant) -> Client:
    """Refuse a token whose client has ended the grant. Raises EndedTokenError."""
    clients = issuer.store.clients
    client = clients.cached(grant.client_id) or await clients.get(grant.client_id)
    if client is None or not client.grant_is_current(grant):
        raise EndedTokenError("the grant is no longer valid for its client")
    return client
