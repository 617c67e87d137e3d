"""``mintmark operator``: the controller for clients, resources and trusted issuers as objects of Kubernetes."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Any

import aiohttp
import typer

from service.admin.operations import AnyOperation, Do
from service.cli import remote
from service.cli.exits import ServiceUnusableError
from service.cli.json_output import Json, emit
from service.cli.variables import CA_VARIABLE, CERTIFICATE_VARIABLE, KEY_VARIABLE
from service.observe import log
from service.settings import SettingsError

_AT_ONCE = 8
"""Requests to the service at a time, however many objects there are."""
_TOKEN_FOR = 30.0
"""Seconds after which the file with the token is read again."""
_LISTED_FOR = 30.0
"""Seconds for which what the service listed counts for objects that are only looked at."""
_REQUEST_ENDED_AFTER = 90.0
"""Seconds after which every request that had begun is over."""
_Files = tuple[tuple[int, int, int], ...]


_Namespaces = Annotated[
    list[str] | None,
    typer.Option(help="Watch this namespace; all of them unless said. May be repeated.", metavar="NAME"),
]
_NamespaceLabels = Annotated[
    list[str] | None,
    typer.Option(help="Watch only namespaces with this label. May be repeated.", metavar="NAME=VALUE"),
]
_IssuerUrl = Annotated[
    str, typer.Option(help="The issuer that applications find in their Secrets; none unless said.", metavar="URL")
]
_ClusterName = Annotated[
    str, typer.Option(help="Tells this cluster apart, where several declare what one service has.", metavar="NAME")
]
_Resync = Annotated[
    int, typer.Option(help="Seconds between two looks at an object that does not change.", min=1, metavar="SECONDS")
]
_SecretGrace = Annotated[
    int, typer.Option(help="Seconds for which a secret counts beside the one after it.", min=0, metavar="SECONDS")
]
_Liveness = Annotated[str, typer.Option(help="Answer probes here: http://0.0.0.0:8082/healthz.", metavar="URL")]
_LogLevel = Annotated[
    str, typer.Option(help="Least level that is logged: DEBUG, INFO, WARNING, ERROR.", metavar="LEVEL")
]
_LogFormat = Annotated[str, typer.Option(help="json: one object a line; text: for reading.", metavar="FORMAT")]


def operator(
    namespace: _Namespaces = None,
    namespace_label: _NamespaceLabels = None,
    issuer: _IssuerUrl = "",
    cluster: _ClusterName = "",
    resync: _Resync = 600,
    secret_grace: _SecretGrace = 86400,
    liveness: _Liveness = "",
    log_level: _LogLevel = "INFO",
    log_format: _LogFormat = "json",
    json: Json = False,
) -> None:
    """Keep clients, resources and trusted issuers as objects of Kubernetes declare them, until SIGTERM or Ctrl-C.

    Example: `mintmark operator --namespace shop --issuer https://id.example.com`, with the admin API in MINTMARK_URL

    It acts by the admin API of a running service (`--url`, `--token-file`); in a cluster by the account of its pod, elsewhere
    as KUBECONFIG says. The chart makes all of it: `--set operator.enabled=true`. Needs kopf:
    `pip install -e '.[operator]'` in a checkout.
    Prints what it watches when it begins. Ends with exit code 0 after SIGTERM or Ctrl-C.
    """
    target = remote.target()
    if target is None:
        raise SettingsError(
            "--url: the operator acts by the admin API of a running service; say where its admin_port is"
        )
    log.configure(log_level, log_format)
    try:
        from service.operator import handlers  # with kopf, which a server does without
    except ImportError as error:
        raise SettingsError(
            "kopf is not installed: pip install -e '.[operator]' in the checkout of Mintmark"
        ) from error
    labels = dict(_label(one) for one in namespace_label or ())
    watching = handlers.Watching(tuple(namespace or ()), labels or None, resync, liveness)
    if json:
        emit({"url": target.url, "namespaces": namespace or [], "namespace_labels": labels})
    else:
        sys.stdout.write(f"Watching {', '.join(namespace or ['all namespaces'])} for {target.url}\n")
        sys.stdout.flush()
    asyncio.run(_run(watching, {"issuer": issuer, "cluster_name": cluster, "secret_grace": float(secret_grace)}))


def _label(text: str) -> tuple[str, str]:
    name, mark, value = text.partition("=")
    if not name or not mark:
        raise typer.BadParameter(f"--namespace-label {text}: must be NAME=VALUE")
    return name, value


async def _run(watching: Any, options: Mapping[str, Any]) -> None:  # noqa: ANN401 (handlers.Watching, which imports kopf)
    from service.operator import handlers
    from service.operator.api_server import ApiServer, ApiServerError
    from service.operator.connection import connection, login
    from service.operator.reconciling import Reconciler
    from service.operator.record_digests import RecordDigests

    stop = asyncio.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(one, stop.set)
    async with AsyncExitStack() as stack:
        do = _Service(stack, handlers.UnavailableError).do
        http = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))
        api_server = ApiServer(http, connection)
        await _check_kinds(api_server)
        records = RecordDigests(do, time.monotonic, _LISTED_FOR)
        reconciler = Reconciler(do, records, api_server, time.time, **options)
        try:
            await handlers.run_operator(reconciler, watching, login, stop)
        except ApiServerError as error:
            raise ServiceUnusableError(f"The API server of the cluster: {error}") from error


async def _check_kinds(api_server: Any) -> None:  # noqa: ANN401 (ApiServer, imported with kopf)
    """Raises SettingsError where the cluster does not know what is to be watched, ServiceUnusableError."""
    from service.operator.api_server import ApiServerError

    try:
        if not await api_server.knows_kinds():
            raise SettingsError(
                "the cluster does not know OAuth2Client and the other kinds: install their definitions with the chart "
                "(operator.crds.install), or kubectl apply --server-side -f helm/mintmark/files/crds"
            )
    except ApiServerError as error:
        raise ServiceUnusableError(f"The API server of the cluster cannot be asked: {error}") from error


class _Service:
    """The service, by a token and certificates that may be replaced while we run; some requests at a time."""

    def __init__(self, stack: AsyncExitStack, unavailable: type[Exception]) -> None:
        self._stack = stack
        self._connection = AsyncExitStack()
        self._files: _Files = ()
        self._closing: set[asyncio.Future[None]] = set()
        self._unavailable = unavailable
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._target: remote.RunningService | None = None
        self._do: Do | None = None
        self._read_at = 0.0

    async def do(self, operation: AnyOperation, given: Mapping[str, Any]) -> dict[str, Any]:
        """Perform an operation there. Raises AdminError, and what was said to be raised where it cannot be asked."""
        async with self._slots:
            try:
                return await (await self._connected())(operation, given)
            except (ServiceUnusableError, SettingsError) as error:
                self._read_at = 0.0  # perhaps the token is another by now
                raise self._unavailable(" ".join(str(error).split())) from error

    async def _connected(self) -> Do:
        """A connection with token, authority and certificate as their files have them now."""
        if self._do is not None and time.monotonic() - self._read_at < _TOKEN_FOR:
            return self._do
        self._read_at = time.monotonic()
        files, target = _tls_files(), remote.target()
        if target is None:
            raise SettingsError("--url: not set any more")
        if self._do is None or self._target is None or target[:2] != self._target[:2] or files != self._files:
            old, self._connection = self._connection, await self._stack.enter_async_context(AsyncExitStack())
            self._do = await self._connection.enter_async_context(remote.connected(target))
            self._target, self._files = target, files
            asyncio.get_running_loop().call_later(_REQUEST_ENDED_AFTER, self._close, old)
        return self._do

    def _close(self, connection: AsyncExitStack) -> None:
        """Close one that carries no request any more."""
        closing = asyncio.ensure_future(connection.aclose())
        self._closing.add(closing)  # the loop keeps no hold of what it runs
        closing.add_done_callback(self._closing.discard)


def _tls_files() -> _Files:
    """What is another after every change of the authority's file, or of those of our own certificate."""
    paths = [Path(one) for name in (CA_VARIABLE, CERTIFICATE_VARIABLE, KEY_VARIABLE) if (one := os.environ.get(name))]
    try:
        return tuple((seen.st_mtime_ns, seen.st_ino, seen.st_size) for seen in map(Path.stat, paths))
    except OSError as error:
        raise SettingsError(f"{error.filename}: {error.strerror}") from error
