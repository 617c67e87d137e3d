"""The single mint: turns every Authorization into tokens, and puts them in the place of what they were bought with.

No grant type makes a token by itself. Everything is made, rendered and sealed first; then one script checks that the
presented credential is still unspent and swaps. There is no half-way state to repair.
"""

import logging
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
import orjson

from service.access_tokens import form_of, handle_of, mint_access_jwt, stateless_handle
from service.hooks import NOTHING_ADDED, Added
from service.hooks.facts import Revoked, about_revoked, about_token
from service.id_tokens import mint_id_token, wants_id_token
from service.issuer import Issuer
from service.protocol import sealing
from service.protocol.credentials import Credential, Kind, hashed, new_credential, new_grant_id
from service.protocol.errors import InvalidGrant, TemporarilyUnavailable
from service.protocol.names import (
    OFFLINE_ACCESS,
    TOKEN_RESPONSE_MEMBERS,
    AccessTokenFormat,
    GrantTypeName,
    HookEvent,
    RefreshRotation,
    ResponseType,
)
from service.records.access_token import AccessToken
from service.records.authorization_code import AuthorizationCode
from service.records.client import Client
from service.records.grant import Grant
from service.records.property import Property
from service.records.refresh_token import RefreshToken
from service.store.assertions import Use
from service.store.codes import OpenedCode, RedeemAnswer
from service.store.grants import NEVER
from service.store.tokens import NewTokens, OpenedRefreshToken, ReuseAnswer, RotateAnswer

log = logging.getLogger(__name__)

NO_REFRESH = 0
"""As the number of refreshes left: there will be no refresh token."""

_TRIES = 8
"""How often a refresh that keeps its token is tried again because another one was first."""


class Authorization(msgspec.Struct, frozen=True):
    """Who allowed which client what: the answer of a grant type.

    ``scope`` and ``audience``: of the access token, within the grant's; ``spends``: the credential that was presented
    and is now to be exchanged; ``presented``: its text; None and "" where the grant begins at the token endpoint. ``use``:
    whether an assertion was used for the first time, where one vouches for it; Redis is being asked. ``added``: by hooks; for
    them only: ``address``, of whom it is issued to. By a caller of the decision API: ``lifetime`` of the access token in
    seconds, 0 = as client and settings have it, and its ``properties``, beside the grant's.
    """

    grant: Grant
    scope: str
    audience: tuple[str, ...]
    spends: OpenedCode | OpenedRefreshToken | None = None
    presented: str = ""
    use: Use | None = None
    added: Added = NOTHING_ADDED
    address: str = ""
    lifetime: int = 0
    properties: tuple[Property, ...] = ()

    async def confirm(self) -> None:
        """Wait for what is still to be known. Raises InvalidGrant for an assertion that was used before."""
        if self.use is not None and not await self.use.is_first():
            raise InvalidGrant("The assertion was used before: each counts once.")


class Issued(msgspec.Struct, frozen=True):
    """What was issued: the ready-made response, and its parts for the decision API (AU-16 to AU-30).

    ``…_ends_at``: epoch seconds, 0 = never or none. Of a repeated response only ``content`` and ``grant`` are known.
    """

    content: bytes
    grant: Grant
    grant_id: str = ""
    access_hash: str = ""
    access_token: str = ""
    access_token_ends_at: int = 0
    refresh_token: str = ""
    refresh_token_ends_at: int = 0
    scope: str = ""
    audience: tuple[str, ...] = ()
    id_token: str = ""
    repeated: bool = False
    is_stateless: bool = False


class Code(msgspec.Struct, frozen=True):
    """A fresh authorization code; ``expires_in``: seconds."""

    code: str
    expires_in: int
    grant_id: str


class Answer(NamedTuple):
    """What the authorization endpoint hands out; ``grant_id``: under which it can be ended, "" where nothing is kept."""

    fields: dict[str, str]
    grant_id: str


class _Minted(NamedTuple):
    """Tokens made but not kept yet."""

    issued: Issued
    new: NewTokens


# public


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


async def issue(issuer: Issuer, client: Client, authorization: Authorization) -> Issued:
    """Issue tokens for an authorization. Raises InvalidGrant where what it spends is spent or ended meanwhile."""
    spends = authorization.spends
    if spends is None:
        return await _begin(issuer, client, authorization)
    if isinstance(spends, OpenedCode):
        return await _redeem(issuer, client, authorization, spends)
    return await _refresh(issuer, client, authorization, spends)


async def answer_authorization(
    issuer: Issuer,
    client: Client,
    grant: Grant,
    response_type: ResponseType,
    record: AuthorizationCode,
    claims: Mapping[str, Any],
    lifetime: int = 0,
) -> Answer:
    """Code, access token and ID token as the response type says (RFC 6749 4.1.2 and 4.2.2, OpenID Connect Core 3).

    ``claims``: about the person, for an ID token that comes alone (Core 5.4); ``lifetime``: of an access token, 0 = the
    client's. Raises InvalidGrant where the user is
    disabled, TemporarilyUnavailable.
    """
    parts, fields, grant_id = response_type.parts, {}, ""
    fresh_id = new_grant_id(issuer.randomness)
    authorization = Authorization(grant, grant.scope, grant.audience, lifetime=lifetime)
    if issuer.hooks.asks_claims and parts & {"token", "id_token"}:  # what is made here; for a code they are asked later
        authorization = await _with_hooks(issuer, client, authorization, fresh_id, GrantTypeName.IMPLICIT)
    if "code" in parts:
        if "token" in parts:
            record = msgspec.structs.replace(record, beside=True)
        code = await issue_code(issuer, client, grant, record, fresh_id)
        grant_id, fields["code"] = code.grant_id, code.code
    if "token" in parts:
        issued = await _issue_beside(issuer, client, authorization, fresh_id, begins=not grant_id)
        grant_id = fresh_id
        lifetime = issued.access_token_ends_at - int(issuer.clock())
        fields |= {"access_token": issued.access_token, "token_type": "Bearer", "expires_in": str(lifetime)}
        fields["scope"] = issued.scope
    if "id_token" in parts:
        fields["id_token"] = mint_id_token(
            *(issuer, client, grant, fresh_id),
            nonce=record.nonce,
            access_token=fields.get("access_token", ""),
            code=fields.get("code", ""),
            claims=claims if parts == {"id_token"} else None,
            added=authorization.added.id_token,
        )
    return Answer({name: value for name, value in fields.items() if value}, grant_id)


async def withdraw(issuer: Issuer, issued: Issued) -> None:
    """Take back what began a grant, before anybody was told: as if it had never been. Raises TemporarilyUnavailable."""
    if issued.grant.subject:
        await issuer.store.grants.revoke(issued.grant_id, issued.grant.subject)
    if not issued.is_stateless:
        await issuer.store.tokens.forget_access_token(issued.grant_id, issued.access_hash)


def may_refresh(issuer: Issuer, client: Client, grant: Grant) -> bool:
    """Whether this grant gets a refresh token (IT-20, WM-20): a person's grant, and the client may use one."""
    if not grant.subject or "refresh_token" not in client.grant_types or client.refresh_limit == 0:
        return False
    if grant.grant_type == GrantTypeName.JWT_BEARER and not issuer.settings.jwt_bearer_refresh:
        return False
    return not issuer.settings.refresh_needs_offline_access or OFFLINE_ACCESS in grant.scope.split(" ")


# one way of keeping for each way in


async def _issue_beside(
    issuer: Issuer, client: Client, authorization: Authorization, grant_id: str, *, begins: bool
) -> Issued:
    """An access token from the authorization endpoint, beside a code or alone; never with a refresh token (RFC 6749 4.2.2)."""
    minted = await _mint(issuer, client, authorization, grant_id, NO_REFRESH)
    tokens = issuer.store.tokens
    kept = await (tokens.issue(authorization.grant, minted.new) if begins else tokens.add(minted.new))
    if not kept:
        raise InvalidGrant(log="user is disabled, or the grant was ended meanwhile")
    return minted.issued


async def _begin(issuer: Issuer, client: Client, authorization: Authorization) -> Issued:
    grant_id = new_grant_id(issuer.randomness)
    if issuer.hooks.asks_claims:
        authorization = await _with_hooks(issuer, client, authorization, grant_id, authorization.grant.grant_type)
    minted = await _mint(issuer, client, authorization, grant_id, client.refresh_limit)
    new = minted.new
    if not authorization.grant.subject:
        if minted.issued.is_stateless:
            return minted.issued
        await issuer.store.tokens.save_alone(new.access, new.access_record, new.access_ends_at)
    elif not await issuer.store.tokens.issue(authorization.grant, new):
        raise InvalidGrant(log="user is disabled, or was disabled meanwhile")
    return minted.issued


async def _redeem(issuer: Issuer, client: Client, authorization: Authorization, code: OpenedCode) -> Issued:
    nonce = code.record.nonce if code.record else None
    if issuer.hooks.asks_claims:
        grant_id = code.credential.grant_id
        authorization = await _with_hooks(issuer, client, authorization, grant_id, GrantTypeName.AUTHORIZATION_CODE)
    minted = await _mint(
        issuer, client, authorization, code.credential.grant_id, client.refresh_limit, id_token=True, nonce=nonce
    )
    new = minted.new
    # A grant that can be refreshed lives on beyond what the code bought; one that can't is over with its access token.
    spent_ends_at = new.now + issuer.settings.refresh_reuse_memory if new.refresh_record else new.access_ends_at
    beside = code.record is not None and code.record.beside
    answer = await issuer.store.codes.redeem(code.credential, new, spent_ends_at, beside=beside)
    if answer is RedeemAnswer.SPENT:
        await _report_ended(issuer, "code_replayed", code.credential, code.grant)
        raise InvalidGrant(log="code was already redeemed; its grant is ended")
    if answer is RedeemAnswer.UNKNOWN:
        raise InvalidGrant(log="code or its grant ended meanwhile")
    return minted.issued


async def _refresh(issuer: Issuer, client: Client, authorization: Authorization, opened: OpenedRefreshToken) -> Issued:
    """Repeat, rotate, or keep the refresh token where the client's policy says so and refreshes are left."""
    if opened.record is None:
        await issuer.store.tokens.confirm_rotation(opened.credential)
        return _repeat(opened.reply, authorization.presented, opened.grant)
    left = opened.record.refreshes_left
    if left == 0 or not may_refresh(issuer, client, opened.grant):
        raise InvalidGrant(log="no refresh is left, or the client may not refresh any more")
    if issuer.hooks.asks_refresh or issuer.hooks.asks_claims:
        authorization = await _ask_for_refresh(issuer, client, authorization, opened)
    if _rotates(issuer, client):
        return await _rotate(issuer, client, authorization, opened, None if left is None else left - 1)
    return await _keep(issuer, client, authorization, opened)


async def _rotate(
    issuer: Issuer, client: Client, authorization: Authorization, opened: OpenedRefreshToken, left: int | None
) -> Issued:
    minted = await _mint(issuer, client, authorization, opened.credential.grant_id, left, id_token=True)
    new, issued = minted.new, minted.issued
    grace = _grace_of(issuer, client)
    nonce = issuer.randomness(sealing.NONCE_BYTES)
    sealed = sealing.seal(issued.content, authorization.presented, nonce) if grace else b""
    used_ends_at = new.now + issuer.settings.refresh_reuse_memory
    answer, waiting = await issuer.store.tokens.rotate(opened.credential, new, used_ends_at, sealed, grace)
    if answer is RotateAnswer.REPEATED:
        return _repeat(waiting, authorization.presented, opened.grant)
    if answer is RotateAnswer.REUSED:
        await _report_ended(issuer, "refresh_token_reused", opened.credential, opened.grant)
        raise InvalidGrant(log="refresh token was already used; its grant is ended")
    if answer is RotateAnswer.ENDED:
        raise InvalidGrant(log="grant ended meanwhile")
    return issued


async def _keep(issuer: Issuer, client: Client, authorization: Authorization, opened: OpenedRefreshToken) -> Issued:
    """Issue an access token beside a refresh token that stays, with its count of refreshes compared and set.

    Used up, it stays too: presented once more it is refused, but is no sign of theft as a used one would be.
    """
    current: OpenedRefreshToken | None = opened
    for _ in range(_TRIES):
        if current is None or current.record is None or current.record.refreshes_left == 0:
            raise InvalidGrant(log="refresh token ended meanwhile, or no refresh is left")
        left = current.record.refreshes_left
        minted = await _mint(
            *(issuer, client, authorization, opened.credential.grant_id, None if left is None else left - 1),
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


class ReplayedError(InvalidGrant):
    """Something that was spent is presented again by who it was issued to: its grant is to end, see ``end_replayed``."""

    def __init__(self, event: str, credential: Credential, grant: Grant) -> None:
        super().__init__(log=f"{event}; its grant is ended")
        self.event, self.credential, self.grant = event, credential, grant


async def end_replayed(issuer: Issuer, replayed: ReplayedError) -> None:
    """End the grant: theft, or a client that lost count. Only once it is certain who presented it."""
    facts = _ended_by_replay(replayed.event, replayed.credential, replayed.grant)
    async with issuer.hooks.telling(HookEvent.REVOKED, **facts):
        await issuer.store.grants.revoke(replayed.credential.grant_id, replayed.grant.subject)
    report_replay(issuer, replayed.event, replayed.credential, replayed.grant)


def report_replay(issuer: Issuer, event: str, credential: Credential, grant: Grant) -> None:
    """Tell operators that something used was used again: theft, or a client that lost count."""
    issuer.metrics.security_event(event)
    log.warning(
        event,
        extra={"client_id": grant.client_id, "subject": grant.subject, "grant_id": credential.grant_id, "ended": True},
    )


async def _report_ended(issuer: Issuer, event: str, credential: Credential, grant: Grant) -> None:
    """Tell operators, and hooks, of a grant that a script has ended because something of it was used again."""
    report_replay(issuer, event, credential, grant)
    await issuer.hooks.tell(HookEvent.REVOKED, **_ended_by_replay(event, credential, grant))


def _ended_by_replay(event: str, credential: Credential, grant: Grant) -> dict[str, Any]:
    about = {"grant_id": credential.grant_id, "subject": grant.subject, "client_id": grant.client_id}
    return about_revoked(Revoked.GRANT, event, **about)


def _grace_of(issuer: Issuer, client: Client) -> int:
    """Seconds within which a repeated refresh gets the same answer again."""
    return issuer.settings.refresh_grace if client.refresh_grace is None else client.refresh_grace


# what hooks say


async def _with_hooks(
    issuer: Issuer, client: Client, authorization: Authorization, grant_id: str, grant_type: str
) -> Authorization:
    """With what hooks add to its tokens. Nothing is made or spent yet. Raises TemporarilyUnavailable."""
    facts = _facts(client, authorization, grant_id, grant_type)
    return msgspec.structs.replace(authorization, added=await issuer.hooks.add_claims(facts))


async def _ask_for_refresh(
    issuer: Issuer, client: Client, authorization: Authorization, opened: OpenedRefreshToken
) -> Authorization:
    """Whether it may be, and what to add. A repeated refresh does not come here.

    Raises InvalidGrant, TemporarilyUnavailable.
    """
    grant_id = opened.credential.grant_id
    if issuer.hooks.asks_refresh:
        await issuer.hooks.check_refresh(_facts(client, authorization, grant_id, GrantTypeName.REFRESH_TOKEN))
    if not issuer.hooks.asks_claims:
        return authorization
    return await _with_hooks(issuer, client, authorization, grant_id, GrantTypeName.REFRESH_TOKEN)


def _facts(client: Client, authorization: Authorization, grant_id: str, grant_type: str) -> dict[str, Any]:
    grant, scope, audience = authorization.grant, authorization.scope, authorization.audience
    return about_token(client, grant, grant_id, grant_type, scope, audience, authorization.address)


# making tokens


async def _mint(
    issuer: Issuer,
    client: Client,
    authorization: Authorization,
    grant_id: str,
    refreshes_left: int | None,
    keeps: OpenedRefreshToken | None = None,
    *,
    id_token: bool = False,
    nonce: str | None = None,
) -> _Minted:
    """Make the tokens and the response. ``keeps``: the refresh token that stays in use instead of a new one;
    ``id_token``: with one, where the grant is an OpenID Connect one; ``nonce``: for it.
    """
    now, grant = int(issuer.clock()), authorization.grant
    lifetime = authorization.lifetime or client.access_token_lifetime or issuer.settings.access_token_lifetime
    access = new_credential(Kind.ACCESS_TOKEN, grant_id, issuer.randomness)
    access_hash = hashed(access)
    refresh, refresh_hash, refresh_record, refresh_ends_at = "", access_hash, b"", NEVER
    if may_refresh(issuer, client, grant) and (refreshes_left != 0 or keeps):
        refresh_ends_at = _refresh_ends_at(issuer, client, grant, now)
        if keeps is not None:
            refresh, refresh_hash = authorization.presented if refreshes_left != 0 else "", keeps.credential.hash
        else:
            refresh = new_credential(Kind.REFRESH_TOKEN, grant_id, issuer.randomness)
            refresh_hash = hashed(refresh)
        issued_at = keeps.record.issued_at if keeps and keeps.record else now
        refresh_record = RefreshToken(issued_at, refreshes_left).encode()
    credential = Credential(Kind.ACCESS_TOKEN, grant_id, access_hash)
    delivered, beside, is_stateless = access, "", False
    if client.access_token_format is not None or issuer.settings.resource_tokens:
        delivered, beside, is_stateless = await _in_its_form(
            issuer, client, authorization, credential, access, now, now + lifetime
        )
    signed = ""
    if id_token and wants_id_token(issuer, grant):
        added = authorization.added.id_token
        signed = mint_id_token(issuer, client, grant, grant_id, nonce=nonce, access_token=delivered, added=added)
    content = _response(client, authorization, delivered, beside, lifetime, refresh, signed)
    issued = Issued(
        *(content, grant, grant_id, access_hash, delivered, now + lifetime),
        refresh_token=refresh,
        refresh_token_ends_at=refresh_ends_at if refresh else NEVER,
        scope=authorization.scope,
        audience=authorization.audience,
        id_token=signed,
        is_stateless=is_stateless,
    )
    return _Minted(
        issued,
        NewTokens(
            *(credential, _access_record(authorization, now), now + lifetime),
            *(refresh_hash, refresh_record, refresh_ends_at),
            subject=grant.subject,
            now=now,
        ),
    )


async def _in_its_form(
    issuer: Issuer,
    client: Client,
    authorization: Authorization,
    credential: Credential,
    opaque: str,
    now: int,
    ends_at: int,
) -> tuple[str, str, bool]:
    """The access token as the client gets it, the JWT that comes beside an opaque one, and whether it is kept nowhere."""
    grant = authorization.grant
    if authorization.properties:
        grant = msgspec.structs.replace(grant, properties=grant.properties + authorization.properties)
    form = form_of(issuer, client, authorization.audience, alone=not grant.subject)
    if form.format is AccessTokenFormat.OPAQUE:
        return opaque, "", False
    is_stateless = form.format is AccessTokenFormat.STATELESS
    signed = await mint_access_jwt(
        *(issuer, client, form, grant, stateless_handle(issuer) if is_stateless else handle_of(credential)),
        scope=authorization.scope,
        audience=authorization.audience,
        now=now,
        ends_at=ends_at,
        added=authorization.added.access_token,
    )
    if form.format is AccessTokenFormat.BOTH:
        return opaque, signed, False
    return signed, "", is_stateless


def _access_record(authorization: Authorization, now: int) -> bytes:
    """Of a person's grant only what differs from it; of a client's own the grant whole."""
    grant = authorization.grant
    properties = authorization.properties
    if authorization.added is not NOTHING_ADDED:
        properties += _properties(authorization.added)
    if not grant.subject:
        return AccessToken(now, grant=grant, properties=properties).encode()
    scope = None if authorization.scope == grant.scope else authorization.scope
    audience = None if authorization.audience == grant.audience else authorization.audience
    return AccessToken(now, scope, audience, properties=properties).encode()


def _properties(added: Added) -> tuple[Property, ...]:
    """What introspection is to say of this token."""
    told = {**added.access_token, **added.introspection}
    return tuple(Property(name, value, in_introspection=True) for name, value in told.items())


def _refresh_ends_at(issuer: Issuer, client: Client, grant: Grant, now: int) -> int:
    """The second at which a refresh token ends: idle or absolute limit, whichever is first; 0 = never.

    Raises InvalidGrant where the absolute limit is over: it may have been lowered since.
    """
    idle = (
        issuer.settings.refresh_idle_lifetime if client.refresh_idle_lifetime is None else client.refresh_idle_lifetime
    )
    absolute = client.refresh_absolute_lifetime
    if absolute is None:
        absolute = issuer.settings.refresh_absolute_lifetime
    limits = [limit for limit in (idle and now + idle, absolute and grant.issued_at + absolute) if limit]
    ends_at = min(limits, default=NEVER)
    if ends_at and ends_at <= now:
        raise InvalidGrant(log="the grant is older than refresh_absolute_lifetime")
    return ends_at


def _rotates(issuer: Issuer, client: Client) -> bool:
    policy = client.refresh_rotation or issuer.settings.refresh_rotation
    return policy is RefreshRotation.ALWAYS or (policy is RefreshRotation.PUBLIC_CLIENTS and client.public)


def _response(
    client: Client, authorization: Authorization, access: str, beside: str, lifetime: int, refresh: str, id_token: str
) -> bytes:
    """The body of RFC 6749 5.1, public custom properties first so that no registered member can be overridden."""
    grant = authorization.grant
    body: dict[str, Any] = {
        member.name: member.value
        for member in (*client.properties, *grant.properties, *authorization.properties)
        if member.in_token_response and member.name not in TOKEN_RESPONSE_MEMBERS
    }
    if authorization.added is not NOTHING_ADDED:
        body |= authorization.added.token_response
    body["access_token"] = access
    body["token_type"] = "Bearer"
    body["expires_in"] = lifetime
    if refresh:
        body["refresh_token"] = refresh
    if beside:
        body["access_token_jwt"] = beside
    if id_token:
        body["id_token"] = id_token
    if authorization.scope:
        body["scope"] = authorization.scope
    return orjson.dumps(body)
