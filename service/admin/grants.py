"""Grants: started with a code on a user's behalf, listed, shown, revoked."""

import logging
import re
from typing import Annotated, NamedTuple

import msgspec
from pydantic import Field

from service.admin import clients, users
from service.admin.audit import audited
from service.admin.errors import InvalidInput, NotFound
from service.admin.input import Input, Name, Properties
from service.admin.paging import Listing, cursor_checked, offset
from service.admin.users import UserName
from service.grants.beginning_grants import fresh_authorization
from service.hooks.facts import Revoked, about_revoked
from service.issuer import Issuer
from service.observe.events import Event
from service.protocol import pkce, redirect_uris
from service.protocol.checked_types import Identifier
from service.protocol.credentials import GRANT_ID_LENGTH
from service.protocol.errors import ProtocolError, TemporarilyUnavailable
from service.protocol.names import GrantTypeName, HookEvent
from service.protocol.requested import Requested
from service.records.authorization_code import AuthorizationCode
from service.records.client import Client
from service.records.grant import Grant
from service.records.user import User
from service.store.grants import ListedGrant
from service.tokens import authorization_codes
from service.tokens.id_tokens import read_hint
from service.tokens.user_claims import with_claims

log = logging.getLogger(__name__)

GrantId = Annotated[Name, Field(description="The 22 characters after mm_at_ or mm_rt_ in a token.")]
_GRANT_ID = re.compile(rf"[A-Za-z0-9_-]{{{GRANT_ID_LENGTH}}}", re.ASCII)


class CodeInput(Input):
    """An authorization request (RFC 6749 4.1.1, RFC 7636 4.3, RFC 8707 2), as an operator makes it for a user."""

    client: Annotated[Identifier, Field(description="client_id, or alias.")]
    user: Annotated[str, Field(description="Username, or subject.")]
    scope: str | None = None
    redirect_uri: str | None = None
    code_challenge: str | None = None
    code_challenge_method: str | None = None
    resources: tuple[str, ...] = ()
    properties: Properties = ()


class KnownGrant(NamedTuple):
    """A grant that is valid, or will be again."""

    grant_id: str
    grant: Grant
    ends_at: int
    """Epoch seconds, 0 = never."""
    active: bool
    """False while its client is disabled."""
    access_hash: str = ""
    """The hash of the one access token of the grant (client_credentials), where the list knows it."""


# starting a grant


@audited("grant.issue_code", "user:given.user", "client:given.client")
async def issue_code(issuer: Issuer, given: CodeInput) -> authorization_codes.Code:
    """Issue an authorization code for a user, by the rules of the authorization endpoint. Raises NotFound, InvalidInput."""
    client = await clients.get_client(issuer, given.client)
    user = await users.get_user(issuer, given.user)
    _check_parties(client, user)
    try:
        record = _code_record(issuer, client, given)
        grant = await with_claims(issuer, client, _grant(issuer, client, user, given), user.released_claims)
        code = await authorization_codes.issue_code(issuer, client, grant, record)
    except TemporarilyUnavailable:
        raise
    except ProtocolError as error:
        raise InvalidInput(f"{error.error}: {error.description}") from error
    log.info(
        Event.CODE_ISSUED, extra={"client_id": client.client_id, "subject": user.subject, "grant_id": code.grant_id}
    )
    return code


def _check_parties(client: Client, user: User) -> None:
    if not client.enabled:
        raise InvalidInput(f"client {client.client_id} is disabled; `mintmark client enable` lets it in again")
    if GrantTypeName.AUTHORIZATION_CODE not in client.grant_types:
        raise InvalidInput(f"client {client.client_id} is not registered for the grant type authorization_code")
    if not user.enabled:
        raise InvalidInput(f"user {user.username} is disabled; `mintmark user enable` lets them in again")


def _code_record(issuer: Issuer, client: Client, given: CodeInput) -> AuthorizationCode:
    """Return the record of a code, with what the token request will have to prove."""
    method = pkce.check_challenge(
        given.code_challenge,
        given.code_challenge_method,
        plain_allowed=client.allow_plain_pkce,
        required=client.public or client.require_pkce or issuer.settings.require_pkce,
    )
    return AuthorizationCode(
        redirect_uri=redirect_uris.resolve(given.redirect_uri, client.redirect_uris),
        redirect_uri_given=given.redirect_uri is not None,
        code_challenge=given.code_challenge,
        code_challenge_method=method,
    )


def _grant(issuer: Issuer, client: Client, user: User, given: CodeInput) -> Grant:
    name = GrantTypeName.AUTHORIZATION_CODE
    fresh = fresh_authorization(
        issuer, client, name, Requested(given.scope, given.resources), subject=user.subject, username=user.username
    )
    return msgspec.structs.replace(fresh.grant, properties=tuple(member.record() for member in given.properties))


# reading


async def list_of_user(issuer: Issuer, user: str, cursor: str = "", limit: int = 100) -> Listing[KnownGrant]:
    """Return a page of a user's grants, by when they end. Raises NotFound, InvalidInput for a bad cursor."""
    return await list_of_subject(issuer, (await users.get_account(issuer, user)).subject, cursor, limit)


async def list_of_subject(issuer: Issuer, subject: str, cursor: str = "", limit: int = 100) -> Listing[KnownGrant]:
    """Return the same for a subject that may be in another directory. Raises InvalidInput for a bad cursor."""
    offset(cursor)
    page = await issuer.store.grants.list_of_user(subject, cursor, limit)
    return Listing(await _known(issuer, page.grants), page.cursor)


async def list_of_client(issuer: Issuer, client: str, cursor: str = "", limit: int = 100) -> Listing[KnownGrant]:
    """Return a page of a client's grants in no order; reads some ``10 × limit`` keys. Raises NotFound, InvalidInput."""
    client_id = (await clients.get_client(issuer, client)).client_id
    return await list_of_client_id(issuer, client_id, cursor, limit)


async def list_of_client_id(
    issuer: Issuer, client_id: str | None, cursor: str = "", limit: int = 100
) -> Listing[KnownGrant]:
    """Return the same for a client that is known already; None: grants of all clients. Raises InvalidInput."""
    with cursor_checked(cursor):
        page = await issuer.store.grants.list_of_client(client_id, cursor, limit)
    return Listing(await _known(issuer, page.grants), page.cursor)


async def get_grant(issuer: Issuer, grant_id: GrantId) -> KnownGrant:
    """Return a grant. That of a client_credentials token is searched for among all keys of a server. Raises NotFound."""
    _check_id(grant_id)
    listed = await issuer.store.grants.open(grant_id) or await issuer.store.grants.open_client_grant(grant_id)
    known = await _known(issuer, [listed] if listed else [])
    if not known:
        raise _no_grant(grant_id)
    return known[0]


async def open_by_id_token(
    issuer: Issuer, id_token: Annotated[str, Field(min_length=1, max_length=16_384)]
) -> KnownGrant:
    """Return the living grant that one of our ID tokens, expired or not, was issued from (IA-37). Raises NotFound."""
    if issuer.keyring is None:
        raise InvalidInput(
            "there is no key to verify ID tokens with: set master_key or signing_key_files as the server has it"
        )
    hint = await read_hint(issuer, id_token.strip())
    if hint is None:
        raise NotFound("that is no ID token that was issued here, or its key is no longer known")
    return await get_grant(issuer, hint.grant_id)


# ending


@audited("grant.revoke", "grant:grant_id")
async def revoke_grant(issuer: Issuer, grant_id: GrantId) -> None:
    """End a grant and everything it issued. Raises NotFound."""
    _check_id(grant_id)
    grants = issuer.store.grants
    listed = await grants.open(grant_id)
    subject = listed.grant.subject if listed else ""
    client_id = listed.grant.client_id if listed else ""
    facts = about_revoked(Revoked.GRANT, "revoked_by_operator", grant_id=grant_id, subject=subject, client_id=client_id)
    async with issuer.hooks.notifying(HookEvent.REVOKED, **facts):
        if not await grants.revoke(grant_id, subject) and not await grants.revoke_client_grant(grant_id):
            raise _no_grant(grant_id)
    log.info(Event.GRANT_REVOKED, extra={"grant_id": grant_id, "subject": subject})


@audited("grant.revoke_of_user", "user:user", "client:client")
async def revoke_of_user(
    issuer: Issuer,
    user: UserName,
    client: Annotated[Name | None, Field(description="Only those to this client: client_id, or alias.")] = None,
) -> int:
    """End every grant of a user, or those to one client; return exactly how many were alive (IA-40). Raises NotFound."""
    subject = (await users.get_account(issuer, user)).subject
    client_id = (await clients.get_client(issuer, client)).client_id if client is not None else None
    return await revoke_of_subject(issuer, subject, client_id)


@audited("grant.revoke_of_user", "user:subject", "client:client_id")
async def revoke_of_subject(
    issuer: Issuer, subject: str, client_id: str | None = None, reason: str = "revoked_by_operator"
) -> int:
    """Do the same for a subject that may be in another directory, and a client that may be gone; the reason is for hooks."""
    grants = issuer.store.grants
    await issuer.store.consents.forget(subject, client_id)  # otherwise it could be granted again without consent
    facts = about_revoked(Revoked.USER, reason, subject=subject, client_id=client_id)
    async with issuer.hooks.notifying(HookEvent.REVOKED, **facts) as notification:
        if client_id is None:
            ended = await grants.revoke_user(subject)
        else:
            ended = await grants.revoke_of_client(subject, client_id)
        notification.add(grants_ended=ended)
    log.info(Event.USER_REVOKED, extra={"subject": subject, "client_id": client_id, "grants_ended": ended})
    return ended


# internals


def is_grant_id(text: str) -> bool:
    """Whether a text has the form of a grant id, as it becomes part of a search pattern, where nothing else is allowed."""
    return _GRANT_ID.fullmatch(text) is not None


def _check_id(grant_id: str) -> None:
    if not is_grant_id(grant_id):
        raise NotFound("a grant id has 22 letters, digits, - and _: the ones right after mm_at_ or mm_rt_ in a token")


def _no_grant(grant_id: str) -> NotFound:
    return NotFound(f"there is no grant {grant_id}: it was ended, or has expired")


async def _known(issuer: Issuer, listed: list[ListedGrant]) -> list[KnownGrant]:
    """Return those that are valid or will be again, without those whose client was deleted or revoked."""
    known = []
    for grant_id, grant, ends_at, access_hash in listed:
        client = await issuer.store.clients.get(grant.client_id)
        if client is not None and grant.client_generation >= client.generation:
            known.append(KnownGrant(grant_id, grant, ends_at, client.grant_is_current(grant), access_hash))
    return known
