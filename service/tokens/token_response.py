"""The tokens of one response, made together, and the response itself (RFC 6749 section 5.1). Nothing is stored here."""

from collections.abc import Mapping
from typing import Any

import msgspec
import orjson

from service.hooks import NOTHING_ADDED, Added
from service.issuer import Issuer
from service.protocol.credentials import ACCESS_TOKEN, Credential, hashed, new_credential
from service.protocol.errors import InvalidRequest
from service.protocol.names import TOKEN_RESPONSE_MEMBERS, AccessTokenFormat
from service.protocol.token_exchange import TokenType
from service.records.access_token import AccessToken
from service.records.client import Client
from service.records.property import Property
from service.store.ends import NEVER
from service.store.spending import NewTokens
from service.tokens.access_tokens import (
    AccessTokenContents,
    AccessTokenProfile,
    handle_of,
    mint_access_jwt,
    profile_for,
    stateless_handle,
)
from service.tokens.authorization import Authorization, Exchange, Issued
from service.tokens.id_tokens import delivered_claims, mint_id_token, wants_id_token
from service.tokens.refresh_tokens import NewRefreshToken, new_refresh_token
from service.tokens.resources import lifetime_of
from service.tokens.spendable import TokenPlan
from service.tokens.user_claims import claims_of_id_token, claims_of_token, may_have_user_claims


class Minted(msgspec.Struct, frozen=True):
    """Tokens that are made but not stored yet."""

    issued: Issued
    new: NewTokens


class _AccessToken(msgspec.Struct, frozen=True):
    """An access token as the client gets it."""

    text: str
    jwt: str = ""
    """The JWT that comes together with an opaque one."""
    is_stateless: bool = False
    """Whether it is stored nowhere."""


async def mint(issuer: Issuer, client: Client, authorization: Authorization, plan: TokenPlan) -> Minted:
    """Make the tokens and the response. Raises InvalidGrant, ServerError, TemporarilyUnavailable."""
    now, grant = int(issuer.clock()), authorization.grant
    issuer.store.self_registrations.note_use(client, issuer.settings.registration_idle_lifetime)
    registered = issuer.store.resources.known
    lifetime = authorization.lifetime or client.access_token_lifetime or issuer.settings.access_token_lifetime
    if registered and not authorization.lifetime:
        lifetime = lifetime_of(issuer, client, authorization.granted.audience)
    exchange = authorization.exchange
    if exchange is not None:
        lifetime = within(exchange, lifetime, now)
    opaque = new_credential(ACCESS_TOKEN, plan.grant_id, issuer.random_text)
    credential = Credential(ACCESS_TOKEN, plan.grant_id, hashed(opaque))
    refresh = new_refresh_token(issuer, client, authorization, plan, now)
    about: Mapping[str, Any] = {}
    is_kept = True
    if may_have_user_claims(issuer, client):
        about, is_kept = await claims_of_token(issuer, client, grant, authorization.granted.scope)
    access = _AccessToken(opaque)
    in_a_profile = client.access_token_format is not None or issuer.settings.resource_tokens or registered
    if in_a_profile or exchange is not None:
        contents = _contents(authorization, about, now, now + lifetime)
        profile = _profile(issuer, client, contents, exchange)
        access = await _in_profile(issuer, client, profile, contents, credential, opaque)
    id_token = ""
    if plan.has_id_token and wants_id_token(issuer, grant):
        id_token = await _id_token(issuer, client, authorization, plan, access.text, refresh.token)
    grant_id = plan.grant_id if issuer.settings.grant_management and grant.subject and exchange is None else ""
    issued = Issued(
        content=_response(client, authorization, access, lifetime, refresh.token, id_token, grant_id),
        grant=grant,
        grant_id=plan.grant_id,
        access_hash=credential.hash,
        access_token=access.text,
        access_token_ends_at=now + lifetime,
        refresh_token=refresh.token,
        refresh_token_ends_at=refresh.ends_at if refresh.token else NEVER,
        scope=authorization.granted.scope,
        audience=authorization.granted.audience,
        id_token=id_token,
        is_stateless=access.is_stateless,
    )
    kept = {} if is_kept else about
    return Minted(issued, _to_keep(authorization, credential, refresh, kept, now, now + lifetime))


async def _id_token(
    issuer: Issuer, client: Client, authorization: Authorization, plan: TokenPlan, access: str, refresh: str
) -> str:
    """Return the ID token for these tokens."""
    added = authorization.added.id_token
    if plan.auth_req_id:
        added = added | delivered_claims(issuer, client, plan.auth_req_id, refresh)
    return await mint_id_token(
        issuer,
        client,
        authorization.grant,
        plan.grant_id,
        nonce=plan.nonce,
        access_token=access,
        claims=await claims_of_id_token(issuer, client, authorization.grant, authorization.granted.scope),
        added=added,
    )


def _to_keep(
    authorization: Authorization,
    access: Credential,
    refresh: NewRefreshToken,
    about: Mapping[str, Any],
    now: int,
    ends_at: int,
) -> NewTokens:
    """Return what the store keeps of the tokens."""
    return NewTokens(
        access=access,
        access_record=_access_record(authorization, now, about),
        access_ends_at=ends_at,
        refresh_hash=refresh.hash or access.hash,
        refresh_record=refresh.record,
        refresh_ends_at=refresh.ends_at,
        grant_ends_at=_last_end(ends_at, refresh),
        subject=authorization.grant.subject,
        client_id=authorization.grant.client_id,
        now=now,
    )


def _last_end(access_ends_at: int, refresh: NewRefreshToken) -> int:
    """Return when the last of both tokens ends, 0 = never."""
    if not refresh.record:
        return access_ends_at
    return max(access_ends_at, refresh.ends_at) if refresh.ends_at else NEVER


def _contents(authorization: Authorization, about: Mapping[str, Any], now: int, ends_at: int) -> AccessTokenContents:
    """Return the contents of a JWT. ``about`` are claims about the user."""
    grant, own = authorization.grant, authorization.properties
    return AccessTokenContents(
        grant=msgspec.structs.replace(grant, properties=grant.properties + own) if own else grant,
        granted=authorization.granted,
        now=now,
        ends_at=ends_at,
        added={**authorization.added.access_token, **about},
        binding=authorization.binding,
    )


def within(exchange: Exchange, lifetime: int, now: int) -> int:
    """Limit a lifetime in seconds to that of the tokens that are exchanged. Raises InvalidRequest where one is over."""
    if not exchange.ends_at:
        return lifetime
    if exchange.ends_at <= now:
        raise InvalidRequest("A token to be exchanged has expired.")
    return min(lifetime, exchange.ends_at - now)


def _profile(
    issuer: Issuer, client: Client, contents: AccessTokenContents, exchange: Exchange | None
) -> AccessTokenProfile:
    """Return the profile that client or resource wants; an exchanged token is always stored, and a JWT if one is asked for."""
    is_client_grant = not contents.grant.subject and exchange is None
    profile = profile_for(issuer, client, contents.granted.audience, is_client_grant=is_client_grant)
    if exchange is None or exchange.issued_type is not TokenType.JWT:
        return profile
    return msgspec.structs.replace(profile, format=AccessTokenFormat.JWT)


async def _in_profile(
    issuer: Issuer,
    client: Client,
    profile: AccessTokenProfile,
    contents: AccessTokenContents,
    credential: Credential,
    opaque: str,
) -> _AccessToken:
    """Return the access token in the format that its client or resource wants."""
    if profile.format is AccessTokenFormat.OPAQUE:
        return _AccessToken(opaque)
    is_stateless = profile.format is AccessTokenFormat.STATELESS
    jti = stateless_handle(issuer) if is_stateless else handle_of(credential)
    signed = await mint_access_jwt(issuer, client, profile, contents, jti)
    if profile.format is AccessTokenFormat.BOTH:
        return _AccessToken(opaque, jwt=signed)
    return _AccessToken(signed, is_stateless=is_stateless)


def _access_record(authorization: Authorization, now: int, about: Mapping[str, Any]) -> bytes:
    """Return the record: how it differs from a user's grant, or the whole of a client grant.

    ``about`` are claims about the user that the grant does not hold.
    """
    grant = authorization.grant
    properties = authorization.properties
    if authorization.added is not NOTHING_ADDED:
        properties += _properties(authorization.added)
    if about:
        properties += tuple(Property(name, value, in_introspection=True) for name, value in about.items())
    if authorization.exchange is not None and authorization.exchange.sources:
        return AccessToken(
            now,
            authorization.granted.scope,
            authorization.granted.audience,
            grant=grant,
            properties=properties,
            members=authorization.granted.members,
            binding=authorization.binding,
            sources=authorization.exchange.sources,
        ).encode()
    if not grant.subject:
        return AccessToken(now, grant=grant, properties=properties, binding=authorization.binding).encode()
    scope = None if authorization.granted.scope == grant.scope else authorization.granted.scope
    audience = None if authorization.granted.audience == grant.audience else authorization.granted.audience
    members = None if authorization.granted.members == grant.members else authorization.granted.members
    return AccessToken(
        now, scope, audience, properties=properties, members=members, binding=authorization.binding
    ).encode()


def _properties(added: Added) -> tuple[Property, ...]:
    """Return what introspection is to say of this token."""
    claims = {**added.access_token, **added.introspection}
    return tuple(Property(name, value, in_introspection=True) for name, value in claims.items())


def _response(
    client: Client,
    authorization: Authorization,
    access: _AccessToken,
    lifetime: int,
    refresh: str,
    id_token: str,
    grant_id: str,
) -> bytes:
    """Return the body of RFC 6749 5.1, public custom properties first so that no registered member can be overridden."""
    grant = authorization.grant
    body: dict[str, Any] = {}
    if client.properties or grant.properties or authorization.properties:
        body = {
            member.name: member.value
            for member in (*client.properties, *grant.properties, *authorization.properties)
            if member.in_token_response and member.name not in TOKEN_RESPONSE_MEMBERS
        }
    if authorization.added is not NOTHING_ADDED:
        body |= authorization.added.token_response
    if authorization.granted.members:
        body |= {name: value for name, value in authorization.granted.members.items() if name in TOKEN_RESPONSE_MEMBERS}
    body["access_token"] = access.text
    body["token_type"] = authorization.binding.token_type
    body["expires_in"] = lifetime
    if authorization.exchange is not None:
        body["issued_token_type"] = authorization.exchange.issued_type.value
    if refresh:
        body["refresh_token"] = refresh
    if access.jwt:
        body["access_token_jwt"] = access.jwt
    if id_token:
        body["id_token"] = id_token
    if grant_id:
        body["grant_id"] = grant_id
    if authorization.granted.scope:
        body["scope"] = authorization.granted.scope
    return orjson.dumps(body)
