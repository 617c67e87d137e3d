"""The wiring of the operator: from its options to reconciler, handlers and health, and runs of kopf until it is stopped."""

import asyncio
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial

import aiohttp

from service.admin.operations import Do, clients
from service.operator.api_server import ApiServer, ApiServerError
from service.operator.connection import connection, login
from service.operator.handlers import Handlers, Looking
from service.operator.health import Check, OperatorHealth
from service.operator.metrics import Dependency, OperatorMetrics, RequestOutcome
from service.operator.reconciling import Reconciler
from service.operator.record_digests import RecordDigests
from service.operator.watching import KINDS_UNKNOWN, LOOK_FOR_RIGHTS, Scope, Watcher
from service.settings import SettingsError

_LISTED_FOR = 30.0
"""Seconds for which a list of the service's records is used to notice drift."""
OpenService = Callable[[AsyncExitStack, Callable[[RequestOutcome], None]], Do]
"""Return a ``Do`` that performs operations at the service until the stack is closed, and counts their outcomes."""


@dataclass(frozen=True)
class Options:
    """The options of the operator."""

    namespaces: tuple[str, ...] = ()
    """The watched namespaces. Empty: all."""
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    """Only namespaces with these labels."""
    issuer: str = ""
    cluster_name: str = ""
    secret_grace: float = 86400
    """Seconds for which a replaced secret stays valid."""
    resync: float = 600
    """About so many seconds between two reconciliations of an unchanged object."""
    health_host: str = "127.0.0.1"
    health_port: int = 0
    """The port for probes and metrics; 0: none."""


async def run(open_service: OpenService, options: Options) -> None:
    """Watch objects until SIGTERM or SIGINT.

    Args:
        open_service: Connects to the service.
        options: What to watch, and how.

    Raises:
        SettingsError: There are no credentials for the cluster, or the port for probes cannot be used.
    """
    try:
        connection()
    except ApiServerError as error:
        raise SettingsError(f"KUBECONFIG: {error}") from error
    stop = asyncio.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(one, stop.set)
    metrics = OperatorMetrics(time.time)
    async with AsyncExitStack() as stack:
        do = open_service(stack, partial(metrics.requested, Dependency.SERVICE))
        http = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))
        api_server = ApiServer(http, connection, partial(metrics.requested, Dependency.API_SERVER))
        health = OperatorHealth(metrics, _checks(api_server, do))
        await stack.enter_async_context(health.serving(options.health_host, options.health_port))
        checking = asyncio.create_task(health.keep_checking())
        stack.callback(checking.cancel)
        handlers = Handlers(
            _reconciler(do, api_server, options), metrics, Looking(options.namespace_labels, options.resync)
        )
        scope = Scope(options.namespaces, bool(options.namespace_labels), min(options.resync, LOOK_FOR_RIGHTS))
        await Watcher(api_server, scope, handlers, health, metrics).run(login, stop)


def _reconciler(do: Do, api_server: ApiServer, options: Options) -> Reconciler:
    records = RecordDigests(do, time.monotonic, _LISTED_FOR)
    return Reconciler(do, records, api_server, time.time, options.issuer, options.cluster_name, options.secret_grace)


def _checks(api_server: ApiServer, do: Do) -> dict[Dependency, Check]:
    async def check_api_server() -> str:
        return "" if await api_server.knows_kinds() else KINDS_UNKNOWN

    async def check_service() -> str:
        await do(clients.LIST, {"limit": 1})
        return ""

    return {Dependency.API_SERVER: check_api_server, Dependency.SERVICE: check_service}
