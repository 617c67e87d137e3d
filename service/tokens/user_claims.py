"""Claims about a user in access tokens, their introspection, and ID tokens: which they are, and where they come from.

A client has them by its own list (``access_token_claims``), by the setting of the same name for a scope that it was granted,
or, roles and the like, by a scope that means them (RFC 9068 section 2.2.3.1). Claims from the built-in directory are read when
a grant begins and stored in it, so that tokens cost no further round trip; when a user's claims are changed, so are their
grants (``admin.user_claims``). A directory behind a webhook is asked for each token, as it does not report changes.

ID tokens have those of the client's ``id_token_claims`` that the granted scopes mean. Without that list they are only at
UserInfo (OpenID Connect Core 5.4), which some relying parties do not read.
"""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from service.issuer import Issuer
from service.protocol.claims import claims_of_scopes, present
from service.protocol.errors import InvalidGrant
from service.protocol.names import INTROSPECTION_MEMBERS
from service.records.client import Client
from service.records.grant import Grant

_PERSON = frozenset({"roles", "groups", "entitlements"})


def may_have_user_claims(issuer: Issuer, client: Client) -> bool:
    """Whether any token of this client can have such claims: all others only pay for this check."""
    settings = issuer.settings
    by_client = client.access_token_claims or client.id_token_claims
    return bool(by_client or settings.access_token_claims or settings.scope_claims)


def names(issuer: Issuer, client: Client, scope: str) -> set[str]:
    """Return the names of the claims for a token of this client with this scope."""
    settings, scopes = issuer.settings, scope.split()
    by_scope = {name for word in scopes for name in settings.access_token_claims.get(word, ())}
    by_meaning = claims_of_scopes(scopes, settings.scope_claims) & _PERSON
    return (by_scope | by_meaning | set(client.access_token_claims)) - INTROSPECTION_MEMBERS


async def with_claims(issuer: Issuer, client: Client, grant: Grant, known: Mapping[str, Any] | None = None) -> Grant:
    """Add the user's claims to a grant that begins.

    Args:
        issuer: Its directory is asked.
        client: Whose tokens have the claims.
        grant: The grant.
        known: The user's claims, where they were read already. Otherwise it takes one round trip, and two where the username is
            neither known nor the subject.

    Raises:
        TemporarilyUnavailable: The directory is.
    """
    if not grant.subject or issuer.settings.directory_url or not may_have_user_claims(issuer, client):
        return grant
    wanted = names(issuer, client, grant.scope) if grant.access_token_claims is None else set[str]()
    in_id_token = names_in_id_token(issuer, client, grant.scope)
    if not wanted and not in_id_token:
        return grant
    if known is None:
        known = await issuer.directory.claims(grant.subject, grant.scope.split(), grant.name) or {}
    begun: Grant = msgspec.structs.replace(
        grant,
        access_token_claims=kept(known, wanted) if wanted else grant.access_token_claims,
        id_token_claims=present(known, in_id_token) | grant.id_token_claims,
    )
    return begun


def names_in_id_token(issuer: Issuer, client: Client, scope: str) -> set[str]:
    """Return the names of the claims that ID tokens of this client have for this scope, without those that a request names."""
    if not client.id_token_claims:
        return set()
    return claims_of_scopes(scope.split(), issuer.settings.scope_claims) & set(client.id_token_claims)


async def read_claims(issuer: Issuer, client: Client, subject: str, scope: str | None) -> Mapping[str, Any] | None:
    """Read the claims of a user for ``with_claims``, at the same time as others that are read before a grant begins.

    Returns:
        None where no token of this client can have any.

    Raises:
        TemporarilyUnavailable: The directory is.
    """
    if issuer.settings.directory_url or not may_have_user_claims(issuer, client):
        return None
    return await issuer.directory.claims(subject, (scope or "").split()) or {}


def kept(claims: Mapping[str, Any], wanted: Collection[str]) -> dict[str, Any]:
    """Return the claims that a grant stores, also absent ones, so that these are not read again."""
    return dict.fromkeys(sorted(wanted)) | present(claims, wanted)


def described(issuer: Issuer, client: Client, grant: Grant, scope: str) -> dict[str, Any]:
    """Return the claims that introspection shows for a token with this scope: those that its grant stores."""
    if not grant.access_token_claims or not may_have_user_claims(issuer, client):
        return {}
    return present(grant.access_token_claims, names(issuer, client, scope))


async def claims_of_token(issuer: Issuer, client: Client, grant: Grant, scope: str) -> tuple[dict[str, Any], bool]:
    """Return the claims of a token that is about to be made, and whether its grant stores them.

    If it does not, the directory was asked now: a webhook, or for a grant that began before the client had these claims.

    Raises:
        InvalidGrant: The user is disabled or unknown.
        TemporarilyUnavailable: The directory is.
    """
    if not grant.subject or not may_have_user_claims(issuer, client):
        return {}, True
    wanted = names(issuer, client, scope)
    held = grant.access_token_claims
    if held is not None and wanted <= held.keys():
        return present(held, wanted), True
    if not wanted:
        return {}, True
    person = await issuer.directory.claims(grant.subject, scope.split(), grant.name)
    if person is None and issuer.settings.directory_url:
        raise InvalidGrant(log="user is disabled or unknown")
    return present(person or {}, wanted), False


async def claims_of_id_token(issuer: Issuer, client: Client, grant: Grant, scope: str) -> Mapping[str, Any]:
    """Return the claims of an ID token that a grant cannot store: those of a webhook, which is asked now.

    Raises:
        InvalidGrant: The user is disabled or unknown.
        TemporarilyUnavailable: The directory is.
    """
    if not client.id_token_claims or not issuer.settings.directory_url:
        return {}
    wanted = names_in_id_token(issuer, client, scope)
    if not wanted:
        return {}
    person = await issuer.directory.claims(grant.subject, scope.split(), grant.name)
    if person is None:
        raise InvalidGrant(log="user is disabled or unknown")
    return present(person, wanted)
