"""Ending everything at once, after a restored backup brought back what had been ended since.

The order makes sure that a sign-in that happens meanwhile is dead or alive as a whole:

1. **Clients**: each one's generation is raised. Everything issued until then is dead, including stateless tokens.
2. **Pending state**: sessions, interactions, tickets of callers, sessions of operators. Each that existed before the end of
   the first step is found. A younger one may be found, or stay alive.
3. **Grants**: those of older generations are removed and counted, and those whose session is gone are ended. A dead grant
   also ends its session.

Single sessions and grants are not notified, only hooks at the end, that everything was ended: applications were notified of
what ended before, and a restored state does not know what they have done since. Consents stay.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

from service.admin import clients
from service.admin.audit import audited
from service.admin.errors import InvalidInput, NotFound
from service.admin.paging import Cursor, cursor_checked
from service.hooks.facts import Revoked, about_revoked
from service.issuer import Issuer
from service.observe.events import Event
from service.protocol.names import HookEvent
from service.records.client import Client
from service.store.endings import FoundGrant

log = logging.getLogger(__name__)

BATCHES = 100
"""The most batches of some 500 keys in one call."""
_CLIENTS_AT_ONCE = 50
_BETWEEN = "~"


class EndedEverything(NamedTuple):
    """The numbers of what was alive."""

    clients: int
    """Clients that could get tokens, and still can."""
    grants: int
    sessions: int
    interactions: int
    """Interactions that waited for a user; ``decisions`` waited for a caller of the decision API."""
    decisions: int
    operator_sessions: int
    cursor: str
    """Where to continue, empty at the end."""


async def count_everything(issuer: Issuer, cursor: Cursor = "") -> EndedEverything:
    """Count a part of what ``end_everything`` would end; exact while nothing changes. Raises InvalidInput."""
    return await _next_part(issuer, cursor, ends=False)


@audited("everything.end")
async def end_everything(issuer: Issuer, cursor: Cursor = "") -> EndedEverything:
    """End a part; call again with the cursor until it is empty. All may be repeated at any time.

    Everything that was alive at the beginning of the first part is dead at the end of the last one. Raises InvalidInput.
    """
    ended = await _next_part(issuer, cursor, ends=True)
    if not ended.cursor:
        await issuer.hooks.notify(HookEvent.REVOKED, **about_revoked(Revoked.EVERYTHING, "everything_ended"))
    counts = {name: count for name, count in ended._asdict().items() if name != "cursor"}
    log.info(Event.EVERYTHING_ENDED, extra={**counts, "finished": not ended.cursor})
    return ended


# internals

_Batch = Callable[[Issuer, str, bool], Awaitable[tuple[Counter[str], str]]]


async def _next_part(issuer: Issuer, cursor: str, *, ends: bool) -> EndedEverything:
    found, primaries = Counter[str](), await issuer.store.endings.primaries()
    step, position = _place(cursor, primaries)
    for _ in range(BATCHES):
        with cursor_checked(cursor):
            counted, position = await _STEPS[step](issuer, position, ends)
        found += counted
        if await issuer.store.endings.primaries() != primaries:
            raise _moved()
        step += not position
        if step == len(_STEPS):
            return _counts(found, "")
    return _counts(found, _BETWEEN.join((str(step), primaries, position)))


def _place(cursor: str, primaries: str) -> tuple[int, str]:
    """Return the step, and the place in it. Raises InvalidInput."""
    if not cursor:
        return 0, ""
    step, _, rest = cursor.partition(_BETWEEN)
    seen, _, position = rest.partition(_BETWEEN)
    if step not in map(str, range(len(_STEPS))):
        raise InvalidInput(f"{cursor!r} is not a cursor: give the one that the part before ended with")
    if seen != primaries:
        raise _moved()
    return int(step), position


def _moved() -> InvalidInput:
    return InvalidInput("other servers of Redis have become primaries meanwhile: begin again, without a cursor")


def _counts(found: Counter[str], cursor: str) -> EndedEverything:
    return EndedEverything(
        clients=found["client"],
        grants=found["grant"],
        sessions=found["session"],
        interactions=found["ticket"],
        decisions=found["decision"],
        operator_sessions=found["operator"],
        cursor=cursor,
    )


async def _clients(issuer: Issuer, position: str, ends: bool) -> tuple[Counter[str], str]:
    page, following = await issuer.store.clients.list_page(position, _CLIENTS_AT_ONCE)
    if ends:
        changed = await asyncio.gather(*(_raise_generation(issuer, client) for client in page))
        return Counter(client=sum(changed)), following
    return Counter(client=len(page)), following


async def _raise_generation(issuer: Issuer, client: Client) -> bool:
    now = int(issuer.clock() * 1000)
    try:
        await clients.change_client(issuer, client.client_id, lambda seen: seen.ended(now, keeps_consents=True))
    except NotFound:
        return False  # deleted meanwhile
    return True


async def _grants(issuer: Issuer, position: str, ends: bool) -> tuple[Counter[str], str]:
    page, following = await issuer.store.endings.grants(position)
    known = {
        client_id: await issuer.store.clients.get(client_id) for client_id in {one.grant.client_id for one in page}
    }
    if not ends:
        return Counter(grant=sum(_was_alive(one, known) for one in page)), following
    living = await issuer.store.endings.living_sessions(sorted({one.grant.session for one in page} - {""}))
    dead = [one for one in page if not _is_current(one, known)]
    orphans = [one for one in page if _is_current(one, known) and one.grant.session not in {"", *living}]
    gone = await asyncio.gather(*(issuer.store.endings.end_grant(one) for one in (*dead, *orphans)))
    counted = Counter(
        grant=sum(_was_alive(one, known) and was for one, was in zip((*dead, *orphans), gone, strict=True))
    )
    return counted + await _end_with(issuer, dead, living.keys()), following


async def _end_with(issuer: Issuer, dead: list[FoundGrant], living: Iterable[str]) -> Counter[str]:
    """End the sessions of dead grants as a whole, where they began after the step for sessions.

    A process that did not know the raised generation yet has issued something in them.
    """
    ended = Counter[str]()
    for sid, subject in {(one.grant.session, one.grant.subject) for one in dead if one.grant.session in set(living)}:
        session = await issuer.store.sessions.get(sid)
        ended["session"] += session is not None and await issuer.store.endings.end_session(session)
        ended["grant"] += await issuer.store.grants.revoke_of_session(subject, sid)
    return ended


def _is_current(found: FoundGrant, known: dict[str, Client | None]) -> bool:
    client = known[found.grant.client_id]
    return client is not None and found.grant.client_generation >= client.generation


def _was_alive(found: FoundGrant, known: dict[str, Client | None]) -> bool:
    """Whether the grant was valid before the generation was raised for this."""
    client = known[found.grant.client_id]
    return client is not None and client.remembers(found.grant.client_generation)


_STEPS: tuple[_Batch, ...] = (
    _clients,
    lambda issuer, position, ends: issuer.store.endings.under_way(position, ends=ends),
    _grants,
)
