"""The wiring on one page: Settings → Issuer → aiohttp server; start, drain, stop."""

import asyncio
import gc
import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from aiohttp import StreamReader, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage

from service import hooks
from service.admin import refusals, registration
from service.admin.client_documents import ClientDocuments
from service.concurrency.background_tasks import BackgroundTasks
from service.crypto.client_keys import ClientKeys
from service.crypto.dpop_nonces import DpopNonces
from service.crypto.dpop_proofs import DpopProofs
from service.crypto.keyring import Keyring
from service.crypto.passwords import Hashing
from service.crypto.random_blocks import RandomBlocks, RandomText
from service.crypto.sealing import RequestSealing, Sealing, shared_secrets
from service.directory import HttpDirectory, RedisDirectory
from service.endpoints import ENDPOINTS
from service.endpoints.endpoint import check_paths
from service.fronts import browser, oauth
from service.fronts.connections import Connections
from service.fronts.health import HEALTH_PATHS, Health
from service.fronts.methods import Handler, by_method
from service.fronts.places import listen_at, operators_place, public_places
from service.fronts.request import PublicRequest
from service.fronts.tls import check_client_authorities
from service.fronts.waiting import wait_for_redis
from service.fronts.watching import watching
from service.issuer import Issuer
from service.login import backchannel_deliveries
from service.login.backchannel_logout import deliver_due
from service.observe.audit_file import AuditFile
from service.observe.events import Event
from service.observe.known_secrets import know_secrets_of
from service.observe.loop_lag import keep_measuring
from service.observe.metrics import Metrics
from service.observe.redis_watch import RedisWatch
from service.observe.refusals import Refusals
from service.outbound.delivery_loop import keep_delivering
from service.outbound.http_client import HttpClient
from service.protocol.errors import TemporarilyUnavailable
from service.protocol.names import DeliveryMode
from service.redis.unreachable import explain
from service.settings import Settings, SettingsError
from service.store.keys import Keys
from service.store.store import Store, open_store
from service.tokens.ending import end_excess
from service.workers import until_orphaned

if TYPE_CHECKING:
    from service.observe.tracing import Tracing

log = logging.getLogger(__name__)


def make_issuer(
    settings: Settings, store: Store, clock: Callable[[], float] = time.time, watch: RedisWatch | None = None
) -> Issuer:
    """Make the issuer on this store; ``watch``: what watches the store already."""
    metrics, tracing = (watch.metrics, watch.tracing) if watch else (Metrics(), None)
    hashing, randomness, http_client = Hashing(settings), RandomBlocks(), HttpClient(settings, tracing)
    directory = (
        HttpDirectory(store, http_client, settings)
        if settings.directory_url
        else RedisDirectory(store, hashing, settings)
    )
    keyring = (
        Keyring(settings, store.signing_keys, randomness, clock, store.encryption_keys) if settings.openid else None
    )
    if keyring is not None:
        metrics.watch_keys(keyring.times)
    issuer = Issuer(
        url=settings.issuer,
        settings=settings,
        store=store,
        directory=directory,
        hashing=hashing,
        http_client=http_client,
        background=BackgroundTasks(metrics),
        keyring=keyring,
        client_documents=ClientDocuments(),
        client_keys=ClientKeys(settings, http_client.get, counted=metrics.client_keys),
        dpop_proofs=DpopProofs(),
        dpop_nonces=DpopNonces(shared_secrets(settings), settings.dpop_nonce_lifetime),
        sealing=Sealing(settings.master_keys),
        request_sealing=RequestSealing.of(settings, randomness),
        hooks=hooks.Hooks(settings, http_client, store.notifications, metrics, clock, randomness),
        metrics=metrics,
        refusals=Refusals(metrics, clock),
        clock=clock,
        randomness=randomness,
        random_text=RandomText(),
        tracing=tracing,
        audit_file=AuditFile(settings.audit_file) if settings.audit_file else None,
    )
    store.indexing.end_excess = partial(end_excess, issuer)
    return issuer


@asynccontextmanager
async def open_issuer(settings: Settings, *, listen: bool = True, keys: Keys | None = None) -> AsyncIterator[Issuer]:
    """An issuer on a checked store, closed afterwards. Raises what ``open_store`` does.

    Args:
        settings: Of the issuer.
        listen: Whether to keep the cache of clients up with other processes.
        keys: Where its records are in Redis, None = where they are unless several issuers share it.
    """
    know_secrets_of(settings)
    watch = RedisWatch(Metrics(), open_tracing(settings))
    store = await open_store(settings, listen=listen, watch=watch, keys=keys)
    issuer = make_issuer(settings, store, watch=watch)
    try:
        if issuer.keyring is not None:
            await issuer.keyring.open()
        yield issuer
    finally:
        await issuer.background.close()
        issuer.hashing.close()
        if issuer.keyring is not None:
            issuer.keyring.close()
        await issuer.http_client.close()
        await store.close()
        if issuer.tracing is not None:
            await issuer.tracing.close()


def open_tracing(settings: Settings) -> "Tracing | None":
    """Load OpenTelemetry where traces are wanted. Raises SettingsError where it is not installed."""
    if settings.otlp_endpoint is None:
        return None
    try:
        from service.observe.tracing import Tracing
    except ImportError as error:
        raise SettingsError(
            f"otlp_endpoint: pip install -e '.[tracing]' in the checkout of Mintmark for it ({error})"
        ) from error
    return Tracing(settings.otlp_endpoint, settings.trace_sample)


def check_reserved_paths(settings: Settings) -> None:
    """Refuse paths that are chosen for two things. Raises SettingsError."""
    check_paths(ENDPOINTS.values(), settings, (*browser.OWN_PATHS, *oauth.discovery_paths(settings), *HEALTH_PATHS))


def make_server(
    issuer: Issuer, health: Health | None = None, further: Mapping[str, Handler] = MappingProxyType({})
) -> web.Server:
    """Make the aiohttp server of an issuer, with ``further`` paths.

    Handlers stand in a table, without the router and middlewares of a web.Application: every path is known beforehand, and
    what a router would do for each request is a sixth of an empty handler's cost.
    """
    issuer.hooks.load()
    health, pages = health or Health(issuer), browser.Front(issuer)
    handlers = {**pages.handlers(), **oauth.handlers(issuer), **health.handlers(), **further}
    handlers["*"] = by_method(("GET", "POST"), pages.not_found, oauth.refused_as_json)  # OPTIONS * (RFC 9110 9.3.7)
    check_reserved_paths(issuer.settings)
    watched = watching(issuer, handlers, _names(issuer), pages.not_found)
    loop, most = asyncio.get_running_loop(), issuer.settings.max_body

    def make_request(
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: web.RequestHandler,
        writer: AbstractStreamWriter,
        task: asyncio.Task[None],
    ) -> web.BaseRequest:
        return PublicRequest(message, payload, protocol, writer, task, loop, most)

    return Connections(issuer, watched, make_request, pages.malformed, is_leaving=lambda: not health.accepting)


def _names(issuer: Issuer) -> dict[str, str]:
    """What metrics call the endpoint at each path."""
    names = dict.fromkeys(oauth.discovery_paths(issuer.settings), "metadata")
    for endpoint in ENDPOINTS.values():
        for prefix in issuer.settings.path_prefixes:
            names |= dict.fromkeys((prefix + path for path in endpoint.paths(issuer.settings)), endpoint.name)
    return names


@asynccontextmanager
async def serving(
    issuer: Issuer, *, share_port: bool = False, further: Mapping[str, Handler] = MappingProxyType({})
) -> AsyncIterator[str]:
    """Serve on the settings' address until the block ends, then drain; the URL it can be reached by.

    ``share_port``: other processes listen there too, and the kernel spreads connections.
    """
    settings = issuer.settings
    check_client_authorities(settings)
    health = Health(issuer)
    async with AsyncExitStack() as open_:
        patience = settings.drain_seconds
        if (place := operators_place(settings)) is not None:  # first and last: probes and metrics see the drain
            from service.fronts import operators  # as much as all else, and not every process's

            inner = operators.OperatorsRunner(
                issuer, operators.make_application(issuer, health), shutdown_timeout=patience
            )
            (admin_url,) = await listen_at(open_, inner, share_port, place)
            log.info(Event.ADMIN_SERVING, extra={"url": admin_url, "hint": operators.hint(settings)})
        runner = web.ServerRunner(make_server(issuer, health, further), shutdown_timeout=patience)
        url, *mtls_url = await listen_at(open_, runner, share_port, *public_places(settings))
        if mtls_url:
            log.info(Event.MTLS_SERVING, extra={"url": mtls_url[0]})
        yield url
        health.accepting = False
        await asyncio.sleep(settings.drain_delay)


def _settle_garbage_collection() -> None:
    """What lives until the end need not be looked at again, and requests leave few cycles behind: look rarely."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


async def serve(
    settings: Settings,
    ready: Callable[[str], None],
    worker: int | None = None,
    further: Mapping[str, Handler] = MappingProxyType({}),
) -> None:
    """Serve until SIGTERM or SIGINT; call ``ready`` with the URL. Raises what ``open_store`` does, OSError for the port.

    ``worker``: this process is one of several (see ``workers``), and ends when the one that watches it does.
    """
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as open_:
        issuer = await _open_patiently(open_, settings, stop, share_port=worker is not None)
        if issuer is None:
            return
        await _say_if_openid_is_off(issuer)
        start_background_tasks(issuer)
        if worker is not None:
            issuer.background.start("parent_watch", lambda: until_orphaned(stop))
            # Any worker shows the metrics of all.
            issuer.background.start("metrics", lambda: _every_second(issuer.metrics.flush))
        async with serving(issuer, share_port=worker is not None, further=further) as url:
            _settle_garbage_collection()
            ready(url)
            log.info(
                Event.SERVING, extra={"url": url, "issuer": settings.issuer, "worker": worker or 0, "pid": os.getpid()}
            )
            await stop.wait()
            log.info(Event.DRAINING, extra={"seconds": settings.drain_seconds, "worker": worker or 0})
        log.info(Event.STOPPED, extra={"worker": worker or 0})
        issuer.metrics.flush()


async def _open_patiently(
    open_: AsyncExitStack, settings: Settings, stop: asyncio.Event, *, share_port: bool
) -> Issuer | None:
    """The issuer, once Redis can be reached; None where it is to stop before. Raises what waiting does not mend."""
    while not stop.is_set():
        try:
            return await open_.enter_async_context(open_issuer(settings))
        except TemporarilyUnavailable as error:
            if not explain(error).passes:
                raise
            await wait_for_redis(settings, error, stop, share_port=share_port)
    return None


async def _say_if_openid_is_off(issuer: Issuer) -> None:
    """A forgotten master key must not go unnoticed: without one there is one line at each start."""
    if issuer.keyring is not None:
        return
    kept = (await issuer.store.signing_keys.read()).keys
    hint = (
        "no ID tokens, UserInfo as JWT, JWT access tokens, client_secret_jwt or discovery of OpenID Connect: for them set "
        "master_key (`mintmark key master` makes one) or signing_key_files"
    )
    if kept:
        hint = "Redis holds signing keys that other processes use: give this one their master_key"
    log.warning(Event.OPENID_CONNECT_DISABLED, extra={"hint": hint})


def start_background_tasks(issuer: Issuer) -> None:
    """Start the background tasks. A process that no longer follows the signing keys is not ready."""
    start = issuer.background.start
    if issuer.keyring is not None:
        start("signing_keys", issuer.keyring.keep, needed=True)
    start("refused_requests", lambda: _every_second(lambda: refusals.write_refused(issuer)))
    start("logout_deliveries", lambda: keep_delivering(lambda: deliver_due(issuer), "logouts"))
    if set(issuer.settings.backchannel_delivery_modes) - {DeliveryMode.POLL}:
        start(
            "backchannel_deliveries",
            lambda: keep_delivering(lambda: backchannel_deliveries.deliver_due(issuer), "backchannel"),
        )
    if issuer.hooks.by_name:
        start("hook_deliveries", lambda: keep_delivering(issuer.hooks.notifier.deliver_due, "notifications"))
    if issuer.settings.registration == "open" or issuer.settings.client_metadata_documents:
        start("unused_clients", lambda: registration.keep_counting(issuer))
    start("resources", issuer.store.resources.keep_reading)
    start("redis_writes", issuer.store.writability.keep_looking)
    start("event_loop_lag", lambda: keep_measuring(issuer.metrics))


async def _every_second(act: Callable[[], Awaitable[None] | None]) -> None:
    """Do it once a second, until cancelled."""
    while True:
        await asyncio.sleep(1.0)
        if (doing := act()) is not None:
            await doing
