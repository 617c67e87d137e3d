"""Ending one grant, with a notification for hooks."""

import logging
from collections.abc import Awaitable, Callable

from service.hooks.facts import Revoked, about_revoked
from service.issuer import Issuer
from service.observe.events import Event
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
    """End a grant with everything it issued; hooks are notified, also where it is cut off in the middle.

    Args:
        issuer: Whose grant it is.
        grant_id: The grant.
        subject: The user, empty for a grant without one.
        client_id: The client.
        reason: A word of ours, for hooks and the log.
        end: What ends it, where that is not the revocation of the grant; whether it was alive.

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
