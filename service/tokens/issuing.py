"""Issuing: every Authorization of a grant type becomes tokens, which replace the credential that they are issued for.

No grant type makes a token by itself; the authorization endpoint issues by ``authorization_response``. Everything is made,
rendered and sealed first (``token_response``); then one script checks that the presented credential is still unspent and
replaces it. No half-done state can be left that would have to be repaired.
"""

from collections.abc import Awaitable, Sequence

import msgspec

from service.crypto import sealing
from service.issuer import Issuer
from service.protocol.credentials import new_grant_id
from service.protocol.errors import InvalidGrant, InvalidRequest, ProtocolError, TemporarilyUnavailable
from service.records.client import Client
from service.store.replay_checks import ReplayCheck, confirm, release
from service.store.spending import Outcome, WaitingReply
from service.tokens.authorization import Authorization, Exchange, Issued
from service.tokens.exchanged_tokens import issue_exchanged, judge_exchange, note_exchange
from service.tokens.replay import fingerprint_of, repeat, settle
from service.tokens.spendable import Spendable, TokenPlan
from service.tokens.token_hooks import ask_before_exchange, with_hooks
from service.tokens.token_response import mint
from service.tokens.user_claims import may_have_user_claims, with_claims

_SPENT = Outcome.SPENT
_TRIES = 8
"""How often an exchange is tried again because another one was first."""


def issue(
    issuer: Issuer, client: Client, authorization: Authorization, replay_checks: Sequence[ReplayCheck] = ()
) -> Awaitable[Issued]:
    """Issue tokens for an authorization, if every replay check of its request passes.

    Nothing is spent before they have passed. A grant that only begins here is written at the same time, and deleted where one
    does not pass: one round trip, not two.

    Raises:
        InvalidGrant: The credential is spent or ended meanwhile.
        ProtocolError: A replay check does not pass.
        TemporarilyUnavailable: Redis is away, or a hook.
    """
    if authorization.exchange is None:
        return _issue(issuer, client, authorization, replay_checks)
    return _issue_for_others(issuer, client, authorization, authorization.exchange, replay_checks)


async def _issue_for_others(
    issuer: Issuer,
    client: Client,
    authorization: Authorization,
    exchange: Exchange,
    replay_checks: Sequence[ReplayCheck],
) -> Issued:
    """Issue a token in exchange for others (RFC 8693), with the one error of its section 2.2.2 for unacceptable tokens."""
    facts = await judge_exchange(issuer, client, authorization, exchange, replay_checks)
    try:
        if exchange.grant_id:
            issued = await issue_exchanged(issuer, client, authorization, exchange, replay_checks)
        else:
            issued = await _issue(issuer, client, authorization, replay_checks)
    except InvalidGrant as error:
        about = "The user of subject_token gets no tokens here."
        raise InvalidRequest(about, log=f"no tokens for the user: {error.log}") from error
    note_exchange(facts)
    return issued


def _issue(
    issuer: Issuer, client: Client, authorization: Authorization, replay_checks: Sequence[ReplayCheck]
) -> Awaitable[Issued]:
    """Spend the credential, or begin a grant."""
    if authorization.spends is not None:
        return _exchange(issuer, client, authorization, authorization.spends, replay_checks)
    if replay_checks:
        return _begin_unless_replayed(issuer, client, authorization, replay_checks)
    return _begin(issuer, client, authorization)


async def _begin_unless_replayed(
    issuer: Issuer, client: Client, authorization: Authorization, replay_checks: Sequence[ReplayCheck]
) -> Issued:
    """Begin a grant, and take it back where a replay check does not pass. An error uses up nothing irreplaceable."""
    try:
        if issuer.hooks.asks_claims:  # hooks are notified only of what is certain
            await confirm(replay_checks)
        issued = await _begin(issuer, client, authorization)
    except ProtocolError:
        await release(replay_checks)
        raise
    try:
        await confirm(replay_checks)
    except ProtocolError:
        await _withdraw(issuer, issued)
        await release(replay_checks)
        raise
    return issued


async def _withdraw(issuer: Issuer, issued: Issued) -> None:
    """Delete what began a grant, before any client got it. Raises TemporarilyUnavailable."""
    if issued.grant.subject:
        await issuer.store.grants.revoke(issued.grant_id, issued.grant.subject)
    if not issued.is_stateless:
        await issuer.store.tokens.forget_access_token(issued.grant_id, issued.access_hash)


async def _begin(issuer: Issuer, client: Client, authorization: Authorization) -> Issued:
    grant_id = new_grant_id(issuer.random_text)
    if authorization.grant.subject and may_have_user_claims(issuer, client):
        grant = await with_claims(issuer, client, authorization.grant)
        authorization = msgspec.structs.replace(authorization, grant=grant)
    if issuer.hooks.asks_claims:
        authorization = await with_hooks(issuer, client, authorization, grant_id, authorization.grant.grant_type)
    refreshes = client.refresh_limit
    if authorization.is_final:
        refreshes, authorization = 0, _naming_resources(authorization)
    minted = await mint(issuer, client, authorization, TokenPlan(grant_id, refreshes))
    new = minted.new
    if not authorization.grant.subject:
        if minted.issued.is_stateless:
            return minted.issued
        await issuer.store.tokens.save_client_grant(new.access, new.access_record, new.access_ends_at)
    elif not await issuer.store.tokens.issue(authorization.grant, new):
        raise InvalidGrant(log="user is disabled, or was disabled meanwhile")
    return minted.issued


def _naming_resources(authorization: Authorization) -> Authorization:
    """Name the resources of the token in the response to an ID-JAG, as its draft demands (section 4.4.1)."""
    audience = authorization.granted.audience
    if not audience or authorization.exchange is not None:
        return authorization
    resource = audience[0] if len(audience) == 1 else audience
    response = {**authorization.added.token_response, "resource": resource}
    added = msgspec.structs.replace(authorization.added, token_response=response)
    return msgspec.structs.replace(authorization, added=added)


async def _exchange(
    issuer: Issuer,
    client: Client,
    authorization: Authorization,
    spends: Spendable,
    replay_checks: Sequence[ReplayCheck],
) -> Issued:
    """Replace the presented credential by tokens, or give the same request the same response again."""
    if replay_checks:
        await confirm(replay_checks)
    fingerprint = fingerprint_of(authorization)
    if spends.is_repeated(fingerprint):
        return await repeat(issuer, authorization, spends, spends.reply)
    plan = spends.plan(issuer, client)
    if issuer.hooks.asks:
        authorization = await ask_before_exchange(issuer, client, authorization, spends)
    for _ in range(_TRIES):
        minted = await mint(issuer, client, authorization, plan)
        sealed = b""
        if plan.grace:
            nonce = issuer.randomness(sealing.NONCE_BYTES)
            sealed = sealing.seal(minted.issued.content, spends.presented, nonce, spends.sealed_with(fingerprint))
        reply = WaitingReply(sealed, plan.grace, fingerprint, adds=plan.refreshes_left is None)
        remembered_until = minted.new.now + issuer.settings.refresh_reuse_memory
        spending = await spends.spend(issuer.store, minted.new, reply, remembered_until)
        if spending.outcome is _SPENT:
            if plan.grace:
                spends.note_delivery(issuer.store)
            return minted.issued
        if spending.outcome is not Outcome.CHANGED:
            return await settle(issuer, authorization, spends, minted.issued, spending)
        spends = await spends.reopen(issuer.store)
        plan = spends.plan(issuer, client)
    raise TemporarilyUnavailable(log=f"{spends.NAME} is used too often at once")
