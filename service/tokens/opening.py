"""Opening a presented access token: the token with its grant, and the client that it was issued to."""

from collections.abc import Mapping
from typing import Any

from service.issuer import Issuer
from service.observe.current import note_client
from service.protocol.binding import Binding
from service.protocol.credentials import Credential, Kind
from service.protocol.errors import InvalidToken
from service.protocol.names import GrantTypeName
from service.records.access_token import AccessToken
from service.records.client import Client
from service.records.grant import Grant
from service.store.replay_checks import confirm, start
from service.store.tokens import OpenedToken
from service.tokens.access_tokens import GENERATION, resolve_token
from service.tokens.binding import NO_KEY, Possession, check_algorithm


async def open_access_token(
    issuer: Issuer, text: str, possession: Possession | None = NO_KEY, *, confirms: bool = True
) -> tuple[OpenedToken, Client]:
    """Open an access token of ours that is alive, also one that is kept nowhere.

    Args:
        issuer: Ours.
        text: The token.
        possession: The keys that its sender proves to hold; without its key a bound token is refused (P9). None where the
            token is only described, and the caller checks ``cnf`` itself.
        confirms: Whether to wait for the replay checks. Otherwise they are under way, and the caller confirms them together
            with its other commands.

    Raises:
        InvalidToken: It is no such token.
        ProtocolError: A replay check does not pass.
        TemporarilyUnavailable: Redis is.
    """
    resolved = await resolve_token(issuer, text)
    if resolved.stateless is not None:
        return await _checked(issuer, _stateless(resolved.stateless), possession, confirms=confirms)
    credential = resolved.credential
    if credential is None or credential.kind is not Kind.ACCESS_TOKEN:
        raise InvalidToken(log="not an access token of ours")
    return await open_kept_token(issuer, credential, possession, confirms=confirms)


async def open_kept_token(
    issuer: Issuer, credential: Credential, possession: Possession | None = NO_KEY, *, confirms: bool = True
) -> tuple[OpenedToken, Client]:
    """Do the same for a token that was resolved already."""
    token = await issuer.store.tokens.open_by_token(credential)
    if token is None:
        raise InvalidToken(log="access token is unknown, expired, or its grant has ended")
    return await _checked(issuer, token, possession, confirms=confirms)


def _stateless(claims: Mapping[str, Any]) -> OpenedToken:
    named = claims["aud"]
    grant = Grant(
        claims["client_id"],
        scope=claims.get("scope", ""),
        grant_type=GrantTypeName.CLIENT_CREDENTIALS.value,
        client_generation=claims[GENERATION],
        audience=(named,) if isinstance(named, str) else tuple(named),
    )
    record = AccessToken(claims["iat"], grant=grant, binding=Binding.of(claims.get("cnf", {})))
    return OpenedToken(Credential(Kind.ACCESS_TOKEN, "", claims["jti"]), record, grant, claims["exp"])


async def _checked(
    issuer: Issuer, token: OpenedToken, possession: Possession | None, *, confirms: bool
) -> tuple[OpenedToken, Client]:
    """Check the key of a token, and that its client has not ended it. Raises as ``open_access_token`` does."""
    await check_possession(token.record.binding, possession, confirms=confirms)
    note_client(token.grant.client_id)
    clients = issuer.store.clients
    client = clients.cached(token.grant.client_id) or await clients.get(token.grant.client_id)
    if client is None or not client.grant_is_current(token.grant) or not await sources_are_current(issuer, token):
        raise InvalidToken(log="the grant is no longer valid for its client")
    if possession is not None:
        check_algorithm(issuer, client, possession)
    return token, client


async def sources_are_current(issuer: Issuer, token: OpenedToken) -> bool:
    """Whether the clients of all tokens that an exchanged token derives from are as they were.

    Raises TemporarilyUnavailable.
    """
    clients = issuer.store.clients
    for source in token.record.sources:
        client = clients.cached(source.client_id) or await clients.get(source.client_id)
        issued = Grant(source.client_id, client_generation=source.client_generation)
        if client is None or not client.grant_is_current(issued):
            return False
    return True


async def check_possession(binding: Binding, possession: Possession | None, *, confirms: bool = True) -> None:
    """Refuse a token that is bound to a key which its sender did not prove to hold (P9). Raises ProtocolError.

    ``possession`` is None for a token that is only described.
    """
    if possession is None:
        return
    if not binding.is_proved_by(possession.binding):
        raise InvalidToken("The access token is bound to a key: prove that you hold it.", log="key is not proved")
    start(possession.replay_checks)
    if confirms:
        await confirm(possession.replay_checks)
