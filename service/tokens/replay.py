"""What was spent already, presented again: the same request gets the same answer, everything else ends the grant (P1, P2)."""

import logging
from hashlib import sha256
from typing import Any

import msgspec

from service.hooks.facts import Revoked, about_revoked
from service.issuer import Issuer
from service.protocol.credentials import Credential, base64url
from service.protocol.errors import InvalidGrant
from service.protocol.names import HookEvent
from service.records.grant import Grant
from service.tokens.authorization import Authorization

log = logging.getLogger(__name__)

_IN_WORDS = {
    "code_replayed": "code was already redeemed; its grant is ended",
    "refresh_token_reused": "refresh token was already used; its grant is ended",
}


class ReplayedError(InvalidGrant):
    """Something that was spent is presented again by who it was issued to: its grant is to end, see ``end_replayed``."""

    def __init__(self, event: str, credential: Credential, grant: Grant) -> None:
        super().__init__(log=_IN_WORDS[event])
        self.event, self.credential, self.grant = event, credential, grant


async def end_replayed(issuer: Issuer, replayed: ReplayedError) -> None:
    """End the grant: theft, or a client that lost count. Only once it is certain who presented it."""
    facts = _ended_by_replay(replayed.event, replayed.credential, replayed.grant)
    async with issuer.hooks.telling(HookEvent.REVOKED, **facts):
        await issuer.store.grants.revoke(replayed.credential.grant_id, replayed.grant.subject)
    report_replay(issuer, replayed.event, replayed.credential, replayed.grant)


def fingerprint(authorization: Authorization) -> str:
    """What the client asked for, 22 characters; empty where that is all that the grant allows. Requests whose fingerprints
    differ never get each other's answer (P2): whatever a client may ask for belongs in here.
    """
    grant, scope, audience = authorization.grant, authorization.scope, authorization.audience
    if scope == grant.scope and audience == grant.audience:
        return ""
    return base64url(sha256(msgspec.json.encode((scope, audience))).digest()[:16])


def report_repeat(issuer: Issuer, event: str, authorization: Authorization, grant_id: str) -> None:
    """Tell operators that a response was given once more: a client that lost it, or a thief who comes second."""
    grant = authorization.grant
    issuer.metrics.security_event(event)
    about = {"client_id": grant.client_id, "subject": grant.subject, "grant_id": grant_id}
    log.warning(event, extra=about | {"address": authorization.address})


def report_replay(issuer: Issuer, event: str, credential: Credential, grant: Grant) -> None:
    """Tell operators that something used was used again: theft, or a client that lost count."""
    issuer.metrics.security_event(event)
    log.warning(
        event,
        extra={"client_id": grant.client_id, "subject": grant.subject, "grant_id": credential.grant_id, "ended": True},
    )


async def report_ended(issuer: Issuer, event: str, credential: Credential, grant: Grant) -> None:
    """Tell operators, and hooks, of a grant that a script has ended because something of it was used again."""
    report_replay(issuer, event, credential, grant)
    await issuer.hooks.tell(HookEvent.REVOKED, **_ended_by_replay(event, credential, grant))


def _ended_by_replay(event: str, credential: Credential, grant: Grant) -> dict[str, Any]:
    about = {"grant_id": credential.grant_id, "subject": grant.subject, "client_id": grant.client_id}
    return about_revoked(Revoked.GRANT, event, **about)
