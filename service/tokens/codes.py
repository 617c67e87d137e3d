"""Authorization codes: issued with the grant that they begin, redeemed once (RFC 6749 section 4.1.2, P1)."""

import asyncio

import msgspec

from service.crypto import sealing
from service.issuer import Issuer
from service.protocol.credentials import Credential, Kind, hashed, new_credential, new_grant_id
from service.protocol.errors import InvalidGrant
from service.protocol.names import GrantTypeName
from service.records.authorization_code import AuthorizationCode
from service.records.client import Client
from service.records.grant import Grant
from service.store.codes import OpenedCode, RedeemAnswer
from service.store.tokens import WaitingReply
from service.tokens.authorization import Authorization, Issued
from service.tokens.minting import mint
from service.tokens.replay import ReplayedError, end_replayed, fingerprint, report_ended, report_repeat
from service.tokens.token_hooks import with_hooks

MOMENT = 0.5
"""Seconds that the first of several redemptions of a code has to tell its client, before another gets the same response."""
_REPLAYED = "code_replayed"


class Code(msgspec.Struct, frozen=True):
    """A fresh authorization code; ``expires_in``: seconds."""

    code: str
    expires_in: int
    grant_id: str


async def issue_code(
    issuer: Issuer, client: Client, grant: Grant, record: AuthorizationCode, grant_id: str = ""
) -> Code:
    """Begin a grant with an authorization code, for the authorization endpoint and for operators. ``grant_id``: a fresh one.

    Raises InvalidGrant where the user is disabled, TemporarilyUnavailable.
    """
    now = int(issuer.clock())
    lifetime = client.code_lifetime or issuer.settings.code_lifetime
    grant_id = grant_id or new_grant_id(issuer.randomness)
    code = new_credential(Kind.AUTHORIZATION_CODE, grant_id, issuer.randomness)
    credential = Credential(Kind.AUTHORIZATION_CODE, grant_id, hashed(code))
    if not await issuer.store.codes.issue(credential, record, grant, now + lifetime):
        raise InvalidGrant("The user may not sign in.", log="user is disabled")
    return Code(code, lifetime, grant_id)


async def redeem(issuer: Issuer, client: Client, authorization: Authorization, code: OpenedCode) -> Issued:
    """Exchange a code for tokens, once. Raises InvalidGrant where it was redeemed before: its grant is ended then (P1).

    Its response waits sealed until the client has it: a request that failed with Redis, or whose connection broke, may come
    again within ``code_grace``.
    """
    credential, record = code.credential, code.record
    if record is None:
        return await _repeat(issuer, authorization, code, code.reply)
    if issuer.hooks.asks_claims:
        authorization = await with_hooks(
            issuer, client, authorization, credential.grant_id, GrantTypeName.AUTHORIZATION_CODE
        )
    minted = await mint(
        issuer,
        client,
        authorization,
        credential.grant_id,
        client.refresh_limit,
        id_token=True,
        nonce=record.nonce,
    )
    new = minted.new
    # A grant that can be refreshed lives on beyond what the code bought; one that can't is over with its access token.
    spent_ends_at = new.now + issuer.settings.refresh_reuse_memory if new.refresh_record else new.access_ends_at
    waiting = _waiting(issuer, client, authorization, record, minted.issued.content)
    answer, reply = await issuer.store.codes.redeem(credential, new, spent_ends_at, waiting, beside=record.beside)
    if answer is RedeemAnswer.REPEATED:
        return await _repeat(issuer, authorization, code, reply)
    if answer is RedeemAnswer.SPENT:
        await report_ended(issuer, _REPLAYED, credential, code.grant)
        raise InvalidGrant(log="code was already redeemed; its grant is ended")
    if answer is RedeemAnswer.UNKNOWN:
        raise InvalidGrant(log="code or its grant ended meanwhile")
    if waiting.grace and authorization.is_listening():
        issuer.store.codes.forget_reply_soon(credential)
    return minted.issued


def _waiting(
    issuer: Issuer, client: Client, authorization: Authorization, record: AuthorizationCode, content: bytes
) -> WaitingReply:
    """The response as it waits. Of a public client without PKCE never: the code alone would open it."""
    grace = issuer.settings.code_grace
    if not grace or (client.public and not record.code_challenge):
        return WaitingReply(b"", 0)
    nonce = issuer.randomness(sealing.NONCE_BYTES)
    return WaitingReply(sealing.seal(content, authorization.presented, nonce, _asked(authorization)), grace)


def _asked(authorization: Authorization) -> bytes:
    """All that makes a token request the same one: redirect_uri, code_verifier, and what was asked for."""
    return f"{authorization.proof}\0{fingerprint(authorization)}".encode()


async def _repeat(issuer: Issuer, authorization: Authorization, code: OpenedCode, sealed: bytes) -> Issued:
    """The response to the same request whose answer was lost, byte for byte.

    Raises ReplayedError, the grant being ended, for another request, and where the client has its answer after all: the first
    request has a moment to give it.
    """
    content = sealing.unseal(sealed, authorization.presented, _asked(authorization)) if sealed else None
    if content is not None:
        await asyncio.sleep(MOMENT)
    if content is None or not await issuer.store.codes.waits(code.credential):
        replayed = ReplayedError(_REPLAYED, code.credential, code.grant)
        await end_replayed(issuer, replayed)
        raise replayed
    report_repeat(issuer, "code_repeated", authorization, code.credential.grant_id)
    if authorization.is_listening():
        issuer.store.codes.forget_reply_soon(code.credential, after=2 * MOMENT)
    return Issued(content, code.grant, repeated=True)
