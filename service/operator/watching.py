"""Runs of kopf, one after the other: a new one when rights came or went, or when the last one failed.

kopf ends for good when it may not list objects any more; the operator continues, not ready, and checks its rights again.
"""

import asyncio
import contextlib
import logging
import os
import random
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass

import kopf

from service.concurrency.background_tasks import FIRST_PAUSE, LONGEST_PAUSE
from service.declared import GROUP, KINDS, VERSION
from service.observe.events import Event
from service.operator.api_server import ApiServer, ApiServerError, ConflictError
from service.operator.handlers import STOP_SECONDS, Handlers
from service.operator.health import CHECK_AGAIN_AFTER, OperatorHealth
from service.operator.metrics import Dependency, OperatorMetrics
from service.operator.rights import OF_NAMESPACES, RIGHTS, WATCHING, Right, missing_rights

log = logging.getLogger(__name__)

LOOK_FOR_RIGHTS = 30.0
"""Seconds between two checks of our account's rights."""
KINDS_UNKNOWN = (
    "the cluster does not know OAuth2Client and the other kinds: install their definitions with the chart "
    "(operator.crds.install), or kubectl apply --server-side -f helm/mintmark/files/crds"
)
_HINT = "give its account the rights there: operator.namespaces of the chart"


@dataclass(frozen=True)
class Scope:
    """The namespaces that the operator watches."""

    namespaces: tuple[str, ...] = ()
    """Their names. Empty: all."""
    has_labels: bool = False
    """Whether only objects in namespaces with labels are reconciled; then all namespaces are watched."""
    look_for_rights: float = LOOK_FOR_RIGHTS
    """Seconds between two checks of our account's rights."""


class Watcher:
    """Watches objects in all namespaces where the account has its rights."""

    def __init__(
        self, api_server: ApiServer, scope: Scope, handlers: Handlers, health: OperatorHealth, metrics: OperatorMetrics
    ) -> None:
        self._api_server, self._scope, self._handlers = api_server, scope, handlers
        self._health, self._metrics = health, metrics
        self._missing: dict[str, tuple[Right, ...]] = {}
        """Missing rights by namespace, "" for all namespaces."""
        _set_up_kopf()

    async def run(self, login: Callable[..., kopf.ConnectionInfo], stop: asyncio.Event) -> None:
        """Watch objects until ``stop`` is set.

        Args:
            login: Returns the credentials for kopf.
            stop: Ends the watching, for example after SIGTERM or SIGINT.
        """
        pause = FIRST_PAUSE
        while not stop.is_set():
            try:
                namespaces = await self._look()
            except (ApiServerError, ConflictError) as error:  # an outage is logged by the checks
                self._health.set(Dependency.RIGHTS, f"cannot be looked at: {error}")
                await _sleep(CHECK_AGAIN_AFTER, stop)
                continue
            if not namespaces:
                await _sleep(self._scope.look_for_rights, stop)
                continue
            began = asyncio.get_running_loop().time()
            try:
                await self._watch(namespaces, login, stop)
            except Exception:
                log.exception(Event.BACKGROUND_TASK_FAILED, extra={"task": "watching", "restart_in": round(pause, 1)})
                if asyncio.get_running_loop().time() - began > LONGEST_PAUSE:
                    pause = FIRST_PAUSE
                await _sleep(pause * random.uniform(0.8, 1.0), stop)  # noqa: S311 (jitter)
                pause = min(2 * pause, LONGEST_PAUSE)

    async def _look(self) -> tuple[str, ...]:
        """Return the namespaces that can be watched, and log missing rights if they differ from the last time.

        Raises:
            ApiServerError: The API server does not answer, or does not know our kinds.
        """
        if not await self._api_server.knows_kinds():
            raise ApiServerError(KINDS_UNKNOWN)
        wanted = RIGHTS + (OF_NAMESPACES if self._scope.has_labels else ())
        missing = {one: await missing_rights(self._api_server, one, wanted) for one in self._scope.namespaces or ("",)}
        for namespace, rights in missing.items():
            self._say(namespace, rights)
        self._missing = missing
        lacking = [namespace for namespace, rights in missing.items() if rights]
        self._metrics.namespaces["forbidden"] = len(lacking)
        is_lame = len(lacking) == len(missing)
        texts = (f"{one or 'all namespaces'}: {', '.join(map(str, missing[one]))}" for one in lacking)
        self._health.set(Dependency.RIGHTS, f"no rights in {'; '.join(texts)}" if is_lame else "")
        needed = {*WATCHING, *OF_NAMESPACES}
        return tuple(namespace for namespace, rights in missing.items() if not needed & set(rights))

    def _say(self, namespace: str, rights: tuple[Right, ...]) -> None:
        before = self._missing.get(namespace, ())
        if rights and rights != before:
            facts = {"namespace": namespace, "rights": ", ".join(map(str, rights)), "hint": _HINT}
            log.error(Event.NAMESPACE_FORBIDDEN, extra=facts)
        if before and not rights:
            log.info(Event.NAMESPACE_ALLOWED, extra={"namespace": namespace})

    async def _watch(
        self, namespaces: tuple[str, ...], login: Callable[..., kopf.ConnectionInfo], stop: asyncio.Event
    ) -> None:
        """Run kopf once, until ``stop`` is set or other namespaces can be watched."""
        anew = asyncio.Event()
        waiting = asyncio.create_task(self._until_another_run(namespaces, stop, anew))
        before = asyncio.all_tasks()
        self._metrics.namespaces["watched"] = len(namespaces)
        try:
            tasks = await kopf.spawn_tasks(
                registry=self._registry(login),
                standalone=True,
                clusterwide=not self._scope.namespaces,
                namespaces=namespaces if self._scope.namespaces else (),
                stop_flag=anew,
            )
            for one in (signal.SIGTERM, signal.SIGINT):  # kopf has replaced ours by its own, which end with its run
                asyncio.get_running_loop().add_signal_handler(one, stop.set)
            await kopf.run_tasks(tasks, ignored=before)
            if not anew.is_set():
                raise RuntimeError("kopf has ended by itself")
        finally:
            self._metrics.namespaces["watched"] = 0
            self._metrics.objects.clear()  # of what goes until the next run no end is seen
            waiting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await waiting

    async def _until_another_run(self, namespaces: tuple[str, ...], stop: asyncio.Event, anew: asyncio.Event) -> None:
        """Set ``anew`` when ``stop`` is set, or rights came or went."""
        try:
            while not stop.is_set():
                await _sleep(self._scope.look_for_rights, stop)
                with contextlib.suppress(ApiServerError, ConflictError):
                    if await self._look() != namespaces:
                        break
        finally:  # otherwise kopf would not end with us
            anew.set()

    def _registry(self, login: Callable[..., kopf.ConnectionInfo]) -> kopf.OperatorRegistry:
        registry, handlers = kopf.OperatorRegistry(), self._handlers
        kopf.on.startup(registry=registry)(handlers.configure)
        kopf.on.login(registry=registry)(login)
        selected = handlers.is_selected if self._scope.has_labels else None
        if self._scope.has_labels:
            kopf.index("namespaces", registry=registry)(handlers.know_namespace)  # before any handler is called
            kopf.on.event("namespaces", registry=registry)(handlers.see_namespace)
        for kind in KINDS:
            plural = f"{kind.lower()}s"
            # All of them: one that goes may be of a namespace that was selected until now.
            kopf.on.event(GROUP, VERSION, plural, registry=registry)(handlers.wake)
            kopf.daemon(GROUP, VERSION, plural, registry=registry, when=selected, cancellation_timeout=STOP_SECONDS)(
                handlers.follow
            )
            kopf.on.delete(GROUP, VERSION, plural, registry=registry, when=selected)(handlers.end)
        return registry


def _set_up_kopf() -> None:
    # By default kopf looks up the name of the current user, which an image running under any uid does not have.
    os.environ.setdefault("POD_ID", socket.gethostname())
    # Calls of handlers are not worth a log line; the handlers log what they do.
    if not log.isEnabledFor(logging.DEBUG):
        logging.getLogger("kopf").setLevel(logging.WARNING)
    logging.getLogger("kopf.objects").addFilter(_without_settings)
    for part in ("_cogs.clients.watching", "_core.engines.posting"):
        logging.getLogger(f"kopf.{part}").addFilter(_no_repetition)


def _no_repetition(record: logging.LogRecord) -> bool:
    """Leave out kopf's retries, as the checks log an outage of the API server, at growing intervals."""
    return "failed; will retry" not in str(record.msg)


def _without_settings(record: logging.LogRecord) -> bool:
    """Remove members from a log record that kopf adds for itself."""
    for name in ("settings", "k8s_skip"):
        record.__dict__.pop(name, None)
    return True


async def _sleep(seconds: float, stop: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
