"""Replays of spent credentials: the same request gets the same answer, everything else ends the grant (P1, P2)."""

import logging
from hashlib import sha256
from typing import Any

import msgspec
import orjson

from service.crypto import sealing
from service.hooks.facts import Revoked, about_revoked
from service.issuer import Issuer
from service.protocol.binding import UNBOUND, Binding
from service.protocol.credentials import base64url
from service.protocol.errors import InvalidGrant
from service.protocol.names import HookEvent
from service.store.spending import Outcome, Spending
from service.tokens.authorization import Authorization, Issued, granted_by
from service.tokens.spendable import Spendable

log = logging.getLogger(__name__)

_NEEDED = "!"


class ReplayedError(InvalidGrant):
    """A spent credential is presented again by its client: its grant has to end, see ``end_replayed``."""

    def __init__(self, spends: Spendable) -> None:
        super().__init__(log=spends.REPLAY)
        self.spends = spends


def check_not_replayed(spends: Spendable, proved: Binding) -> None:
    """Refuse a spent credential whose reply is not kept any longer.

    Raises ReplayedError; plain InvalidGrant where the sender does not prove its key, as a thief without it must end nothing.
    """
    if spends.is_spent and not spends.reply:
        if spends.is_bound and not spends.is_proved_by(proved):
            raise InvalidGrant(
                log=f"{spends.NAME} was spent, and is bound to a key that the request does not prove to hold"
            )
        raise ReplayedError(spends)


async def end_replayed(issuer: Issuer, replayed: ReplayedError) -> None:
    """End the grant: theft, or a client that lost count. Only once it is certain who presented it."""
    spends = replayed.spends
    async with issuer.hooks.notifying(HookEvent.REVOKED, **_ended_by_replay(spends)):
        await issuer.store.grants.revoke(spends.credential.grant_id, spends.grant.subject)
    _report_replay(issuer, spends)


def fingerprint_of(authorization: Authorization) -> str:
    """Return 22 characters for what the client asked for, none where that is all that the grant allows, and the mark of a key.

    Requests whose fingerprints differ never get each other's answer (P2).
    """
    granted, fingerprint = authorization.granted, ""
    if granted != granted_by(authorization.grant):
        compared = granted if granted.members else (granted.scope, granted.audience)  # in the form of earlier releases
        fingerprint = base64url(sha256(msgspec.json.encode(compared)).digest()[:16])
    if authorization.binding == UNBOUND:
        return fingerprint
    needed = _NEEDED if authorization.spends is not None and authorization.spends.is_bound else ""
    return f"{fingerprint}.{authorization.binding.mark}{needed}"


def key_of(fingerprint: str) -> str:
    """Return the mark of the key in a fingerprint, empty where there is none."""
    return fingerprint.partition(".")[2].removesuffix(_NEEDED)


def needed_key(fingerprint: str) -> bool:
    """Whether the credential could not have been spent without that key, since any client may prove one."""
    return fingerprint.endswith(_NEEDED)


async def repeat(issuer: Issuer, authorization: Authorization, spends: Spendable, sealed: bytes) -> Issued:
    """Give the response to the same request again, byte for byte.

    Raises:
        ReplayedError: It is another request, or the client has its answer after all; the grant is ended.
        InvalidGrant: The reply was changed in Redis.
    """
    repeated = _unsealed(authorization, spends, sealed)
    if repeated is None or not await spends.may_repeat(issuer.store):
        replayed = ReplayedError(spends)
        await end_replayed(issuer, replayed)
        raise replayed
    _report_repeat(issuer, authorization, spends)
    spends.note_delivery(issuer.store, is_repeat=True)
    return repeated


async def settle(
    issuer: Issuer, authorization: Authorization, spends: Spendable, issued: Issued, spending: Spending
) -> Issued:
    """Answer a request whose credential is spent or ended. Raises InvalidGrant.

    Args:
        issuer: Whose credential it is.
        authorization: The request's.
        spends: The credential.
        issued: Tokens that were made for it: in vain, or, with ``Outcome.ADDED``, stored.
        spending: The answer of the script.
    """
    match spending.outcome:
        case Outcome.REPEATED:
            return await repeat(issuer, authorization, spends, spending.reply)
        case Outcome.ADDED:
            _report_repeat(issuer, authorization, spends)
            first = _unsealed(authorization, spends, spending.reply)
            return _with_first_successor(issued, first) if first else issued
        case Outcome.REPLAYED:
            _report_replay(issuer, spends)
            await issuer.hooks.notify(HookEvent.REVOKED, **_ended_by_replay(spends))
            raise InvalidGrant(log=spends.REPLAY)
        case Outcome.REFUSED:
            raise InvalidGrant("The refresh token was used for another request: use the one that this brought.")
    raise InvalidGrant(log=f"{spends.NAME} or its grant ended meanwhile")


def _unsealed(authorization: Authorization, spends: Spendable, sealed: bytes) -> Issued | None:
    """Return the sealed response; None where it is not for this request. Raises InvalidGrant if it was changed."""
    sealed_with = spends.sealed_with(fingerprint_of(authorization))
    content = sealing.unseal(sealed, spends.presented, sealed_with) if sealed else None
    if content is None and not sealed_with:
        raise InvalidGrant(log="sealed reply does not open with the presented refresh token")
    return None if content is None else Issued(content, spends.grant, repeated=True)


def _with_first_successor(issued: Issued, repeated: Issued) -> Issued:
    """Return new tokens for another request, with the refresh token that exists already: the family has a single one (P2)."""
    body, first = orjson.loads(issued.content), orjson.loads(repeated.content)
    successor = first.get("refresh_token", "")
    body |= {"refresh_token": successor}
    if not successor:
        del body["refresh_token"]
    return msgspec.structs.replace(issued, content=orjson.dumps(body), refresh_token=successor)


def _report_repeat(issuer: Issuer, authorization: Authorization, spends: Spendable) -> None:
    """Report to operators that a response was given once more: a client that lost it, or a thief who comes second."""
    issuer.metrics.security_event(spends.REPEATED)
    log.warning(spends.REPEATED, extra=_about(spends) | {"address": authorization.address})


def _report_replay(issuer: Issuer, spends: Spendable) -> None:
    """Report to operators that a spent credential was used again: theft, or a client that lost count."""
    issuer.metrics.security_event(spends.REPLAYED)
    log.warning(spends.REPLAYED, extra=_about(spends) | {"ended": True})


def _ended_by_replay(spends: Spendable) -> dict[str, Any]:
    return about_revoked(Revoked.GRANT, spends.REPLAYED, **_about(spends))


def _about(spends: Spendable) -> dict[str, str]:
    grant = spends.grant
    return {"client_id": grant.client_id, "subject": grant.subject, "grant_id": spends.credential.grant_id}
