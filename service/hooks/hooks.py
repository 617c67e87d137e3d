"""The hooks of an issuer, by event."""

import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from service.hooks.answers import NOTHING_ADDED, Added, ClaimsAnswer, DetailsVerdict, Verdict
from service.hooks.hook import Hook, Target
from service.hooks.message import Message
from service.hooks.notifications import Notifier, PendingNotification
from service.hooks.python_hook import PythonHook
from service.hooks.webhook import Webhook
from service.observe.metrics import Metrics
from service.outbound.http_client import HttpClient
from service.protocol.credentials import Randomness
from service.protocol.errors import (
    AccessDenied,
    InvalidAuthorizationDetails,
    InvalidGrant,
    InvalidRequest,
    TemporarilyUnavailable,
)
from service.protocol.names import HookEvent
from service.records.notification import Notification
from service.settings import Settings, SettingsError
from service.settings.hooks import secret_bytes
from service.store.deliveries import Deliveries


class Hooks:
    """All hooks. Requests that no hook is for pay only for reading one attribute."""

    def __init__(
        self,
        settings: Settings,
        http_client: HttpClient,
        queue: Deliveries[Notification],
        metrics: Metrics,
        clock: Callable[[], float],
        randomness: Randomness,
    ) -> None:
        self.by_name = {
            name: Hook(name, given, _target(settings, name, http_client, clock), metrics, clock)
            for name, given in settings.hooks.items()
        }
        self._queue, self._clock, self._randomness = queue, clock, randomness
        self.notifier = Notifier(self.by_name, queue, clock)
        self._of = {
            event: tuple(hook for hook in self.by_name.values() if event in hook.settings.events) for event in HookEvent
        }
        # Whether any hook wants the event.
        self.asks_claims = bool(self._of[HookEvent.CLAIMS])
        self.asks_refresh = bool(self._of[HookEvent.REFRESH])
        self.asks_exchange = bool(self._of[HookEvent.EXCHANGE])
        self.asks_login = bool(self._of[HookEvent.LOGIN])
        self.asks = self.asks_claims or self.asks_refresh
        self.notifies_revoked = bool(self._of[HookEvent.REVOKED])

    def load(self) -> None:
        """Load the hooks of this process. Raises SettingsError with the name of one that cannot be loaded."""
        for hook in self.by_name.values():
            try:
                hook.target.load()
            except ValueError as error:
                raise SettingsError(f"hooks.{hook.name}: {error}") from error

    async def add_claims(self, facts: dict[str, Any]) -> Added:
        """Return what the hooks, called one after the other, add to tokens of a request. Raises TemporarilyUnavailable."""
        added = NOTHING_ADDED
        for hook in self._of[HookEvent.CLAIMS]:
            message = self.message(HookEvent.CLAIMS, facts)
            answer = await hook.ask(message, ClaimsAnswer)
            if answer is None:
                continue
            try:
                added = added.plus(answer, hook.name)
            except ValueError as error:
                hook.unusable(message, f"with what others added: {error}")
                continue
            hook.answered(message)
        return added

    async def check_refresh(self, facts: dict[str, Any]) -> None:
        """Let the hooks allow a refresh. Raises InvalidGrant with the text of a hook that refuses, TemporarilyUnavailable."""
        if no := await self._refused(HookEvent.REFRESH, facts):
            raise InvalidGrant(no[1], log=f"hook {no[0]} refuses the refresh")

    async def check_exchange(self, facts: dict[str, Any]) -> None:
        """Let the hooks allow an exchange. Raises InvalidRequest with the text of a hook that refuses (RFC 8693 2.2.2)."""
        if no := await self._refused(HookEvent.EXCHANGE, facts):
            raise InvalidRequest(no[1] or "The exchange is not allowed.", log=f"hook {no[0]} refuses the exchange")

    async def check_login(self, facts: dict[str, Any]) -> None:
        """Let the hooks allow a login. Raises AccessDenied with the text of a hook that refuses, TemporarilyUnavailable."""
        if no := await self._refused(HookEvent.LOGIN, facts):
            raise AccessDenied(no[1] or "The user may not sign in.", log=f"hook {no[0]} refuses the login")

    async def judge_details(self, name: str, facts: dict[str, Any]) -> list[str]:
        """Let this hook allow authorization details. Return its text for each, nothing where it has none.

        Raises:
            InvalidAuthorizationDetails: It refuses; with its text.
            TemporarilyUnavailable: Its answer is missing or invalid.
        """
        hook, message = self.by_name[name], self.message(HookEvent.AUTHORIZATION_DETAILS, facts)
        verdict = await hook.ask(message, DetailsVerdict)
        if verdict is None:
            return []
        if verdict.descriptions and len(verdict.descriptions) != len(facts["authorization_details"]):
            hook.unusable(message, "its answer: descriptions are none, or one for each of the authorization details")
            return []
        hook.answered(message, "ok" if verdict.allow else "refused")
        if not verdict.allow:
            raise InvalidAuthorizationDetails(verdict.message, log=f"hook {name} refuses the authorization details")
        return verdict.descriptions

    @asynccontextmanager
    async def notifying(self, event: HookEvent, **facts: object) -> AsyncIterator[PendingNotification]:
        """Notify the hooks of what is done inside, at least once whatever happens.

        The notification is queued before and sent after. If the act is interrupted it is sent all the same, as nobody knows how
        far the act got.

        Raises:
            TemporarilyUnavailable: It could not be queued.
        """
        notification = PendingNotification(self._queue, self._clock, self._notifications(event, facts))
        await notification.begin()
        try:
            yield notification
        except TemporarilyUnavailable:
            raise  # it may have been done
        except Exception:
            await notification.drop()
            raise
        await notification.finish()

    async def notify(self, event: HookEvent, **facts: object) -> None:
        """Notify the hooks of what has been done. Raises TemporarilyUnavailable."""
        await PendingNotification(self._queue, self._clock, self._notifications(event, facts)).finish()

    def message(self, event: HookEvent, facts: dict[str, Any]) -> Message:
        """Return a message with a fresh id."""
        return Message(event, self._message_id(), int(self._clock()), facts)

    async def _refused(self, event: HookEvent, facts: dict[str, Any]) -> tuple[str, str] | None:
        """Return the name and the text of the first hook that refuses."""
        for hook in self._of[event]:
            message = self.message(event, facts)
            verdict = await hook.ask(message, Verdict)
            if verdict is None:
                continue
            hook.answered(message, "ok" if verdict.allow else "refused")
            if not verdict.allow:
                return hook.name, verdict.message
        return None

    def _notifications(self, event: HookEvent, facts: dict[str, Any]) -> dict[str, Notification]:
        now = int(self._clock())
        return {self._message_id(): Notification(hook.name, event.value, facts, now) for hook in self._of[event]}

    def _message_id(self) -> str:
        return "msg_" + base64.urlsafe_b64encode(self._randomness(18)).decode()


def _target(settings: Settings, name: str, http_client: HttpClient, clock: Callable[[], float]) -> Target:
    given = settings.hooks[name]
    if given.url is None:
        return PythonHook(given.entry_point or "", given.events, given.timeout)
    keys = [secret_bytes(word) for word in settings.hook_secrets[name].get_secret_value().split()]
    return Webhook(given.url, keys, given.timeout, http_client, clock)
