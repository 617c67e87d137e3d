"""``mintmark operator``: the controller for clients, resources and trusted issuers as objects of Kubernetes."""

import asyncio
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from service.admin.errors import AdminError, NotFound
from service.admin.operations import AnyOperation, Do
from service.cli import remote
from service.cli.exits import ServiceUnusableError
from service.cli.json_output import Json, emit
from service.cli.usage import WrongUsage
from service.cli.variables import CA_VARIABLE, CERTIFICATE_VARIABLE, KEY_VARIABLE
from service.observe import log
from service.operator.health import UnavailableError
from service.operator.metrics import RequestOutcome
from service.settings import SettingsError
from service.settings.observing import LogFormat, LogLevel

_AT_ONCE = 8
"""The most concurrent requests to the service, for any number of objects."""
_TOKEN_FOR = 30.0
"""Seconds after which the file with the token is read again."""
_REQUEST_ENDED_AFTER = 90.0
"""Seconds after which every request on a replaced connection has ended."""
_Files = tuple[tuple[int, int, int], ...]


_Namespaces = Annotated[
    list[str] | None,
    typer.Option(help="Watch this namespace; by default all. May be repeated.", metavar="NAME"),
]
_NamespaceLabels = Annotated[
    list[str] | None,
    typer.Option(help="Watch only namespaces with this label. May be repeated.", metavar="NAME=VALUE"),
]
_IssuerUrl = Annotated[
    str, typer.Option(help="The issuer in the Secrets for applications; by default none.", metavar="URL")
]
_ClusterName = Annotated[
    str,
    typer.Option(
        help="The name of this cluster, where several clusters declare objects of one service.", metavar="NAME"
    ),
]
_Resync = Annotated[
    int, typer.Option(help="Seconds between two checks of an object that does not change.", min=1, metavar="SECONDS")
]
_SecretGrace = Annotated[
    int, typer.Option(help="Seconds for which a replaced secret stays valid.", min=0, metavar="SECONDS")
]
_HealthPort = Annotated[
    int,
    typer.Option(help="Port of /livez, /readyz and /metrics; 0 = none.", min=0, max=65535, metavar="PORT"),
]
_HealthHost = Annotated[str, typer.Option(help="Address that this port listens on.", metavar="HOST")]
_LogLevel = Annotated[
    LogLevel, typer.Option(help="Least level that is logged: DEBUG, INFO, WARNING, ERROR.", metavar="LEVEL")
]
_LogFormat = Annotated[LogFormat, typer.Option(help="json: one object a line; text: for reading.", metavar="FORMAT")]


def operator(
    namespace: _Namespaces = None,
    namespace_label: _NamespaceLabels = None,
    issuer: _IssuerUrl = "",
    cluster: _ClusterName = "",
    resync: _Resync = 600,
    secret_grace: _SecretGrace = 86400,
    health_port: _HealthPort = 0,
    health_host: _HealthHost = "127.0.0.1",
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
        from service.operator.running import Options, run  # with kopf, which a server does without
    except ImportError as error:
        raise SettingsError(
            "kopf is not installed: pip install -e '.[operator]' in the checkout of Mintmark"
        ) from error
    labels = dict(_label(one) for one in namespace_label or ())
    if json:
        emit({"url": target.url, "namespaces": namespace or [], "namespace_labels": labels})
    else:
        sys.stdout.write(f"Watching {', '.join(namespace or ['all namespaces'])} for {target.url}\n")
        sys.stdout.flush()
    options = Options(tuple(namespace or ()), labels, issuer, cluster, secret_grace, resync, health_host, health_port)
    asyncio.run(run(_open_service, options))


def _open_service(stack: AsyncExitStack, answered: Callable[[RequestOutcome], None]) -> Do:
    return _Service(stack, answered).do


def _label(text: str) -> tuple[str, str]:
    name, mark, value = text.partition("=")
    if not name or not mark:
        raise WrongUsage(f"--namespace-label {text}: must be NAME=VALUE")
    return name, value


class _Service:
    """The connection to the service, whose token and certificates may be replaced meanwhile; with bounded concurrency."""

    def __init__(self, stack: AsyncExitStack, answered: Callable[[RequestOutcome], None]) -> None:
        self._stack, self._answered = stack, answered
        self._connection = AsyncExitStack()
        self._files: _Files = ()
        self._closing: set[asyncio.Future[None]] = set()
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._target: remote.RunningService | None = None
        self._do: Do | None = None
        self._read_at = 0.0

    async def do(self, operation: AnyOperation, given: Mapping[str, Any]) -> dict[str, Any]:
        """Perform an operation at the service. Raises AdminError, UnavailableError."""
        async with self._slots:
            try:
                output = await (await self._connected())(operation, given)
            except (ServiceUnusableError, SettingsError) as error:
                self._answered(RequestOutcome.FAILED)
                self._read_at = 0.0  # read the token again, as it may have been replaced
                raise UnavailableError(" ".join(str(error).split())) from error
            except AdminError as error:
                self._answered(RequestOutcome.OK if isinstance(error, NotFound) else RequestOutcome.REFUSED)
                raise
            self._answered(RequestOutcome.OK)
            return output

    async def _connected(self) -> Do:
        """Return a connection with the token, authority and certificate that their files have now."""
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
        """Close a connection that has no requests any more."""
        closing = asyncio.ensure_future(connection.aclose())
        self._closing.add(closing)  # the event loop keeps only weak references to its tasks
        closing.add_done_callback(self._closing.discard)


def _tls_files() -> _Files:
    """Return a value that differs after every change of the files of the authority, or of our own certificate and key."""
    paths = [Path(one) for name in (CA_VARIABLE, CERTIFICATE_VARIABLE, KEY_VARIABLE) if (one := os.environ.get(name))]
    try:
        return tuple((seen.st_mtime_ns, seen.st_ino, seen.st_size) for seen in map(Path.stat, paths))
    except OSError as error:
        raise SettingsError(f"{error.filename}: {error.strerror}") from error
