"""Notices: what has happened, told to hooks from a queue in Redis that survives restarts; again and again until it is taken.

A notice may come twice (with the same id), and in another order than things happened.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import msgspec

from service.hooks.failure import HookError
from service.hooks.hook import Hook
from service.hooks.message import Message
from service.observe.events import Event
from service.outbound.delivery_loop import pause_after
from service.protocol.names import HookEvent
from service.records.notice import Notice
from service.store.deliveries import Deliveries

log = logging.getLogger(__name__)

_CUT_OFF_AFTER = 15
"""Seconds after which what was begun and not finished is told all the same."""
_KEPT = 86400
"""Seconds after which nobody needs to hear of it any more."""


class Telling:
    """Notices of one thing that is being done, by their ids."""

    def __init__(self, queue: Deliveries[Notice], clock: Callable[[], float], notices: dict[str, Notice]) -> None:
        self._queue, self._clock, self._notices = queue, clock, notices
        self._is_off = False

    def add(self, **facts: Any) -> None:
        """What is known now that it is done."""
        self._notices = {
            notice_id: msgspec.structs.replace(notice, facts=notice.facts | facts)
            for notice_id, notice in self._notices.items()
        }

    def call_off(self) -> None:
        """Nothing was done."""
        self._is_off = True

    async def begin(self) -> None:
        """Write it down, to be sent unless it is called off. Raises TemporarilyUnavailable."""
        await self._queue_all(int(self._clock()) + _CUT_OFF_AFTER)

    async def finish(self) -> None:
        """Have it sent now. Raises TemporarilyUnavailable."""
        await (self.drop() if self._is_off else self._queue_all(int(self._clock())))

    async def drop(self) -> None:
        """Cross it out. Raises TemporarilyUnavailable."""
        if self._notices:
            await asyncio.gather(*map(self._queue.drop, self._notices))

    async def _queue_all(self, due: int) -> None:
        if self._notices:
            kept = await asyncio.gather(*(self._queue.queue(one, notice, due) for one, notice in self._notices.items()))
            if not all(kept):
                log.error(Event.HOOK_NOTIFICATIONS_LOST, extra={"reason": "as many wait as hook_notices_most allows"})


async def deliver_due(
    hooks: dict[str, Hook], queue: Deliveries[Notice], clock: Callable[[], float], at_once: int
) -> int:
    """Deliver what is due, side by side; how many were tried. Raises TemporarilyUnavailable."""
    claimed = await queue.claim(int(clock()), at_once)
    await asyncio.gather(*(_deliver(hooks.get(notice.hook), queue, clock, one, notice) for one, notice in claimed))
    return len(claimed)


async def _deliver(
    hook: Hook | None, queue: Deliveries[Notice], clock: Callable[[], float], notice_id: str, notice: Notice
) -> None:
    if hook is None or notice.event not in list(HookEvent):
        await queue.drop(notice_id)
        log.warning(
            Event.HOOK_NOTIFICATION_DROPPED, extra={"hook": notice.hook, "reason": "there is no such hook any more"}
        )
        return
    message = Message(HookEvent(notice.event), notice_id, notice.at, notice.facts)
    if not hook.circuit.admits():
        await _later(hook, queue, clock, message, notice, hook.circuit.wait)
        return
    try:
        await hook.target.tell(message)
    except HookError as error:
        hook.count_failure(message, str(error))
        tried = msgspec.structs.replace(notice, attempts=notice.attempts + 1)
        await _later(hook, queue, clock, message, tried, pause_after(tried.attempts))
        return
    except BaseException:
        hook.circuit.abandoned()
        raise
    hook.circuit.succeeded()
    hook.answered(message)
    await queue.drop(notice_id)


async def _later(
    hook: Hook, queue: Deliveries[Notice], clock: Callable[[], float], message: Message, notice: Notice, pause: int
) -> None:
    """Put it back, or give it up after its attempts or a day."""
    now = int(clock())
    if notice.attempts < hook.settings.attempts and now - notice.at < _KEPT:
        await queue.queue(message.message_id, notice, now + pause)
        return
    await queue.drop(message.message_id)
    hook.answered(message, "given_up")
    told = {"hook": hook.name, "hook_event": notice.event, "id": message.message_id, "attempts": notice.attempts}
    log.error(Event.HOOK_NOTIFICATION_GIVEN_UP, extra=told)
