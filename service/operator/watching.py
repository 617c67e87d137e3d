"""Runs of kopf, one after the other: a new one where rights came or went, or where the last one failed.

kopf ends for good where it may not list any more; we go on, not ready, and look again.
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
"""Seconds between two looks at what our account may do."""
KINDS_UNKNOWN = (
    "the cluster does not know OAuth2Client and the other kinds: install their definitions with the chart "
    "(operator.crds.install), or kubectl apply --server-side -f helm/mintmark/files/crds"
)
_HINT = "give its account the rights there: operator.namespaces of the chart"


@dataclass(frozen=True)
class Scope:
    """What the operator watches."""

    namespaces: tuple[str, ...] = ()
    """Empty: all."""
    has_labels: bool = False
    """Whether only namespaces with labels are looked at; needs all of them to be watched."""
    look_for_rights: float = LOOK_FOR_RIGHTS
    """Seconds between two looks at what our account may do."""


class Watcher:
    """Watches objects, wherever rights are."""

    def __init__(
        self, api_server: ApiServer, scope: Scope, handlers: Handlers, health: OperatorHealth, metrics: OperatorMetrics
    ) -> None:
        self._api_server, self._scope, self._handlers = api_server, scope, handlers
        self._health, self._metrics = health, metrics
        self._missing: dict[str, tuple[Right, ...]] = {}
        """By namespace, "" for all of them."""
        _set_up_kopf()

    async def run(self, login: Callable[..., kopf.ConnectionInfo], stop: asyncio.Event) -> None:
        """Watch objects until ``stop`` is set, by SIGTERM or SIGINT say.

        Args:
            login: Signs kopf in.
            stop: Ends it.
        """
        pause = FIRST_PAUSE
        while not stop.is_set():
            try:
                namespaces = await self._look()
            except (ApiServerError, ConflictError) as error:  # where it is away, the checks log it
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
        """Return the namespaces that can be watched; say what is missing where that is another than before.

        Raises:
            ApiServerError: It does not answer, or does not know our kinds.
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
        """One run of kopf: until ``stop`` is set, or other namespaces can be watched."""
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
            for one in (signal.SIGTERM, signal.SIGINT):  # kopf has put its own in their place, which end with it
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
        """Set ``anew`` when ``stop`` is set, or when rights came or went."""
        try:
            while not stop.is_set():
                await _sleep(self._scope.look_for_rights, stop)
                with contextlib.suppress(ApiServerError, ConflictError):
                    if await self._look() != namespaces:
                        break
        finally:  # or kopf would not end with us
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
    # By itself it asks for the name of our user, whom an image under any uid does not know.
    os.environ.setdefault("POD_ID", socket.gethostname())
    # That a handler was called says nothing; what was done is logged by the handlers.
    if not log.isEnabledFor(logging.DEBUG):
        logging.getLogger("kopf").setLevel(logging.WARNING)
    logging.getLogger("kopf.objects").addFilter(_without_settings)
    for part in ("_cogs.clients.watching", "_core.engines.posting"):
        logging.getLogger(f"kopf.{part}").addFilter(_no_repetition)


def _no_repetition(record: logging.LogRecord) -> bool:
    """Leave out what kopf tries again: that the API server is away the checks log once, and ever more rarely."""
    return "failed; will retry" not in str(record.msg)


def _without_settings(record: logging.LogRecord) -> bool:
    """Take out of a line of kopf's what it carries for itself."""
    for name in ("settings", "k8s_skip"):
        record.__dict__.pop(name, None)
    return True


async def _sleep(seconds: float, stop: asyncio.Event) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
