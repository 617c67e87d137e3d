"""Notifications of what has happened, delivered to hooks from a queue in Redis that survives restarts.

A notification may come twice (with the same id), and in another order than things happened.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping

import msgspec

from service.hooks.hook import Hook
from service.hooks.message import HookError, Message
from service.observe.events import Event
from service.outbound.delivery_loop import AT_ONCE, pause_after
from service.protocol.names import HookEvent
from service.records.notification import Notification
from service.store.deliveries import Deliveries

log = logging.getLogger(__name__)

_CUT_OFF_AFTER = 15
"""Seconds after which it is sent even if the act was begun and not finished."""
_KEPT = 86400
"""Seconds after which it is given up."""


class PendingNotification:
    """The notifications of one act, by their ids."""

    def __init__(
        self, queue: Deliveries[Notification], clock: Callable[[], float], notifications: dict[str, Notification]
    ) -> None:
        self._queue, self._clock, self._notifications = queue, clock, notifications
        self._is_off = False

    def add(self, **facts: object) -> None:
        """Add facts that are known now that it is done."""
        self._notifications = {
            notification_id: msgspec.structs.replace(notification, facts=notification.facts | facts)
            for notification_id, notification in self._notifications.items()
        }

    def cancel(self) -> None:
        """Send nothing, as nothing was done."""
        self._is_off = True

    async def begin(self) -> None:
        """Queue it, to be sent unless it is cancelled. Raises TemporarilyUnavailable."""
        await self._queue_all(int(self._clock()) + _CUT_OFF_AFTER)

    async def finish(self) -> None:
        """Let it be sent now. Raises TemporarilyUnavailable."""
        await (self.drop() if self._is_off else self._queue_all(int(self._clock())))

    async def drop(self) -> None:
        """Delete it. Raises TemporarilyUnavailable."""
        if self._notifications:
            await asyncio.gather(*map(self._queue.drop, self._notifications))

    async def _queue_all(self, due: int) -> None:
        if self._notifications:
            kept = await asyncio.gather(
                *(self._queue.queue(one, notification, due) for one, notification in self._notifications.items())
            )
            if not all(kept):
                log.error(Event.HOOK_NOTIFICATIONS_LOST, extra={"reason": "as many wait as hook_notices_most allows"})


class Notifier:
    """Delivers notifications to hooks, by the hooks' names."""

    def __init__(self, hooks: Mapping[str, Hook], queue: Deliveries[Notification], clock: Callable[[], float]) -> None:
        self._hooks, self._queue, self._clock = hooks, queue, clock

    async def deliver_due(self) -> int:
        """Deliver what is due, concurrently, and return how many were tried. Raises TemporarilyUnavailable."""
        claimed = await self._queue.claim(int(self._clock()), AT_ONCE)
        await asyncio.gather(*(self._deliver(one, notification) for one, notification in claimed))
        return len(claimed)

    async def _deliver(self, notification_id: str, notification: Notification) -> None:
        hook = self._hooks.get(notification.hook)
        if hook is None or notification.event not in list(HookEvent):
            await self._queue.drop(notification_id)
            facts = {"hook": notification.hook, "reason": "there is no such hook any more"}
            log.warning(Event.HOOK_NOTIFICATION_DROPPED, extra=facts)
            return
        message = Message(HookEvent(notification.event), notification_id, notification.at, notification.facts)
        if not hook.circuit.admits():
            await self._later(hook, message, notification, hook.circuit.wait)
            return
        try:
            await hook.target.notify(message)
        except HookError as error:
            hook.count_failure(message, str(error))
            tried = msgspec.structs.replace(notification, attempts=notification.attempts + 1)
            await self._later(hook, message, tried, pause_after(tried.attempts))
            return
        except BaseException:
            hook.circuit.abandoned()
            raise
        hook.circuit.succeeded()
        hook.answered(message)
        await self._queue.drop(notification_id)

    async def _later(self, hook: Hook, message: Message, notification: Notification, pause: int) -> None:
        """Put it back, or give it up after its attempts or a day."""
        now = int(self._clock())
        if notification.attempts < hook.settings.attempts and now - notification.at < _KEPT:
            await self._queue.queue(message.message_id, notification, now + pause)
            return
        await self._queue.drop(message.message_id)
        hook.answered(message, "given_up")
        facts = {"hook": hook.name, "hook_event": notification.event, "id": message.message_id}
        log.error(Event.HOOK_NOTIFICATION_GIVEN_UP, extra=facts | {"attempts": notification.attempts})
