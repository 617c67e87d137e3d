"""The authorizations of clients by a user (living grants and consents), for the user's own page and for APIs."""

import logging
from collections.abc import AsyncIterator
from typing import NamedTuple

from service.admin import grants, token_changes
from service.admin.audit import audited
from service.admin.token_changes import TokenChanges
from service.issuer import Issuer
from service.observe.events import Event
from service.records.client import Client
from service.records.consent import Consent
from service.records.grant import Grant
from service.store.grants import ListedGrant
from service.tokens.members import summarized_members

log = logging.getLogger(__name__)

_PAGE, _MOST, _MOST_DETAILS = 200, 2000, 20


class Authorized(NamedTuple):
    """A client that holds grants of a user now, or may get them again without consent."""

    client: Client
    scopes: tuple[str, ...]
    """The scopes of all living grants and of the consent; ``resources`` likewise."""
    latest: tuple[str, ...]
    """Scopes of the newest living grant."""
    since: int
    """Epoch seconds of the oldest of these grants and the consent; ``changed_at`` is that of the newest."""
    changed_at: int
    resources: tuple[str, ...] = ()
    details: tuple[str, ...] = ()
    """Further permissions of its living grants (``tokens.members``), a line each, the newest ``_MOST_DETAILS``."""


async def list_of_subject(issuer: Issuer, subject: str) -> list[Authorized]:
    """Return every client that a user has authorized, by name; reads 2,000 grants at most."""
    consents = await issuer.store.consents.of_user(subject)
    held: dict[str, list[Grant]] = {client_id: [] for client_id in consents}
    for listed in await _grants(issuer, subject):
        held.setdefault(listed.grant.client_id, []).append(listed.grant)
    found = [await _authorized(issuer, client_id, held[client_id], consents.get(client_id)) for client_id in held]
    return sorted((one for one in found if one), key=lambda one: (one.client.name or one.client.client_id).casefold())


async def get(issuer: Issuer, subject: str, client_id: str) -> Authorized | None:
    """Return the user's authorization of one client; None if there is no current one."""
    living = [listed.grant for listed in await _grants(issuer, subject) if listed.grant.client_id == client_id]
    return await _authorized(issuer, client_id, living, await issuer.store.consents.get(subject, client_id))


@audited("authorization.update", "user:subject", "client:client.client_id")
async def update(issuer: Issuer, subject: str, client: Client, scopes: tuple[str, ...]) -> int:
    """Limit the client to exactly these scopes for the user, and return how many grants that changed.

    That changes every living grant, and the remembered consent. Raises NotAllowed for a scope that the client may
    not have.
    """
    changes = TokenChanges.read({"scopes": scopes})
    token_changes.check_scopes(client, changes.scopes or ())
    await _narrow_consent(issuer, subject, client, scopes)  # first: otherwise the old ones could be granted again
    updated = 0
    async for listed in _each_grant(issuer, subject):  # all of them: a removed scope must not be left anywhere
        if listed.grant.client_id == client.client_id and client.grant_is_current(listed.grant):
            updated += await token_changes.update_grant(issuer, listed.grant_id, changes)
    log.info(Event.AUTHORIZATION_UPDATED, extra={"client_id": client.client_id, "subject": subject, "grants": updated})
    return updated


async def end(issuer: Issuer, subject: str, client_id: str, reason: str = "revoked_by_operator") -> int:
    """End every grant of the user to the client, forget the consent, and return how many grants were alive.

    The reason is for hooks.
    """
    ended = await grants.revoke_of_subject(issuer, subject, client_id, reason)
    log.info(Event.AUTHORIZATION_ENDED, extra={"client_id": client_id, "subject": subject, "grants_ended": ended})
    return ended


@audited("authorization.forget_consent", "user:subject", "client:client_id")
async def forget_consent(issuer: Issuer, subject: str, client_id: str) -> None:
    """Forget the consent, so that the user is asked again next time; existing grants stay."""
    await issuer.store.consents.forget(subject, client_id)
    log.info(Event.CONSENT_DELETED, extra={"client_id": client_id, "subject": subject})


async def _narrow_consent(issuer: Issuer, subject: str, client: Client, scopes: tuple[str, ...]) -> None:
    """Remove other scopes from the remembered consent. It is the user's own: others may narrow it, not add to it."""
    consent = await issuer.store.consents.get(subject, client.client_id)
    if consent is None or set(consent.scopes) <= set(scopes):
        return
    await issuer.store.consents.forget(subject, client.client_id)


async def _grants(issuer: Issuer, subject: str) -> list[ListedGrant]:
    """Return the user's living grants, ``_MOST`` at most."""
    found: list[ListedGrant] = []
    async for listed in _each_grant(issuer, subject):
        found.append(listed)
        if len(found) == _MOST:
            break
    return found


async def _each_grant(issuer: Issuer, subject: str) -> AsyncIterator[ListedGrant]:
    """Yield the user's living grants, reading page by page."""
    cursor = ""
    while True:
        page = await issuer.store.grants.list_of_user(subject, cursor, _PAGE)
        for listed in page.grants:
            yield listed
        cursor = page.cursor
        if not cursor:
            return


async def _authorized(
    issuer: Issuer, client_id: str, grants: list[Grant], consent: Consent | None
) -> Authorized | None:
    """Return the authorization, None where nothing of it is current for the client any more."""
    client = await issuer.store.clients.get(client_id)
    if client is None or not client.enabled:
        return None
    living = sorted((grant for grant in grants if client.grant_is_current(grant)), key=lambda grant: grant.began_at)
    times = [grant.began_at for grant in living]
    scopes = dict.fromkeys(scope for grant in living for scope in grant.scope.split())
    resources = dict.fromkeys(resource for grant in living for resource in grant.audience)
    if consent is not None and client.remembers(consent.generation):
        times.append(consent.given_at)
        scopes |= dict.fromkeys(consent.scopes)
        resources |= dict.fromkeys(resource for resource in consent.by_resource if resource)
    details = dict.fromkeys(line for grant in reversed(living) for line in summarized_members(issuer, grant.members))
    if not times:
        return None
    latest = tuple(living[-1].scope.split()) if living else ()
    return Authorized(
        client, tuple(scopes), latest, min(times), max(times), tuple(resources), tuple(details)[:_MOST_DETAILS]
    )
