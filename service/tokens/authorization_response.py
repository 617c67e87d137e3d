"""The authorization response: code, access token and ID token, as the response type says."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from service.issuer import Issuer
from service.protocol.authorization_request import AuthorizationRequest
from service.protocol.credentials import new_grant_id
from service.protocol.errors import AccessDenied, InvalidGrant
from service.protocol.names import GrantTypeName
from service.protocol.requested import Granted
from service.records.authorization_code import AuthorizationCode
from service.records.client import Client
from service.records.grant import Grant
from service.store.user_index import CountedAs
from service.tokens.authorization import Authorization, granted_by
from service.tokens.authorization_codes import issue_code
from service.tokens.ending import ended_unless_answered
from service.tokens.id_tokens import mint_id_token
from service.tokens.members import GRANT_MEMBERS, for_audience
from service.tokens.spendable import TokenPlan
from service.tokens.token_hooks import with_hooks
from service.tokens.token_response import Minted, mint
from service.tokens.user_claims import with_claims


class AuthorizationResponse(NamedTuple):
    """The parameters of a successful authorization response."""

    fields: dict[str, str]
    grant_id: str
    """The grant's id, by which it can be ended; "" where nothing is stored."""
    access_token_ends_at: int = 0
    """Epoch seconds, 0 without an access token."""


async def answer_authorization(
    issuer: Issuer,
    client: Client,
    grant: Grant,
    request: AuthorizationRequest,
    claims: Mapping[str, Any],
    lifetime: int = 0,
) -> AuthorizationResponse:
    """Make code, access token and ID token as the response type says (RFC 6749 4.1.2 and 4.2.2, OpenID Connect Core 3).

    Args:
        issuer: Ours.
        client: The client.
        grant: What the user allowed.
        request: The authorization request.
        claims: About the user, for an ID token without an access token (Core 5.4).
        lifetime: Of an access token in seconds, 0 = the client's.

    Raises:
        AccessDenied: The user is disabled.
        TemporarilyUnavailable: Redis or a hook is.
    """
    grant_id = new_grant_id(issuer.random_text)
    is_one = len(request.response_type.parts) == 1  # of which nothing is left where it cannot be made
    try:
        async with ended_unless_answered(issuer, "" if is_one else grant_id, grant.subject):
            return await _respond(issuer, client, grant, request, claims, lifetime, grant_id)
    except InvalidGrant as error:
        raise AccessDenied("The user may not sign in.", log=error.log) from error


async def _respond(
    issuer: Issuer,
    client: Client,
    grant: Grant,
    request: AuthorizationRequest,
    claims: Mapping[str, Any],
    lifetime: int,
    fresh_id: str,
) -> AuthorizationResponse:
    issuer.store.self_registrations.note_use(client, issuer.settings.registration_idle_lifetime)
    parts, fields, grant_id, ends_at = request.response_type.parts, {}, "", 0
    grant = await with_claims(issuer, client, grant)
    authorization = Authorization(grant, for_audience(granted_by(grant)), lifetime=lifetime)
    if issuer.hooks.asks_claims and parts & {"token", "id_token"}:  # for a code they are asked at the token endpoint
        authorization = await with_hooks(issuer, client, authorization, fresh_id, GrantTypeName.IMPLICIT)
    if "code" in parts:
        code = await issue_code(issuer, client, grant, _record_of_code(request), fresh_id)
        grant_id, fields["code"] = code.grant_id, code.code
    if "token" in parts:
        minted = await _issue_access_token(issuer, client, authorization, fresh_id, begins=not grant_id)
        grant_id, ends_at = fresh_id, minted.new.access_ends_at
        fields |= {
            "access_token": minted.issued.access_token,
            "token_type": authorization.binding.token_type,
            "expires_in": str(ends_at - minted.new.now),
            "scope": minted.issued.scope,
            **_granted_members(authorization.granted),
        }
    if "id_token" in parts:
        fields["id_token"] = await mint_id_token(
            issuer,
            client,
            grant,
            fresh_id,
            nonce=request.nonce,
            access_token=fields.get("access_token", ""),
            code=fields.get("code", ""),
            state=request.state if issuer.demands_on(client).state_hash else None,
            claims=claims if parts == {"id_token"} else None,
            added=authorization.added.id_token,
        )
    return AuthorizationResponse({name: value for name, value in fields.items() if value}, grant_id, ends_at)


def _granted_members(granted: Granted) -> dict[str, str]:
    """Return what the access token is for in addition to its scope, as JSON texts (RFC 9396 section 7)."""
    members = granted.members or {}
    return {name: orjson.dumps(value).decode() for name, value in members.items() if name in GRANT_MEMBERS}


def _record_of_code(request: AuthorizationRequest) -> AuthorizationCode:
    return AuthorizationCode(
        request.redirect_uri,
        request.redirect_uri_given,
        request.code_challenge,
        request.code_challenge_method,
        request.nonce,
        with_access_token="token" in request.response_type.parts,
        binding=request.binding,
    )


async def _issue_access_token(
    issuer: Issuer, client: Client, authorization: Authorization, grant_id: str, *, begins: bool
) -> Minted:
    """Issue an access token from the authorization endpoint, with a code or without; never a refresh token (RFC 6749 4.2.2)."""
    minted = await mint(issuer, client, authorization, TokenPlan(grant_id, refreshes_left=0))
    tokens = issuer.store.tokens
    kept = await (
        tokens.issue(authorization.grant, minted.new, CountedAs.PASSING) if begins else tokens.add(minted.new)
    )
    if not kept:
        raise InvalidGrant(log="user is disabled, or the grant was ended meanwhile")
    return minted
