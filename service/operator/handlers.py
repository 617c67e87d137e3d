"""The handlers that kopf calls: a loop for each object, which reconciles it on changes and regularly, and its deletion.

Each reconciliation compares the whole object (level-triggered), so that changes during an absence of the operator are found
at the next one. State is kept only in the status of the object.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, NoReturn

import kopf

from service.admin.errors import AdminError
from service.declared import GROUP, KINDS
from service.observe.events import Event
from service.operator.api_server import ApiServerError, ConflictError
from service.operator.health import UnavailableError
from service.operator.metrics import ObjectState, OperatorMetrics, Reconciled
from service.operator.reconciling import ABANDON, Reconciler, UnfulfilledError
from service.operator.secrets import ROTATE
from service.operator.status import News, Reason, ready_of, since_of, with_news

log = logging.getLogger(__name__)

FINALIZER = f"{GROUP}/end"
_DOUBLINGS = 10
"""The most doublings of a pause; without a bound the pause would overflow after a day without the service."""
_PREFIX = f"operator.{GROUP}"
_SELECTED = f"{_PREFIX}/selected"
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 300.0
STOP_SECONDS = 20.0
"""Seconds that a reconciliation may still take when the operator stops."""
_AT_ONCE = 16
"""The most objects that are reconciled at the same time."""
_WORKERS = 100
"""The most objects of a kind whose events kopf handles at the same time, where no labels select namespaces. An object that
cannot end occupies its place until the next attempt."""
_UNCHANGED_AT_ONCE = 4
"""The most of them without a change, so that new objects do not wait behind thousands of unchanged ones."""


@dataclass(frozen=True)
class Looking:
    """The selection of objects, and how often they are reconciled."""

    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    """Only objects of namespaces with these labels."""
    resync: float = 600
    """About so many seconds between two reconciliations of an unchanged object."""


class _Essence(kopf.AnnotationsDiffBaseStorage):
    """What kopf remembers of an object to notice changes: the generation only, and not a copy of the whole object."""

    def build(self, *, body: kopf.Body, extra_fields: object = None) -> Any:  # noqa: ANN401, ARG002 (kopf's signature)
        return {"metadata": {"generation": body.metadata.get("generation", 0)}}


class Handlers:
    """The handlers for objects and namespaces."""

    def __init__(self, reconciler: Reconciler, metrics: OperatorMetrics, options: Looking) -> None:
        """Make the handlers, for all runs of kopf."""
        self._reconciler, self._metrics, self._options = reconciler, metrics, options
        self._turns, self._turns_of_unchanged = asyncio.Semaphore(_AT_ONCE), asyncio.Semaphore(_UNCHANGED_AT_ONCE)
        self._namespaces: set[str] = set()
        """The namespaces with the labels."""
        self._seen: dict[str, bool] = {}
        """Whether each namespace had the labels when it was seen last."""

    def configure(self, settings: kopf.OperatorSettings, **_: object) -> None:
        """Let kopf store little on objects, and write no Events of its own."""
        settings.persistence.finalizer = FINALIZER
        settings.persistence.diffbase_storage = _Essence(prefix=_PREFIX)
        settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=_PREFIX)
        settings.posting.loggers = False
        settings.posting.reporting_component = "mintmark-operator"
        settings.posting.event_name_prefix = "mintmark-"
        settings.scanning.disabled = True  # otherwise kopf lists every CRD of the cluster
        # Thousands of new objects would mean as many concurrent requests, whose memory the process keeps. Where labels select
        # namespaces kopf must have seen all of these before it handles anything: with a limit it would wait for itself.
        settings.queueing.worker_limit = None if self._options.namespace_labels else _WORKERS
        settings.queueing.idle_timeout = 1.0  # seconds that a worker keeps its place after its object's last event

    def know_namespace(self, body: kopf.Body, **_: object) -> None:
        """Note whether a namespace has the labels."""
        labels = dict(body.metadata.get("labels") or {})
        has_them = self._options.namespace_labels.items() <= labels.items()
        (self._namespaces.add if has_them else self._namespaces.discard)(str(body.metadata.get("name")))

    async def see_namespace(self, name: str | None, type: str | None, **_: object) -> None:
        """Touch the objects of a namespace that got or lost the labels, as kopf asks ``is_selected`` only when one changes."""
        if name is None or type == "DELETED":
            self._namespaces.discard(str(name))
            self._seen.pop(str(name), None)
            return
        is_selected = name in self._namespaces
        was_selected = self._seen.get(name, False)
        self._seen[name] = is_selected
        if type is None or is_selected == was_selected:  # None: it was there at the start
            return
        for kind in KINDS:
            try:
                plural, value = f"{kind.lower()}s", str(is_selected).lower()
                await self._reconciler.api_server.touch_all(plural, name, _SELECTED, value)
            except (ApiServerError, ConflictError) as error:
                log.warning(Event.OBJECT_STATUS_UNWRITTEN, extra={"namespace": name, "reason": str(error)})

    def is_selected(self, namespace: str | None, **_: object) -> bool:
        """Whether the namespace has the labels."""
        return namespace in self._namespaces

    @asynccontextmanager
    async def _turn(self, kind: str, *, is_changed: bool = True) -> AsyncIterator[None]:
        """Wait for a turn, and measure the reconciliation in it."""
        metrics = self._metrics
        async with AsyncExitStack() as stack:
            metrics.queued += 1
            try:
                if not is_changed:
                    await stack.enter_async_context(self._turns_of_unchanged)
                await stack.enter_async_context(self._turns)
            finally:
                metrics.queued -= 1
            metrics.under_way += 1
            began = perf_counter()
            try:
                yield
            finally:
                metrics.under_way -= 1
                metrics.reconciliation_took(perf_counter() - began, kind)

    def _note(self, body: kopf.Body, status: Mapping[str, Any]) -> None:
        """Show the object's condition in the metrics."""
        ready = ready_of(status)
        since = since_of(ready, self._reconciler.clock())
        state = ObjectState(body["kind"], str(ready.get("reason")), since)
        self._metrics.objects[str(body.metadata.get("uid"))] = state

    async def wake(self, memo: kopf.Memo, body: kopf.Body, type: str | None, **_: object) -> None:
        """Wake the loop of an object that has changed."""
        if type == "DELETED":
            self._metrics.objects.pop(str(body.metadata.get("uid")), None)
            return
        annotations = body.metadata.get("annotations") or {}
        seen = (body.metadata.get("generation"), annotations.get(ROTATE), annotations.get(ABANDON))
        if memo.setdefault("seen", seen) != seen:
            memo["seen"] = seen
            memo.setdefault("changed", asyncio.Event()).set()

    async def follow(self, body: kopf.Body, memo: kopf.Memo, stopped: kopf.DaemonStopped, **_: object) -> None:
        """Reconcile an object until it, or the operator, ends."""
        uid = str(body.metadata.get("uid"))
        try:
            await self._follow(body, memo, stopped)
        finally:
            if "deletionTimestamp" not in body.metadata:  # otherwise it stays in the metrics until it is deleted
                self._metrics.objects.pop(uid, None)

    async def _follow(self, body: kopf.Body, memo: kopf.Memo, stopped: kopf.DaemonStopped) -> None:
        changed = memo.setdefault("changed", asyncio.Event())
        lock = memo.setdefault("lock", asyncio.Lock())
        status, failures, is_changed = dict(body.status), 0, True
        while not stopped:
            changed.clear()
            # The lock comes last, as the object may end while this waits for its turn.
            async with self._turn(body["kind"], is_changed=is_changed), lock:
                if stopped or "deletionTimestamp" in body.metadata:
                    return
                status, is_good = await self._look(body, status)
                self._note(body, status)
            failures = 0 if is_good else failures + 1
            pause = (
                min(_FIRST_PAUSE * 2 ** min(failures - 1, _DOUBLINGS), _LONGEST_PAUSE)
                if failures
                else self._options.resync
            )
            await _sleep(pause * random.uniform(0.7, 1.0), changed, stopped)  # noqa: S311 (jitter)
            is_changed = changed.is_set()

    async def _look(self, live: kopf.Body, before: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        """Reconcile an object once. Return the new status, and whether the next attempt may wait for ``resync``."""
        reconciler = self._reconciler
        body = _plain(live) | {"status": before}
        try:
            if await reconciler.is_settled(body, before):
                self._metrics.reconciled(body["kind"], Reconciled.UNCHANGED)
                return before, True
            status, done = await reconciler.apply(body, before)
            self._metrics.reconciled(body["kind"], Reconciled.PUT_RIGHT if done else Reconciled.UNCHANGED)
            for news in done:
                kopf.event(live, type="Normal", reason=news.reason, message=news.message)
                log.info(Event.OBJECT_PUT_RIGHT, extra=_named(live) | {"reason": news.reason, "text": news.message})
            is_good = True
        except (UnfulfilledError, UnavailableError, ApiServerError, AdminError, ConflictError) as error:
            status, is_good = self._refused(live, before, error)
        try:
            if status != before:
                metadata = body["metadata"]
                plural = f"{body['kind'].lower()}s"
                await reconciler.api_server.write_status(plural, metadata["namespace"], metadata["name"], status)
        except (ApiServerError, ConflictError) as error:
            log.warning(Event.OBJECT_STATUS_UNWRITTEN, extra=_named(live) | {"reason": str(error)})
            return (status | {"digest": ""} if is_good else before), False  # so that it is written the next time
        return status, is_good

    def _refused(self, body: kopf.Body, before: Mapping[str, Any], error: Exception) -> tuple[dict[str, Any], bool]:
        reason = error.reason if isinstance(error, UnfulfilledError) else Reason.UNAVAILABLE
        may_pass = not isinstance(error, UnfulfilledError) or error.may_pass
        news = News(False, reason, str(error))
        outcome = Reconciled.UNAVAILABLE if reason is Reason.UNAVAILABLE else Reconciled.UNFULFILLED
        self._metrics.reconciled(body["kind"], outcome)
        was = ready_of(before)
        if (was.get("reason"), was.get("message")) != (reason, str(error)[:1024]):
            kopf.event(body, type="Warning", reason=reason, message=str(error)[:1024])
            log.warning(Event.OBJECT_UNFULFILLED, extra=_named(body) | {"reason": reason, "text": news.message})
        return with_news(before, news, body["metadata"]["generation"], self._reconciler.clock()), not may_pass

    async def end(self, body: kopf.Body, memo: kopf.Memo, retry: int, **_: object) -> None:
        """End what an object made; the object stays until that is done."""
        lock = memo.setdefault("lock", asyncio.Lock())
        try:
            async with self._turn(body["kind"]), lock:
                ended = await self._reconciler.end(_plain(body))
        except (UnavailableError, AdminError) as error:
            self._metrics.reconciled(body["kind"], Reconciled.UNAVAILABLE)
            await self._say_stuck(body, error)
            _wait_and_end_again(body, error, retry)
        self._metrics.reconciled(body["kind"], Reconciled.ENDED)
        if ended:
            kopf.event(body, type="Normal", reason="Ended", message=f"{ended} has ended, with all it held.")
            log.info(Event.OBJECT_ENDED, extra=_named(body) | {"key": ended})

    async def _say_stuck(self, body: kopf.Body, error: Exception) -> None:
        """Write into its condition why it cannot be deleted, as Events are dropped after an hour."""
        news, before = News(False, Reason.CANNOT_END, _stuck(body, error)), dict(body.status)
        status = with_news(before, news, body.metadata.get("generation", 0), self._reconciler.clock())
        self._note(body, status)
        plural, metadata = f"{body['kind'].lower()}s", body["metadata"]
        try:
            if status != before:
                await self._reconciler.api_server.write_status(plural, metadata["namespace"], metadata["name"], status)
        except (ApiServerError, ConflictError) as failed:
            log.warning(Event.OBJECT_STATUS_UNWRITTEN, extra=_named(body) | {"reason": str(failed)})


def _stuck(body: kopf.Body, error: Exception) -> str:
    return (
        f"What this object made cannot be ended now: {error}. It is tried again. To let the object go all the same: "
        f"kubectl annotate {body['kind'].lower()} {body['metadata']['name']} {ABANDON}=true"
    )


def _wait_and_end_again(body: kopf.Body, error: Exception, retry: int) -> NoReturn:
    text = _stuck(body, error)
    if retry in (0, 5):
        kopf.event(body, type="Warning", reason=Reason.CANNOT_END, message=text[:1024])
        log.warning(Event.OBJECT_CANNOT_END, extra=_named(body) | {"reason": str(error)})
    raise kopf.TemporaryError(text, delay=min(2.0 ** min(retry, _DOUBLINGS), 60.0) * random.uniform(0.7, 1.0))  # noqa: S311 (jitter)


async def _sleep(seconds: float, changed: asyncio.Event, stopped: kopf.DaemonStopped) -> None:
    """Sleep for some seconds, until the object has changed, or until it ends."""
    waiting = asyncio.ensure_future(changed.wait())
    stopping = asyncio.ensure_future(stopped.wait(seconds))
    try:
        await asyncio.wait((waiting, stopping), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in (waiting, stopping):
            one.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await one


def _named(body: kopf.Body) -> dict[str, Any]:
    """Return the name of an object, for the log."""
    return {"kind": body["kind"], "namespace": body.metadata.get("namespace"), "object": body.metadata.get("name")}


def _plain(body: kopf.Body) -> dict[str, Any]:
    """Return the current object as plain dictionaries."""
    members = dict(body)
    return {**members, "metadata": dict(body.metadata), "spec": dict(body.spec), "status": dict(body.status)}
