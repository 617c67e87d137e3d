"""Ending grants with notifications for hooks: one, or those of a user and client that are too many."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress

from service.hooks.facts import Revoked, about_revoked
from service.issuer import Issuer
from service.observe.events import Event
from service.protocol.errors import ProtocolError, TemporarilyUnavailable
from service.protocol.names import HookEvent

log = logging.getLogger(__name__)


async def end_grant(
    issuer: Issuer,
    grant_id: str,
    subject: str,
    client_id: str,
    reason: str,
    end: Callable[[], Awaitable[bool]] | None = None,
) -> bool:
    """End a grant with everything it issued. Hooks are notified even if it is cancelled in the middle.

    Args:
        issuer: Whose grant it is.
        grant_id: The grant.
        subject: The user, empty for a grant without one.
        client_id: The client.
        reason: A word of ours, for hooks and the log.
        end: Ends it and returns whether it was alive, where that is not the revocation of the grant.

    Returns:
        Whether it was alive.

    Raises:
        TemporarilyUnavailable: It may have ended all the same.
    """
    about = {"grant_id": grant_id, "subject": subject, "client_id": client_id}
    async with issuer.hooks.notifying(
        HookEvent.REVOKED, **about_revoked(Revoked.GRANT, reason, **about)
    ) as notification:
        was_alive = await (end() if end else issuer.store.grants.revoke(grant_id, subject))
        if not was_alive:
            notification.cancel()
    if was_alive:
        log.info(Event.GRANT_REVOKED, extra={**about, "reason": reason})
    return was_alive


@asynccontextmanager
async def ended_unless_answered(issuer: Issuer, grant_id: str, subject: str) -> AsyncIterator[None]:
    """End a grant that has just begun, where an error inside is the answer: its client never hears of it.

    ``grant_id`` may name nothing. No hook is notified, as none heard of it. Raises what is raised inside.
    """
    try:
        yield
    except ProtocolError:
        if grant_id:
            with suppress(TemporarilyUnavailable):
                await issuer.store.grants.revoke(grant_id, subject)
        raise


async def end_excess(issuer: Issuer, subject: str, client_id: str, grant_ids: Sequence[str]) -> None:
    """End surplus grants with everything they issued (``grants_per_user_and_client``), and notify operators and hooks.

    Those that Redis does not end now are ended together with one of the next grants.
    """
    await asyncio.gather(*(_end(issuer, subject, client_id, grant_id) for grant_id in grant_ids))


async def _end(issuer: Issuer, subject: str, client_id: str, grant_id: str) -> None:
    about = {"grant_id": grant_id, "subject": subject, "client_id": client_id}
    try:
        was_alive = await end_grant(issuer, grant_id, subject, client_id, Event.GRANT_OVER_LIMIT)
    except TemporarilyUnavailable as error:
        log.warning(Event.GRANT_OVER_LIMIT_NOT_ENDED, extra={**about, "reason": error.log})
        return
    if was_alive:
        issuer.metrics.security_event(Event.GRANT_OVER_LIMIT)
        log.warning(Event.GRANT_OVER_LIMIT, extra={**about, "most": issuer.settings.grants_per_user_and_client})
