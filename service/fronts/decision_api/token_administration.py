"""Calls to create tokens without a flow, and to change, delete, revoke and list them.

Authlete's hash of a token is its handle here (see ``admin.tokens``), with the id of the grant in front, so that one read finds
it. The list does not know the single access tokens of a grant: there the id of the grant stands for all of them, and deleting
it ends all that the grant issued.
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import msgspec
import orjson
from pydantic import Field

from service.admin import client_ending, grants, tokens
from service.admin.client_numbers import find_client, number_of
from service.admin.errors import AdminError, NotAllowed, NotFound
from service.admin.grants import KnownGrant
from service.admin.token_changes import TokenChanges, update_token
from service.admin.tokens import Created, TokenInput
from service.fronts.decision_api import client_json
from service.fronts.decision_api.body import (
    NO_CHOSEN_VALUES,
    NO_JWT_CLAIMS,
    Duration,
    PropertiesBody,
    Subject,
    Text,
    Words,
    properties_json,
)
from service.fronts.decision_api.call import NO_CONTENT, Body, Call, CallError, CallResult, Route, milliseconds
from service.fronts.decision_api.callers_directory import with_callers_directory
from service.fronts.decision_api.client_json import WORD_OF_GRANT_TYPE, enum_name
from service.fronts.decision_api.issued import kept_properties
from service.fronts.decision_api.result_codes import ResultCode
from service.fronts.decision_api.windows import WindowBody, read_window
from service.issuer import Issuer
from service.protocol.binding import UNBOUND
from service.protocol.credentials import Kind
from service.records.client import Client
from service.store.grant_updates import GrantSnapshot
from service.store.grants import LiveRefreshToken

_LATEST = 253_402_300_799_999
_PAGE = 200
_STAYS_BOUND = "what a token is bound to stays; delete it and create another one"

Milliseconds = Annotated[int, Field(ge=0, le=_LATEST)]
"""Epoch milliseconds; 0: unchanged."""


class _TokenBody(Body):
    """Members of both requests."""

    access_token_persistent: bool = False
    certificate_thumbprint: Text = ""
    dpop_key_thumbprint: Text = ""
    authorization_details: Any = None
    for_external_attachment: bool = False
    UNSUPPORTED: ClassVar[Mapping[str, str]] = {
        "access_token_persistent": "every access token ends; give it a long duration instead",
        "authorization_details": "there are no authorization details here",
        "for_external_attachment": "there are no external attachments here",
    }


class CreateBody(_TokenBody):
    """The tokens to create."""

    grant_type: Text = ""
    client_id: int | Text = ""
    """The number, client_id or alias of the client."""
    subject: Text = ""
    scopes: Words | None = None
    access_token_duration: Duration = 0
    refresh_token_duration: Duration = 0
    properties: PropertiesBody = ()
    resources: Words = ()
    acr: Text = ""
    auth_time: Annotated[int, Field(ge=0, le=_LATEST // 1000)] = 0
    """Epoch seconds."""
    access_token: Any = None
    refresh_token: Any = None
    jwt_at_claims: Any = None
    UNSUPPORTED: ClassVar[Mapping[str, str]] = {
        **_TokenBody.UNSUPPORTED,
        "access_token": NO_CHOSEN_VALUES,
        "refresh_token": NO_CHOSEN_VALUES,
        "jwt_at_claims": NO_JWT_CLAIMS,
    }
    CORE_NAMES: ClassVar[Mapping[str, str]] = {
        "client": "clientId",
        "grant_type": "grantType",
        "access_token_lifetime": "accessTokenDuration",
        "refresh_token_lifetime": "refreshTokenDuration",
        "auth_time": "authTime",
        "dpop_jkt": "dpopKeyThumbprint",
        "x5t_s256": "certificateThumbprint",
    }


class UpdateTokenBody(_TokenBody):
    """The changes of a token."""

    access_token: Text = ""
    access_token_hash: Text = ""
    token_id: Text = ""
    access_token_expires_at: Milliseconds = 0
    refresh_token_expires_at: Milliseconds = 0
    scopes: Words | None = None
    properties: PropertiesBody | None = None
    access_token_value_updated: bool = False
    UNSUPPORTED: ClassVar[Mapping[str, str]] = {
        **_TokenBody.UNSUPPORTED,
        "access_token_value_updated": "a token keeps its value; delete it and create another one",
        "certificate_thumbprint": _STAYS_BOUND,
        "dpop_key_thumbprint": _STAYS_BOUND,
    }
    CORE_NAMES: ClassVar[Mapping[str, str]] = {
        "ends_at": "accessTokenExpiresAt",
        "refresh_ends_at": "refreshTokenExpiresAt",
    }


class RevokeBody(Body):
    """A token or its hash; or a user, a client or both, for all their tokens."""

    access_token_identifier: Text = ""
    refresh_token_identifier: Text = ""
    client_identifier: Text = ""
    subject: Subject = ""


class ListTokensBody(WindowBody):
    """The user and client whose grants are listed; all grants without either."""

    client_identifier: Text = ""
    subject: Subject = ""


# creating and changing


async def create(call: Call, body: CreateBody) -> CallResult:
    """Issue tokens for a client without a flow: actions OK, BAD_REQUEST, and FORBIDDEN for what the client may not have."""
    body.check_supported()
    try:
        client = await find_client(call.issuer, body.client_id or "")
        created = await tokens.create_token(with_callers_directory(call.issuer), _input(client, body))
    except AdminError as error:
        return _refused(body, error, ResultCode.NOT_FOUND, "BAD_REQUEST")
    issued = created.issued
    facts = {"client_id": client.client_id, "subject": issued.grant.subject, "grant_id": issued.grant_id}
    return CallResult(ResultCode.TOKEN_CREATED, await _created(call.issuer, created), "OK", facts=facts)


def _input(client: Client, body: CreateBody) -> TokenInput:
    return TokenInput.read(
        {
            "client": client.client_id,
            "grant_type": WORD_OF_GRANT_TYPE.get(body.grant_type, body.grant_type),
            "subject": body.subject or None,
            "scopes": body.scopes,
            "resources": body.resources,
            "properties": _records(body.properties),
            "access_token_lifetime": body.access_token_duration or None,
            "refresh_token_lifetime": body.refresh_token_duration or None,
            "acr": body.acr,
            "auth_time": body.auth_time,
            "dpop_jkt": body.dpop_key_thumbprint or None,
            "x5t_s256": body.certificate_thumbprint or None,
        }
    )


async def _created(issuer: Issuer, created: Created) -> dict[str, Any]:
    issued, grant, body = created.issued, created.issued.grant, orjson.loads(created.issued.content)
    return {
        "grantType": enum_name(grant.grant_type),
        "clientId": await number_of(issuer, created.client),
        "subject": grant.subject or None,
        "scopes": issued.scope.split(),
        "accessToken": issued.access_token,
        "tokenType": body["token_type"],
        "expiresIn": body["expires_in"],
        "expiresAt": milliseconds(issued.access_token_ends_at),
        "refreshToken": issued.refresh_token or None,
        "refreshTokenScopes": grant.scope.split() if issued.refresh_token else None,
        "properties": properties_json(kept_properties(issued)),
        "jwtAccessToken": body.get("access_token_jwt"),
        "resources": list(issued.audience),
        "tokenId": None if issued.is_stateless else issued.grant_id + issued.access_hash,
    }


async def update(call: Call, body: UpdateTokenBody) -> CallResult:
    """Change a token, all or nothing: actions OK, BAD_REQUEST, NOT_FOUND, and FORBIDDEN for what the client may not have."""
    body.check_supported()
    identifier = body.access_token or body.access_token_hash or body.token_id
    try:
        changes = TokenChanges.read(
            {
                "scopes": body.scopes,
                "properties": None if body.properties is None else _records(body.properties),
                "ends_at": _seconds(body.access_token_expires_at),
                "refresh_ends_at": _seconds(body.refresh_token_expires_at),
            }
        )
        held = await update_token(call.issuer, identifier, changes)
    except AdminError as error:
        return _refused(body, error, ResultCode.TOKEN_NOT_FOUND, "NOT_FOUND")
    facts = {"client_id": held.grant.client_id, "subject": held.grant.subject, "grant_id": held.grant_id}
    return CallResult(ResultCode.TOKEN_UPDATED, _updated(body, held), "OK", facts=facts)


def _seconds(end: int) -> int | None:
    """Return an end in epoch seconds; None for 0, which leaves it unchanged, but never for a time in the first second."""
    return max(1, end // 1000) if end else None


def _updated(body: UpdateTokenBody, held: GrantSnapshot) -> dict[str, Any]:
    own = held.access.scope if held.access else None
    return {
        "accessToken": body.access_token or None,
        "tokenType": (held.access.binding if held.access else UNBOUND).token_type,
        "accessTokenExpiresAt": milliseconds(held.access_ends_at),
        "refreshTokenExpiresAt": milliseconds(held.refresh_ends_at),
        "scopes": (held.grant.scope if own is None else own).split(),
        "properties": properties_json(held.grant.properties),
        "tokenId": held.grant_id + held.access_hash,
    }


def _refused(body: Body, error: AdminError, missing: ResultCode, action: str) -> CallResult:
    """Return the answer to a refused operation; ``missing`` and ``action`` are those for what does not exist."""
    if isinstance(error, NotFound):
        return CallResult(missing, action=action)
    if isinstance(error, NotAllowed):
        return CallResult(ResultCode.FORBIDDEN, action="FORBIDDEN", detail=body.renamed(str(error)))
    return CallResult(ResultCode.REFUSED, action="BAD_REQUEST", detail=body.renamed(str(error)))


def _records(properties: PropertiesBody) -> list[dict[str, Any]]:
    return [msgspec.structs.asdict(member.record()) for member in properties]


# ending


async def delete(call: Call, _: Body) -> CallResult:
    """End a token, given by itself or its hash, and all that its grant issued."""
    if not await tokens.end_token(call.issuer, call.path["token"]):
        raise CallError(ResultCode.TOKEN_NOT_FOUND, status=404)
    return NO_CONTENT


async def revoke(call: Call, body: RevokeBody) -> CallResult:
    """End tokens. ``count`` is the number of grants, or -1 for all of a client, which end in one step without a count."""
    issuer = call.issuer
    if identifier := body.access_token_identifier:
        return _revoked(int(await tokens.end_token(issuer, identifier, Kind.ACCESS_TOKEN)))
    if identifier := body.refresh_token_identifier:
        return _revoked(int(await tokens.end_token(issuer, identifier, Kind.REFRESH_TOKEN)))
    if not body.client_identifier and not body.subject:
        raise CallError(ResultCode.MALFORMED, "Name a token, a client or a subject.")
    client = await find_client(issuer, body.client_identifier) if body.client_identifier else None
    if body.subject:
        return _revoked(await grants.revoke_of_subject(issuer, body.subject, client.client_id if client else None))
    await client_ending.revoke_client(issuer, client.client_id if client else "")
    return _revoked(-1, "All that was issued to the client is ended; how much that was is not counted.")


def _revoked(count: int, detail: str = "") -> CallResult:
    return CallResult(ResultCode.TOKENS_REVOKED, {"count": count}, detail=detail)


# listing


async def get_list(call: Call, body: ListTokensBody) -> CallResult:
    """Return living grants by user, by client, or all, with hashes instead of tokens."""
    issuer, subject = call.issuer, body.subject
    client = await find_client(issuer, body.client_identifier) if body.client_identifier else None
    client_id = client.client_id if client else None

    async def page_at(cursor: str) -> tuple[list[KnownGrant], str]:
        listed = grants.list_of_subject(issuer, subject, cursor, _PAGE) if subject else None
        page = await (listed or grants.list_of_client_id(issuer, client_id, cursor, _PAGE))
        return [known for known in page.rows if client_id in (None, known.grant.client_id)], page.cursor

    window = await read_window(page_at, body)
    members = {
        **window.members(body),
        "client": await client_json.describe(issuer, client) if client else None,
        "subject": subject or None,
        "accessTokens": await _rows(issuer, list(window.items)),
    }
    return CallResult(members=members, detail=window.detail)


async def _rows(issuer: Issuer, known: list[KnownGrant]) -> list[dict[str, Any]]:
    refreshing = await issuer.store.grants.live_refresh_tokens([one.grant_id for one in known])
    numbers: dict[str, int] = {}
    for client_id in {one.grant.client_id for one in known}:
        client = await issuer.store.clients.get(client_id)
        numbers[client_id] = await number_of(issuer, client) if client else 0
    return [_row(one, live, numbers[one.grant.client_id]) for one, live in zip(known, refreshing, strict=True)]


def _row(known: KnownGrant, live: LiveRefreshToken | None, number: int) -> dict[str, Any]:
    """Return a grant.

    ``accessTokenExpiresAt`` is 0 where the grant is more than one access token (client_credentials), as no record of it says
    which is the newest. ``lastRefreshedAt`` stays 0 where the refresh token stays the same, as no record says when it was used.
    """
    grant = known.grant
    return {
        "accessTokenHash": known.grant_id + known.access_hash,
        "refreshTokenHash": known.grant_id + live.hash if live else None,
        "clientId": number,
        "subject": grant.subject or None,
        "grantType": enum_name(grant.grant_type),
        "scopes": grant.scope.split(),
        "accessTokenExpiresAt": milliseconds(known.ends_at) if known.access_hash else 0,
        "refreshTokenExpiresAt": milliseconds(live.ends_at) if live else 0,
        "createdAt": milliseconds(grant.began_at),
        "lastRefreshedAt": milliseconds(live.issued_at) if live and live.replaced_another else 0,
        "properties": properties_json(grant.properties),
        "refreshTokenScopes": grant.scope.split() if live else None,
    }


ROUTES = (
    Route("/auth/token/create", create, CreateBody),
    Route("/auth/token/update", update, UpdateTokenBody),
    Route("/auth/token/delete/{token}", delete, methods=("DELETE",)),
    Route("/auth/token/revoke", revoke, RevokeBody),
    Route("/auth/token/get/list", get_list, ListTokensBody, ("GET",)),
)
