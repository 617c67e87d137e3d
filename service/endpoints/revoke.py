"""Token revocation (RFC 7009)."""

import logging

from service.client_auth import algorithms_supported, authenticate, methods_supported
from service.endpoints.endpoint import MachineEndpoint, always
from service.hooks.facts import Revoked, about_revoked
from service.issuer import Issuer
from service.observe.events import Event
from service.protocol.credentials import ACCESS_TOKEN, REFRESH_TOKEN, Credential
from service.protocol.decision import Decision, answer
from service.protocol.errors import UnsupportedTokenType
from service.protocol.names import HookEvent
from service.protocol.request import Request
from service.records.client import Client
from service.store.replay_checks import confirm
from service.store.tokens import RevokeAnswer
from service.tokens.access_tokens import resolve_token

log = logging.getLogger(__name__)

NAME = "revoke"
_FOREIGN = RevokeAnswer.FOREIGN
PATH = "/revoke"


async def decide(issuer: Issuer, request: Request) -> Decision:
    """Answer 200 with an empty body, whatever the token was (RFC 7009 2.2): revoked now, unknown, or not this client's.

    A token of another client is not revoked, without an error that would reveal that it exists. ``token_type_hint`` is not
    needed, as the prefix identifies the kind. Raises UnsupportedTokenType for a stateless one (2.2.1).
    """
    token = request.required("token")
    authenticated = await authenticate(issuer, request)
    await confirm(authenticated.replay_checks)  # before, not at the same time: a revocation cannot be undone
    client = authenticated.client
    resolved = await resolve_token(issuer, token)
    if resolved.stateless is not None:
        raise UnsupportedTokenType("This token is kept nowhere: it ends with its time, or with its client.")
    credential = resolved.credential
    if credential is None:
        outcome = RevokeAnswer.UNKNOWN
    elif issuer.hooks.notifies_revoked:
        outcome = await _revoke_and_notify(issuer, client, credential)
    else:
        outcome = await _revoke(issuer, client, credential)
    if outcome is _FOREIGN:
        log.warning(Event.REVOCATION_OF_FOREIGN_TOKEN, extra={"client_id": client.client_id})
    issuer.metrics.request(NAME, outcome)
    return answer(b"")


async def _revoke(issuer: Issuer, client: Client, credential: Credential) -> RevokeAnswer:
    if credential.kind not in (REFRESH_TOKEN, ACCESS_TOKEN):
        return RevokeAnswer.UNKNOWN
    whole = _ends_grant(issuer, credential)
    return await issuer.store.tokens.revoke(credential, client.client_id, ends_grant=whole)


async def _revoke_and_notify(issuer: Issuer, client: Client, credential: Credential) -> RevokeAnswer:
    """Revoke it and notify hooks, even if the request is cancelled in the middle."""
    what = Revoked.GRANT if _ends_grant(issuer, credential) else Revoked.ACCESS_TOKEN
    facts = about_revoked(what, "revoked_by_client", grant_id=credential.grant_id, client_id=client.client_id)
    async with issuer.hooks.notifying(HookEvent.REVOKED, **facts) as notification:
        outcome = await _revoke(issuer, client, credential)
        if outcome is not RevokeAnswer.REVOKED:
            notification.cancel()
    return outcome


def _ends_grant(issuer: Issuer, credential: Credential) -> bool:
    return credential.kind is REFRESH_TOKEN or issuer.settings.revoke_access_token_ends_grant


def _metadata(issuer: Issuer) -> dict[str, object]:
    return {
        "revocation_endpoint": issuer.url_of(PATH),
        "revocation_endpoint_auth_methods_supported": methods_supported(issuer),
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms_supported(issuer),
    }


ENDPOINT = MachineEndpoint(name=NAME, paths=always(PATH), metadata=_metadata, handle=decide)
