"""The audit log: who did what, to what, when, from where, by which front, and with which outcome.

Every function of this room that changes something is ``@audited``; a front binds the actor once, for all its calls:

    with acting(Actor("alice", Way.CONSOLE, "192.0.2.7")):
        await client_ending.disable_client(issuer, "web")

An act without a bound actor is not an operator's (a client that registers itself, the demo) and is not written.

**The entry is written first.** ``begun`` is in the log before anything is done, and where it cannot be written nothing is
done. Then the outcome takes its place. Where *that* cannot be written, the act is done and its caller gets the answer (it
may hold a secret that is shown once); the log still says ``begun``, and the outcome is in the service's own log as an
error. So every act leaves a trace, even where Redis fails.

**Acts that backends do thousands of times an hour** (``often``: tokens made by API, for one) are written like that ten times a
minute for one action and actor; further ones are counted, and written once a minute as one entry with ``count``.
"""

import asyncio
import functools
import inspect
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Annotated, Any, ParamSpec, TypeVar

import msgspec
from pydantic import AfterValidator, Field

from service.admin.actor import Actor, acting, current_actor
from service.admin.audit_actions import known_action
from service.admin.errors import AdminError
from service.admin.input import Input, Since, Word
from service.admin.paging import Cursor, Limit, Listing, check_place, newest_first
from service.issuer import Issuer
from service.observe.audit_sums import SECONDS
from service.observe.events import Event
from service.protocol.credentials import base64url
from service.protocol.errors import ProtocolError, TemporarilyUnavailable
from service.protocol.redaction import redacted
from service.records.audit_entry import AuditEntry, Result
from service.redis.errors import StoreError
from service.store.audit import PlacedEntry

log = logging.getLogger(__name__)

_Given = ParamSpec("_Given")
_Result = TypeVar("_Result")

_noted: ContextVar[list[str] | None] = ContextVar("noted", default=None)
"""The names of what the act under way has changed, in an act that says so."""
_LONGEST = 255
"""The most characters of a text in an entry."""
_MOST = 100
"""The most names of changed members in an entry."""


def audited(
    action: str, *targets: str, changed: str = "", often: bool = False
) -> Callable[[Callable[_Given, Awaitable[_Result]]], Callable[_Given, Coroutine[Any, Any, _Result]]]:
    """Write every call of an admin function to the log.

    Args:
        action: The name of its operation.
        targets: Kind and argument, ``client:name`` or ``client:given.client_id``; an argument that is None is left out.
        changed: The argument whose keys are the names of the members that are to be changed. Once they are, the entry has
            those of ``note_changed``, which compares with the record.
        often: Whether frequent calls are summed.
    """

    def decorate(act: Callable[_Given, Awaitable[_Result]]) -> Callable[_Given, Coroutine[Any, Any, _Result]]:
        signature = inspect.signature(act)

        @functools.wraps(act)
        async def wrapper(*args: _Given.args, **kwargs: _Given.kwargs) -> _Result:
            actor = current_actor()
            if actor is None:
                return await act(*args, **kwargs)
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            given: Mapping[str, Any] = bound.arguments
            issuer: Issuer = given["issuer"]
            named = tuple(_target(given, target) for target in targets if _value(given, target) is not None)
            entry = _entry(issuer, actor, action, named, sorted(given[changed]) if changed else ())
            written = _summed if often and not issuer.audit_sums.is_written_at_once(entry) else _written_down
            with acting(None), _noting([] if changed else None):  # calls inside it are no further acts
                return await written(issuer, entry, lambda: act(*args, **kwargs))

        wrapper.action = action  # type: ignore[attr-defined]
        return wrapper

    return decorate


def note_changed(names: Iterable[str]) -> None:
    """Name what the act under way has changed, as compared with the record of before: much that is given stays as it was."""
    noted = _noted.get()
    if noted is not None:
        noted[:] = sorted(names)


@contextmanager
def _noting(names: list[str] | None) -> Iterator[None]:
    token = _noted.set(names)
    try:
        yield
    finally:
        _noted.reset(token)


def count_act(issuer: Issuer, action: str, *targets: str) -> None:
    """Sum an act of an authenticated client on targets such as ``client:web``; such acts are only written as sums."""
    actor = current_actor()
    if actor is not None:
        named = tuple(map(_without_credentials, targets))
        issuer.audit_sums.add(msgspec.structs.replace(_entry(issuer, actor, action, named), result=Result.OK))


async def keep_sums(issuer: Issuer) -> None:
    """Write the sums once a minute, until cancelled."""
    while True:
        await asyncio.sleep(SECONDS)
        await write_sums(issuer)


async def write_sums(issuer: Issuer) -> None:
    """Write the sums so far. Those that cannot be written go to the service's own log."""
    for entry in issuer.audit_sums.take():
        await _finish(issuer, entry, "", entry.result)


# reading


class EntryFilter(Input):
    """The filter of entries; "" = any."""

    actor: Annotated[Word, Field(description="Who: the name of a token, certificate or account.")] = ""
    action: Annotated[
        Word, AfterValidator(known_action), Field(description="client.update, or client for all about clients.")
    ] = ""
    target: Annotated[Word, Field(description="To what: client:web, or the name alone.")] = ""

    def matches(self, entry: AuditEntry) -> bool:
        """Whether the entry passes the filter."""
        return (
            (not self.actor or entry.actor == self.actor)
            and (not self.action or entry.action == self.action or entry.action.startswith(f"{self.action}."))
            and (not self.target or any(self.target in (one, one.partition(":")[2]) for one in entry.targets))
        )


class AuditFilter(EntryFilter):
    """The filter of entries, with the earliest time."""

    since: Since = 0


ANYTHING = AuditFilter()


async def list_entries(
    issuer: Issuer, wanted: AuditFilter = ANYTHING, cursor: Cursor = "", limit: Limit = 100
) -> Listing[PlacedEntry]:
    """Return a page of entries, newest first; reads ``10 × limit`` at most. Raises InvalidInput for a bad cursor."""

    def matches(placed: PlacedEntry) -> bool:
        return wanted.matches(placed.entry)

    return await newest_first(issuer.store.audit.before, wanted.since, matches, cursor, limit)


async def list_new(
    issuer: Issuer, cursor: Cursor = "", wanted: EntryFilter = ANYTHING, limit: Limit = 100
) -> Listing[PlacedEntry]:
    """Return the entries that were written after the cursor, in their order, and always the cursor of the next call.

    Without a cursor return no entries, and the cursor of the present end of the log. Raises InvalidInput for a bad cursor.
    """
    check_place(cursor)
    if not cursor:
        newest = await issuer.store.audit.before("", 0, 1)
        return Listing([], newest[0].place if newest else "0-0")
    page = await issuer.store.audit.after(cursor, limit)
    return Listing([placed for placed in page if wanted.matches(placed.entry)], page[-1].place if page else cursor)


# writing


def _entry(
    issuer: Issuer, actor: Actor, action: str, targets: tuple[str, ...], changed: Sequence[str] = ()
) -> AuditEntry:
    return AuditEntry(
        act=base64url(issuer.randomness(12)),
        at=int(issuer.clock() * 1000),
        actor=_without_credentials(actor.name),
        way=actor.way,
        address=_without_credentials(actor.address),
        action=action,
        targets=targets,
        changed=_names(changed),
    )


def _names(members: Sequence[str]) -> tuple[str, ...]:
    return tuple(_without_credentials(str(name)) for name in members[:_MOST])


async def _written_down(issuer: Issuer, entry: AuditEntry, act: Callable[[], Awaitable[_Result]]) -> _Result:
    await _check_file(issuer)
    begun_at = await issuer.store.audit.write(entry)
    try:
        done = await act()
    except Exception as error:
        await _finish(issuer, entry, begun_at, *_outcome(error))
        raise
    await _finish(issuer, _as_done(entry), begun_at, Result.OK)
    return done


async def _summed(issuer: Issuer, entry: AuditEntry, act: Callable[[], Awaitable[_Result]]) -> _Result:
    await _check_file(issuer)
    try:
        done = await act()
    except Exception as error:
        issuer.audit_sums.add(msgspec.structs.replace(entry, result=_outcome(error)[0]))
        raise
    issuer.audit_sums.add(msgspec.structs.replace(_as_done(entry), result=Result.OK))
    return done


def _as_done(entry: AuditEntry) -> AuditEntry:
    """Return the entry with the names of what was changed."""
    noted = _noted.get()
    return entry if noted is None else msgspec.structs.replace(entry, changed=_names(noted))


def _outcome(error: Exception) -> tuple[Result, str]:
    """Return the result and the reason of an act that raised, but never the text of an unforeseen exception."""
    if isinstance(error, AdminError):
        return Result.REFUSED, str(error).partition("\n")[0]
    if isinstance(error, ProtocolError) and not isinstance(error, TemporarilyUnavailable):
        return Result.REFUSED, f"{error.error}: {error.description}"
    return Result.FAILED, type(error).__name__


async def _check_file(issuer: Issuer) -> None:
    """Check before the act that the file can be written. Raises TemporarilyUnavailable."""
    if issuer.audit_file is None:
        return
    try:
        await asyncio.to_thread(issuer.audit_file.check)
    except OSError as error:
        raise TemporarilyUnavailable("The audit log cannot be written.", log=f"audit_file: {error}") from error


async def _finish(issuer: Issuer, begun: AuditEntry, begun_at: str, result: Result, why: str = "") -> None:
    """Write the outcome. An entry that cannot be written goes whole to the service's own log, as it holds no secret."""
    entry = msgspec.structs.replace(begun, result=result, why=_without_credentials(why))
    unwritten = []
    try:
        await issuer.store.audit.write(entry, begun_at)
    except (TemporarilyUnavailable, StoreError) as error:
        unwritten.append(f"stream: {error}")
    try:
        if issuer.audit_file is not None:
            await asyncio.to_thread(issuer.audit_file.append, entry.encode())
    except OSError as error:
        unwritten.append(f"audit_file: {error}")
    if unwritten:
        log.error(
            Event.AUDIT_OUTCOME_NOT_WRITTEN, extra={"entry": entry.encode().decode(), "reason": "; ".join(unwritten)}
        )


def _target(given: Mapping[str, Any], target: str) -> str:
    return _without_credentials(f"{target.partition(':')[0]}:{_value(given, target)}")


def _without_credentials(text: str) -> str:
    """Remove credentials that were given in place of a name."""
    return redacted(text)[:_LONGEST]


def _value(given: Mapping[str, Any], target: str) -> object:
    argument, *members = target.partition(":")[2].split(".")
    value = given[argument]
    for member in members:
        value = getattr(value, member)
    return value
