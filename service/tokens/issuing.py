"""The single mint: turns every Authorization into tokens, and puts them in the place of what they were bought with.

No grant type makes a token by itself. Everything is made, rendered and sealed first (``service/tokens/``); then one script
checks that the presented credential is still unspent and swaps. There is no half-way state to repair.
"""

import msgspec
import orjson

from service.crypto import sealing
from service.issuer import Issuer
from service.protocol.credentials import new_grant_id
from service.protocol.errors import InvalidGrant, TemporarilyUnavailable
from service.records.client import Client
from service.records.grant import Grant
from service.store.codes import OpenedCode
from service.store.tokens import OpenedRefreshToken, ReuseAnswer, RotateAnswer, WaitingReply
from service.tokens.authorization import Authorization, Issued
from service.tokens.codes import Code, issue_code, redeem
from service.tokens.minting import may_refresh, mint, rotates
from service.tokens.replay import ReplayedError, end_replayed, fingerprint, report_ended, report_repeat
from service.tokens.token_hooks import ask_for_refresh, with_hooks
from service.tokens.user_claims import wants, with_claims

__all__ = [
    "Authorization",
    "Code",
    "Issued",
    "ReplayedError",
    "end_replayed",
    "issue",
    "issue_code",
    "may_refresh",
    "withdraw",
]

_REPEATED = "refresh_token_repeated"
_TRIES = 8
"""How often a refresh that keeps its token is tried again because another one was first."""


async def issue(issuer: Issuer, client: Client, authorization: Authorization) -> Issued:
    """Issue tokens for an authorization. Raises InvalidGrant where what it spends is spent or ended meanwhile."""
    spends = authorization.spends
    if spends is None:
        return await _begin(issuer, client, authorization)
    if isinstance(spends, OpenedCode):
        return await redeem(issuer, client, authorization, spends)
    return await _refresh(issuer, client, authorization, spends)


async def withdraw(issuer: Issuer, issued: Issued) -> None:
    """Take back what began a grant, before anybody was told: as if it had never been. Raises TemporarilyUnavailable."""
    if issued.grant.subject:
        await issuer.store.grants.revoke(issued.grant_id, issued.grant.subject)
    if not issued.is_stateless:
        await issuer.store.tokens.forget_access_token(issued.grant_id, issued.access_hash)


async def _begin(issuer: Issuer, client: Client, authorization: Authorization) -> Issued:
    grant_id = new_grant_id(issuer.randomness)
    if authorization.grant.subject and wants(issuer, client):
        grant = await with_claims(issuer, client, authorization.grant)
        authorization = msgspec.structs.replace(authorization, grant=grant)
    if issuer.hooks.asks_claims:
        authorization = await with_hooks(issuer, client, authorization, grant_id, authorization.grant.grant_type)
    minted = await mint(issuer, client, authorization, grant_id, client.refresh_limit)
    new = minted.new
    if not authorization.grant.subject:
        if minted.issued.is_stateless:
            return minted.issued
        await issuer.store.tokens.save_client_grant(new.access, new.access_record, new.access_ends_at)
    elif not await issuer.store.tokens.issue(authorization.grant, new):
        raise InvalidGrant(log="user is disabled, or was disabled meanwhile")
    return minted.issued


async def _refresh(issuer: Issuer, client: Client, authorization: Authorization, opened: OpenedRefreshToken) -> Issued:
    """Repeat, rotate, or keep the refresh token where the client's policy says so and refreshes are left."""
    if opened.record is None and opened.asked == fingerprint(authorization):
        await issuer.store.tokens.confirm_rotation(opened.credential)
        issuer.store.tokens.count_repeat_soon(opened.credential)
        report_repeat(issuer, _REPEATED, authorization, opened.credential.grant_id)
        return _repeat(opened.reply, authorization.presented, opened.grant)
    left = opened.record.refreshes_left if opened.record else client.refresh_limit
    if left == 0 or not may_refresh(issuer, client, opened.grant):
        raise InvalidGrant(log="no refresh is left, or the client may not refresh any more")
    if issuer.hooks.asks_refresh or issuer.hooks.asks_claims:
        authorization = await ask_for_refresh(issuer, client, authorization, opened)
    if opened.record is None or rotates(issuer, client):
        return await _rotate(issuer, client, authorization, opened, None if left is None else left - 1)
    return await _keep(issuer, client, authorization, opened)


async def _rotate(
    issuer: Issuer, client: Client, authorization: Authorization, opened: OpenedRefreshToken, left: int | None
) -> Issued:
    """Put new tokens in the place of the refresh token; where it was used a moment ago, see ``RotateAnswer``."""
    minted = await mint(issuer, client, authorization, opened.credential.grant_id, left, id_token=True)
    new, issued = minted.new, minted.issued
    grace = _grace_of(issuer, client)
    nonce = issuer.randomness(sealing.NONCE_BYTES)
    sealed = sealing.seal(issued.content, authorization.presented, nonce) if grace else b""
    waiting = WaitingReply(sealed, grace, fingerprint(authorization), adds=left is None)
    used_ends_at = new.now + issuer.settings.refresh_reuse_memory
    answer, reply = await issuer.store.tokens.rotate(opened, new, used_ends_at, waiting)
    if answer is RotateAnswer.ROTATED:
        return issued
    if answer in (RotateAnswer.REPEATED, RotateAnswer.ADDED):
        report_repeat(issuer, _REPEATED, authorization, opened.credential.grant_id)
        repeated = _repeat(reply, authorization.presented, opened.grant)
        return repeated if answer is RotateAnswer.REPEATED else _beside_successor(issued, repeated)
    if answer is RotateAnswer.REUSED:
        await report_ended(issuer, "refresh_token_reused", opened.credential, opened.grant)
        raise InvalidGrant(log="refresh token was already used; its grant is ended")
    if answer is RotateAnswer.REFUSED:
        raise InvalidGrant("The refresh token was used for another request: use the one that this brought.")
    raise InvalidGrant(log="grant ended meanwhile")


def _beside_successor(issued: Issued, repeated: Issued) -> Issued:
    """New tokens for who asked for something else, with the refresh token that is there already: the family has one (P2)."""
    body, first = orjson.loads(issued.content), orjson.loads(repeated.content)
    successor = first.get("refresh_token", "")
    body |= {"refresh_token": successor}
    if not successor:
        del body["refresh_token"]
    return msgspec.structs.replace(issued, content=orjson.dumps(body), refresh_token=successor)


async def _keep(issuer: Issuer, client: Client, authorization: Authorization, opened: OpenedRefreshToken) -> Issued:
    """Issue an access token beside a refresh token that stays, with its count of refreshes compared and set.

    Used up, it stays too: presented once more it is refused, but is no sign of theft as a used one would be.
    """
    current: OpenedRefreshToken | None = opened
    for _ in range(_TRIES):
        if current is None or current.record is None or current.record.refreshes_left == 0:
            raise InvalidGrant(log="refresh token ended meanwhile, or no refresh is left")
        left = current.record.refreshes_left
        minted = await mint(
            issuer,
            client,
            authorization,
            opened.credential.grant_id,
            None if left is None else left - 1,
            keeps=current,
            id_token=True,
        )
        answer = await issuer.store.tokens.reuse(current, minted.new)
        if answer is ReuseAnswer.ISSUED:
            return minted.issued
        if answer is ReuseAnswer.ENDED:
            raise InvalidGrant(log="refresh token or its grant ended meanwhile")
        current = await issuer.store.tokens.open_by_refresh(opened.credential)
    raise TemporarilyUnavailable(log="refresh token is used too often at once")


def _repeat(sealed: bytes, presented: str, grant: Grant) -> Issued:
    """The response that this refresh token got before, byte for byte (P2). Raises InvalidGrant if it can't be opened."""
    content = sealing.unseal(sealed, presented)
    if content is None:
        raise InvalidGrant(log="sealed reply does not open with the presented refresh token")
    return Issued(content, grant, repeated=True)


def _grace_of(issuer: Issuer, client: Client) -> int:
    """Seconds within which a repeated refresh gets the same answer again."""
    return issuer.settings.refresh_grace if client.refresh_grace is None else client.refresh_grace
