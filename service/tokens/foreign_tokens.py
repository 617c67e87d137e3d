"""JWTs of trusted issuers that are brought to be exchanged for tokens of ours (RFC 8693)."""

from collections.abc import Mapping
from typing import Any

from service.crypto.jws import UnverifiableError
from service.issuer import Issuer
from service.protocol import scopes
from service.protocol.errors import InvalidRequest, InvalidScope
from service.protocol.names import GrantTypeName, TrustUse
from service.protocol.requested import Granted
from service.protocol.token_exchange import ACT, MAY_ACT, TokenType, check_may_act, foreign_actors
from service.records.client import Client
from service.records.grant import Grant
from service.records.trusted_issuer import TrustedIssuer
from service.tokens import assertions
from service.tokens.exchangeable_tokens import ExchangeableToken
from service.tokens.trusted_issuers import subject_of, trusted_issuer_of, verify_by_issuer

_LATEST = 2**53
"""The largest epoch second that we calculate with."""
_TYPS: Mapping[TokenType, frozenset[str]] = {
    TokenType.JWT: frozenset({"", "jwt", "at+jwt"}),
    TokenType.ACCESS_TOKEN: frozenset({"at+jwt"}),
    TokenType.ID_TOKEN: frozenset({"", "jwt"}),
}
"""The values of ``typ`` for each type. An access token must have one, as it could be anything else (RFC 9068 section 2.1)."""


async def present_foreign(
    issuer: Issuer, client: Client, name: str, text: str, token_type: TokenType
) -> ExchangeableToken:
    """Verify a JWT of an issuer that is trusted for token exchange. One round trip.

    Args:
        issuer: Ours.
        client: The client that brings it.
        name: Of its parameter.
        text: The token.
        token_type: The type that its sender states.

    Raises:
        InvalidRequest: It is none, cannot be verified, is over, or bound to a key (RFC 8693 section 2.2.2).
        TemporarilyUnavailable: Redis is away.
    """
    if token_type not in _TYPS:
        raise InvalidRequest(f"{name} is not a living token of this service.")
    try:
        return await _verified(issuer, client, text, token_type)
    except UnverifiableError as error:
        raise InvalidRequest(f"The JWT of {name} cannot be used: {error}") from error


async def _verified(issuer: Issuer, client: Client, text: str, token_type: TokenType) -> ExchangeableToken:
    token = assertions.read(text, _TYPS[token_type])
    trusted = await trusted_issuer_of(issuer, client, token, TrustUse.TOKEN_EXCHANGE)
    claims = (await verify_by_issuer(issuer, trusted, token)).claims
    names = (issuer.url, trusted.audience) if trusted.audience else (issuer.url,)
    _check(claims, names)
    if "cnf" in claims:
        raise UnverifiableError("it is bound to a key, of which only its issuer knows how it is proved")
    members: dict[str, Any] = {}
    if claims.get(ACT) is not None:
        members[ACT] = foreign_actors(claims[ACT], token.issuer, issuer.url)
    if claims.get(MAY_ACT) is not None:
        members[MAY_ACT] = check_may_act(claims[MAY_ACT])
    subject = subject_of(trusted, claims)
    grant = Grant(
        client_id=client.client_id,
        subject=subject,
        scope=_scope(client, trusted, claims),
        grant_type=GrantTypeName.TOKEN_EXCHANGE.value,
        client_generation=client.generation,
        issued_at=int(issuer.clock()),
        members=members or None,
    )
    return ExchangeableToken(
        type=token_type,
        grant=grant,
        granted=Granted(grant.scope, (), grant.members),
        ends_at=int(claims["exp"]),
        issuer=token.issuer,
        subject=token.subject,
    )


def _check(claims: Mapping[str, Any], names: tuple[str, ...]) -> None:
    """Check that it is a token, and for us; its times were checked with its signature. Raises UnverifiableError."""
    audience = claims.get("aud")
    named = [audience] if isinstance(audience, str) else audience
    if not isinstance(named, list) or not any(name in named for name in names):
        raise UnverifiableError(f"aud must be {' or '.join(names)}")
    if not 0 < (claims.get("exp") or 0) < _LATEST:
        raise UnverifiableError("exp is missing, or no time")
    if "events" in claims:
        raise UnverifiableError("it reports events, and is no token")


def _scope(client: Client, trusted: TrustedIssuer, claims: Mapping[str, Any]) -> str:
    """Return the most that the client may have for it: within the issuer's limits, and within its own scope if it has one."""
    said = claims.get("scope")
    try:
        named = set(client.scopes if said is None else scopes.parse(said if isinstance(said, str) else ""))
    except InvalidScope as error:
        raise UnverifiableError("its scope is malformed") from error
    return " ".join(word for word in client.scopes if word in named and (not trusted.scopes or word in trusted.scopes))
