"""Making tokens and the response that hands them out. Nothing is kept here."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
import orjson

from service.hooks import NOTHING_ADDED, Added
from service.issuer import Issuer
from service.protocol.credentials import Credential, Kind, hashed, new_credential
from service.protocol.errors import InvalidGrant
from service.protocol.names import (
    OFFLINE_ACCESS,
    TOKEN_RESPONSE_MEMBERS,
    AccessTokenFormat,
    GrantTypeName,
    RefreshRotation,
)
from service.records.access_token import AccessToken
from service.records.client import Client
from service.records.grant import Grant
from service.records.property import Property
from service.records.refresh_token import RefreshToken
from service.store.grants import NEVER
from service.store.tokens import NewTokens, OpenedRefreshToken
from service.tokens.access_tokens import form_of, handle_of, mint_access_jwt, stateless_handle
from service.tokens.authorization import Authorization, Issued
from service.tokens.id_tokens import mint_id_token, wants_id_token
from service.tokens.user_claims import of_token, wants

NO_REFRESH = 0
"""As the number of refreshes left: there will be no refresh token."""


class Minted(NamedTuple):
    """Tokens made but not kept yet."""

    issued: Issued
    new: NewTokens


def may_refresh(issuer: Issuer, client: Client, grant: Grant) -> bool:
    """Whether this grant gets a refresh token (IT-20, WM-20): a person's grant, and the client may use one."""
    if not grant.subject or "refresh_token" not in client.grant_types or client.refresh_limit == 0:
        return False
    if grant.grant_type == GrantTypeName.JWT_BEARER and not issuer.settings.jwt_bearer_refresh:
        return False
    return not issuer.settings.refresh_needs_offline_access or OFFLINE_ACCESS in grant.scope.split(" ")


async def mint(
    issuer: Issuer,
    client: Client,
    authorization: Authorization,
    grant_id: str,
    refreshes_left: int | None,
    keeps: OpenedRefreshToken | None = None,
    *,
    id_token: bool = False,
    nonce: str | None = None,
) -> Minted:
    """Make the tokens and the response. ``keeps``: the refresh token that stays in use instead of a new one;
    ``id_token``: with one, where the grant is an OpenID Connect one; ``nonce``: for it.
    """
    now, grant = int(issuer.clock()), authorization.grant
    issuer.store.registrations.note_use(client, issuer.settings.registration_idle_lifetime)
    lifetime = authorization.lifetime or client.access_token_lifetime or issuer.settings.access_token_lifetime
    access = new_credential(Kind.ACCESS_TOKEN, grant_id, issuer.randomness)
    credential = Credential(Kind.ACCESS_TOKEN, grant_id, hashed(access))
    refresh = _refresh_token(issuer, client, authorization, credential, refreshes_left, keeps, now)
    about, is_kept = dict[str, Any](), True
    if wants(issuer, client):
        about, is_kept = await of_token(issuer, client, grant, authorization.scope)
    delivered, beside, is_stateless = access, "", False
    if client.access_token_format is not None or issuer.settings.resource_tokens:
        delivered, beside, is_stateless = await _in_its_form(
            issuer, client, authorization, credential, access, now, now + lifetime, about
        )
    signed = ""
    if id_token and wants_id_token(issuer, grant):
        added = authorization.added.id_token
        signed = mint_id_token(issuer, client, grant, grant_id, nonce=nonce, access_token=delivered, added=added)
    issued = Issued(
        content=_response(client, authorization, delivered, beside, lifetime, refresh.token, signed),
        grant=grant,
        grant_id=grant_id,
        access_hash=credential.hash,
        access_token=delivered,
        access_token_ends_at=now + lifetime,
        refresh_token=refresh.token,
        refresh_token_ends_at=refresh.ends_at if refresh.token else NEVER,
        scope=authorization.scope,
        audience=authorization.audience,
        id_token=signed,
        is_stateless=is_stateless,
    )
    record = _access_record(authorization, now, {} if is_kept else about)
    return Minted(issued, _new_tokens(credential, record, now + lifetime, refresh, grant, now))


class _RefreshToken(NamedTuple):
    """``token``: as the client gets it, "" = it gets none; ``hash``, ``record``: as it is kept, b"" = it is not; ``ends_at``:
    epoch seconds.
    """

    token: str
    hash: str
    record: bytes = b""
    ends_at: int = NEVER


def _refresh_token(
    issuer: Issuer,
    client: Client,
    authorization: Authorization,
    access: Credential,
    left: int | None,
    keeps: OpenedRefreshToken | None,
    now: int,
) -> _RefreshToken:
    """The refresh token that goes with ``access``: a new one, or the one that stays in use (``keeps``) while refreshes are
    ``left`` (None: without a bound). Raises InvalidGrant.
    """
    if not may_refresh(issuer, client, authorization.grant) or (left == 0 and not keeps):
        return _RefreshToken("", access.hash)
    ends_at = _refresh_ends_at(issuer, client, authorization.grant, now)
    if keeps is not None:
        issued_at = keeps.record.issued_at if keeps.record else now
        token = authorization.presented if left != 0 else ""
        return _RefreshToken(token, keeps.credential.hash, RefreshToken(issued_at, left, "").encode(), ends_at)
    token, spends = new_credential(Kind.REFRESH_TOKEN, access.grant_id, issuer.randomness), authorization.spends
    record = RefreshToken(now, left, spends.credential.hash if spends else "")
    return _RefreshToken(token, hashed(token), record.encode(), ends_at)


def _new_tokens(
    access: Credential, access_record: bytes, access_ends_at: int, refresh: _RefreshToken, grant: Grant, now: int
) -> NewTokens:
    return NewTokens(
        access=access,
        access_record=access_record,
        access_ends_at=access_ends_at,
        refresh_hash=refresh.hash,
        refresh_record=refresh.record,
        refresh_ends_at=refresh.ends_at,
        subject=grant.subject,
        client_id=grant.client_id,
        now=now,
    )


async def _in_its_form(
    issuer: Issuer,
    client: Client,
    authorization: Authorization,
    credential: Credential,
    opaque: str,
    now: int,
    ends_at: int,
    about: Mapping[str, Any],
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
        issuer,
        client,
        form,
        grant,
        stateless_handle(issuer) if is_stateless else handle_of(credential),
        scope=authorization.scope,
        audience=authorization.audience,
        now=now,
        ends_at=ends_at,
        added={**authorization.added.access_token, **about},
    )
    if form.format is AccessTokenFormat.BOTH:
        return opaque, signed, False
    return signed, "", is_stateless


def _access_record(authorization: Authorization, now: int, about: Mapping[str, Any]) -> bytes:
    """Of a person's grant only what differs from it; of a client's own the grant whole. ``about``: claims about the person that
    the grant does not keep.
    """
    grant = authorization.grant
    properties = authorization.properties
    if authorization.added is not NOTHING_ADDED:
        properties += _properties(authorization.added)
    properties += tuple(Property(name, value, in_introspection=True) for name, value in about.items())
    if not grant.subject:
        return AccessToken(now, grant=grant, properties=properties).encode()
    scope = None if authorization.scope == grant.scope else authorization.scope
    audience = None if authorization.audience == grant.audience else authorization.audience
    return AccessToken(now, scope, audience, properties=properties).encode()


def _properties(added: Added) -> tuple[Property, ...]:
    """What introspection is to say of this token."""
    claims = {**added.access_token, **added.introspection}
    return tuple(Property(name, value, in_introspection=True) for name, value in claims.items())


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


def rotates(issuer: Issuer, client: Client) -> bool:
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
    body["token_type"] = authorization.binding.token_type
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
