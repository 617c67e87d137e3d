"""What kopf calls: a loop for each object, which looks at it when it has changed and from time to time, and its end.

Each look compares all of it (level-triggered): what was missed while the operator was away is found at the next one. No state
is kept but in the status of the object.
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
"""Of pauses; a number that grows with every failure would be none of floating point after a day without the service."""
_PREFIX = f"operator.{GROUP}"
_SELECTED = f"{_PREFIX}/selected"
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 300.0
STOP_SECONDS = 20.0
"""How long a look may take that is under way when the operator is to end."""
_AT_ONCE = 16
"""Objects that are looked at side by side, however many there are."""
_WORKERS = 100
"""Objects of a kind whose events kopf handles side by side, where no labels choose namespaces. One that cannot end keeps its
place until it is tried again."""
_UNCHANGED_AT_ONCE = 4
"""Of these, at most, objects that have not changed: new ones do not wait behind thousands of them."""


@dataclass(frozen=True)
class Looking:
    """Which objects are looked at, and how often."""

    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    """Only those of namespaces with these labels."""
    resync: float = 600
    """Seconds between two looks at an object that does not change, about."""


class _Essence(kopf.AnnotationsDiffBaseStorage):
    """What makes an object another one for kopf: its annotation has a number, not the whole of it a second time."""

    def build(self, *, body: kopf.Body, extra_fields: object = None) -> Any:  # noqa: ANN401, ARG002 (kopf's signature)
        return {"metadata": {"generation": body.metadata.get("generation", 0)}}


class Handlers:
    """What is done with objects."""

    def __init__(self, reconciler: Reconciler, metrics: OperatorMetrics, options: Looking) -> None:
        """Make them, for all runs of kopf."""
        self._reconciler, self._metrics, self._options = reconciler, metrics, options
        self._turns, self._turns_of_unchanged = asyncio.Semaphore(_AT_ONCE), asyncio.Semaphore(_UNCHANGED_AT_ONCE)
        self._namespaces: set[str] = set()
        """Those with the labels."""
        self._seen: dict[str, bool] = {}
        """Whether a namespace had them when it was seen last."""

    def configure(self, settings: kopf.OperatorSettings, **_: object) -> None:
        """Leave on objects as little as can be, and in their Events only what is news."""
        settings.persistence.finalizer = FINALIZER
        settings.persistence.diffbase_storage = _Essence(prefix=_PREFIX)
        settings.persistence.progress_storage = kopf.AnnotationsProgressStorage(prefix=_PREFIX)
        settings.posting.loggers = False
        settings.posting.reporting_component = "mintmark-operator"
        settings.posting.event_name_prefix = "mintmark-"
        settings.scanning.disabled = True  # else it asked for every CRD of the cluster
        # Thousands of new objects would be as many requests under way, whose memory stays with the process. Where labels choose
        # namespaces kopf must have seen all of these before it handles anything: with a limit it would wait for itself.
        settings.queueing.worker_limit = None if self._options.namespace_labels else _WORKERS
        settings.queueing.idle_timeout = 1.0  # seconds that a worker keeps its place after its object's last event

    def know_namespace(self, body: kopf.Body, **_: object) -> None:
        """Keep which namespaces have the labels."""
        labels = dict(body.metadata.get("labels") or {})
        has_them = self._options.namespace_labels.items() <= labels.items()
        (self._namespaces.add if has_them else self._namespaces.discard)(str(body.metadata.get("name")))

    async def see_namespace(self, name: str | None, type: str | None, **_: object) -> None:
        """Have the objects of a namespace looked at that got the labels, or lost them: kopf asks for each object by itself."""
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
        """Whether objects of this namespace are ours to look at."""
        return namespace in self._namespaces

    @asynccontextmanager
    async def _turn(self, kind: str, *, is_changed: bool = True) -> AsyncIterator[None]:
        """Wait for a turn, and count what is done in it."""
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
        """Let the metrics show what its condition says."""
        ready = ready_of(status)
        since = since_of(ready, self._reconciler.clock())
        state = ObjectState(body["kind"], str(ready.get("reason")), since)
        self._metrics.objects[str(body.metadata.get("uid"))] = state

    async def wake(self, memo: kopf.Memo, body: kopf.Body, type: str | None, **_: object) -> None:
        """Let the loop look at an object that is another than it was."""
        if type == "DELETED":
            self._metrics.objects.pop(str(body.metadata.get("uid")), None)
            return
        annotations = body.metadata.get("annotations") or {}
        seen = (body.metadata.get("generation"), annotations.get(ROTATE), annotations.get(ABANDON))
        if memo.setdefault("seen", seen) != seen:
            memo["seen"] = seen
            memo.setdefault("changed", asyncio.Event()).set()

    async def follow(self, body: kopf.Body, memo: kopf.Memo, stopped: kopf.DaemonStopped, **_: object) -> None:
        """Look at an object until it, or the operator, ends."""
        uid = str(body.metadata.get("uid"))
        try:
            await self._follow(body, memo, stopped)
        finally:
            if "deletionTimestamp" not in body.metadata:  # else it is there until it is gone
                self._metrics.objects.pop(uid, None)

    async def _follow(self, body: kopf.Body, memo: kopf.Memo, stopped: kopf.DaemonStopped) -> None:
        changed = memo.setdefault("changed", asyncio.Event())
        lock = memo.setdefault("lock", asyncio.Lock())
        status, failures, is_changed = dict(body.status), 0, True
        while not stopped:
            changed.clear()
            # The lock last: while this look waits for its turn, the object may end.
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
        """Return the new status, and whether it may be left alone for long."""
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
        """End what an object made; until that is done, the object stays."""
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
        """Write into its condition why it does not go: Events are forgotten after an hour."""
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
    """Sleep so long, until it has changed, or until it is over."""
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
    """Which object it is, for the log."""
    return {"kind": body["kind"], "namespace": body.metadata.get("namespace"), "object": body.metadata.get("name")}


def _plain(body: kopf.Body) -> dict[str, Any]:
    """The object as it is now, as plain members."""
    members = dict(body)
    return {**members, "metadata": dict(body.metadata), "spec": dict(body.spec), "status": dict(body.status)}
