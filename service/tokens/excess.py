"""Ending grants of a user and client that are too many: codes and tokens in numbers that no person has a use for."""

import asyncio
import logging
from collections.abc import Sequence

from service.issuer import Issuer
from service.observe.events import Event
from service.protocol.errors import TemporarilyUnavailable
from service.tokens.ending import end_grant

log = logging.getLogger(__name__)

_EVENT = Event.GRANT_OVER_LIMIT


async def end_excess(issuer: Issuer, subject: str, client_id: str, grant_ids: Sequence[str]) -> None:
    """End grants with everything they issued, for ``grants_per_user_and_client``, and notify operators and hooks.

    What Redis keeps from being ended is so with one of the next grants.
    """
    await asyncio.gather(*(_end(issuer, subject, client_id, grant_id) for grant_id in grant_ids))


async def _end(issuer: Issuer, subject: str, client_id: str, grant_id: str) -> None:
    about = {"grant_id": grant_id, "subject": subject, "client_id": client_id}
    try:
        was_alive = await end_grant(issuer, grant_id, subject, client_id, _EVENT)
    except TemporarilyUnavailable as error:
        log.warning(Event.GRANT_OVER_LIMIT_NOT_ENDED, extra={**about, "reason": error.log})
        return
    if was_alive:
        issuer.metrics.security_event(_EVENT)
        log.warning(_EVENT, extra={**about, "most": issuer.settings.grants_per_user_and_client})
