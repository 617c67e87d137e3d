"""Token revocation (RFC 7009)."""

import logging

from service.access_tokens import presented
from service.client_auth import authenticate
from service.issuer import Issuer
from service.protocol.credentials import Kind
from service.protocol.decision import Decision, answer
from service.protocol.errors import UnsupportedTokenType
from service.protocol.request import Request
from service.store import keys
from service.store.tokens import RevokeAnswer

log = logging.getLogger(__name__)

NAME = "revoke"


async def decide(issuer: Issuer, request: Request) -> Decision:
    """200 and an empty body, whatever the token was (RFC 7009 2.2): revoked now, unknown, or not this client's.

    A token of another client is left alone; saying so would tell that it exists. ``token_type_hint`` is not needed: the
    token's prefix tells. Raises UnsupportedTokenType for a stateless one (2.2.1).
    """
    token = request.required("token")
    authenticated = await authenticate(issuer, request)
    await authenticated.confirm()  # before, not beside: what is revoked stays so
    client = authenticated.client
    shown = await presented(issuer, token)
    if shown.stateless is not None:
        raise UnsupportedTokenType("This token is kept nowhere: it ends with its time, or with its client.")
    credential = shown.credential
    outcome = RevokeAnswer.UNKNOWN
    if credential is not None and credential.kind is Kind.REFRESH_TOKEN:
        key = keys.refresh_token(credential.grant_id, credential.hash)
        outcome = await issuer.store.tokens.revoke(credential, key, client.client_id, ends_grant=True)
    elif credential is not None and credential.kind is Kind.ACCESS_TOKEN:
        key = keys.access_token(credential.grant_id, credential.hash)
        whole = issuer.settings.revoke_access_token_ends_grant
        outcome = await issuer.store.tokens.revoke(credential, key, client.client_id, ends_grant=whole)
    if outcome is RevokeAnswer.FOREIGN:
        log.warning("revocation_of_foreign_token", extra={"client_id": client.client_id})
    issuer.metrics.request(NAME, outcome.value)
    return answer(b"")
