"""Prometheus metrics. Labels come from closed lists (registries, error codes), never from what a caller sent."""

import os
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from service import __version__
from service.observe.counting import BufferedCounter, BufferedHistogram, BufferedPairs, CacheCounts, ObservedGauge
from service.observe.events import SECURITY_EVENTS, Event

SECONDS = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Buckets of durations in seconds: from a near Redis to a timeout."""
COMMANDS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
"""Buckets of batch sizes."""
REDIS_ERRORS = ("connect", "lost", "refused", "moved", "temporary", "fault", "timeout")
"""The kinds of errors: no connection (``connect``), a lost one (``lost``), Redis full or refusing login or rights
(``refused``), a moved slot (``moved``), a failover, loading or the like (``temporary``), our own fault (``fault``), and no
answer in time with all retries, which is answered with 503 (``timeout``).
"""
WRITE_REFUSALS = ("full", "read_only", "disk", "replicas", "cluster_down", "rights", "login", "other")
"""The reasons for which Redis refuses writes."""
MALFORMED = ("target_too_long", "header_too_long", "too_many_headers", "request_line", "header", "body", "other")
"""The faults of requests that reach no front, and of bodies that break off after their response."""
CACHES = ("clients", "client_keys")

WORKERS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""The folder in which prometheus_client sums the metrics of several processes; ``workers`` sets it before they start."""


class KeyTimes(NamedTuple):
    """The age of an algorithm's current signing key, and the time until the next one."""

    algorithm: str
    age: float | None
    """Seconds, None where it is unknown."""
    until_next: float | None
    """Seconds until the next key signs, None where there will be none."""


class Metrics:
    """The metrics of one process. Counting functions take a value for each label of their metric, in their order."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.clients, self.client_keys = CacheCounts(), CacheCounts()
        """Hits and misses of these caches."""
        self.redis_connections = 0
        """The number of open connections."""
        self.unused_clients = 0
        """The number of openly registered clients that have not been used yet."""
        self._flushed_caches = dict.fromkeys(CACHES, (0, 0))
        self._buffers: list[BufferedCounter | BufferedHistogram | BufferedPairs | ObservedGauge] = []
        self._make_counters()
        self._make_histograms()
        self._make_gauges()

    def _counter(self, name: str, text: str, *labels: str, values: Iterable[str] = ()) -> BufferedCounter:
        """Make a counter, which shows 0 from the beginning for these values of its label."""
        counter = BufferedCounter(name, text, labels, self.registry)
        for value in values:
            counter.prepare(value)
        self._buffers.append(counter)
        return counter

    def _make_counters(self) -> None:
        self.token_request: Callable[[str, str], None] = self._counter(
            "mintmark_token_requests_total",
            "Token requests by grant type and outcome (ok or the error code), those by the decision API included.",
            "grant_type",
            "outcome",
        ).count
        self.request: Callable[[str, str], None] = self._counter(
            "mintmark_requests_total",
            "Requests by endpoint and outcome: those that were served, without those at the token endpoint; deliveries of "
            "back-channel logout; every call of the decision API. What endpoints refuse is in mintmark_refusals_total.",
            "endpoint",
            "outcome",
        ).count
        self.refusal: Callable[[str, str, str], None] = self._counter(
            "mintmark_refusals_total",
            "Refused requests by endpoint, error code and reason (docs/reference/refusals.md).",
            "endpoint",
            "error",
            "reason",
        ).count
        self.security_event: Callable[[Event], None] = self._counter(
            "mintmark_security_events_total",
            "Events that may be an attack (docs/reference/events.md).",
            "event",
            values=SECURITY_EVENTS,
        ).count
        self.redis_error: Callable[[str], None] = self._counter(
            "mintmark_redis_errors_total", "Errors between the service and Redis by kind.", "kind", values=REDIS_ERRORS
        ).count
        opened = self._counter("mintmark_redis_connections_opened_total", "Connections to Redis that were opened.")
        self._redis_connection_opened = opened.count
        self._cache_hits = self._counter("mintmark_cache_hits_total", "Lookups that a cache answered.", "cache")
        self._cache_misses = self._counter("mintmark_cache_misses_total", "Lookups that no cache answered.", "cache")
        self.background_task_failed: Callable[[str], None] = self._counter(
            "mintmark_background_task_failures_total", "Background tasks that failed and were started again.", "task"
        ).count
        self.hook_call: Callable[[str, str, str], None] = self._counter(
            "mintmark_hook_calls_total",
            "Calls of hooks by outcome: ok, refused, failed, skipped (its circuit is open), given_up.",
            "hook",
            "event",
            "outcome",
        ).count
        self.malformed_request: Callable[[str], None] = self._counter(
            "mintmark_malformed_requests_total",
            "Requests that were not HTTP or whose head was too long, by reason.",
            "reason",
            values=MALFORMED,
        ).count

    def _make_histograms(self) -> None:
        def histogram(name: str, text: str, *labels: str, bounds: tuple[float, ...] = SECONDS) -> BufferedHistogram:
            made = BufferedHistogram(name, text, labels, bounds, self.registry)
            self._buffers.append(made)
            return made

        self.request_took: Callable[[float, str, str], None] = histogram(
            "mintmark_request_duration_seconds",
            "Seconds from a request's head to its response, by endpoint; token requests also by grant type.",
            "endpoint",
            "grant_type",
        ).observe
        took = histogram(
            "mintmark_redis_batch_duration_seconds", "Seconds from sending a batch of commands to its last reply."
        )
        size = histogram(
            "mintmark_redis_batch_commands", "Commands that share a batch, and so a round trip.", bounds=COMMANDS
        )
        batches = BufferedPairs(size, took)
        self._buffers.append(batches)
        self.redis_batch: Callable[[int, float], None] = batches.observe
        """Takes the number of commands, and the seconds after which they were answered."""
        self.loop_lagged: Callable[[float], None] = histogram(
            "mintmark_event_loop_lag_seconds", "Seconds by which the event loop is late: a full core."
        ).observe

    def _make_gauges(self) -> None:
        def gauge(name: str, text: str, *labels: str, mode: Literal["livesum", "livemax", "livemin"]) -> ObservedGauge:
            made = ObservedGauge(name, text, labels, self.registry, mode)
            self._buffers.append(made)
            return made

        self._hook_circuit_open = Gauge(
            "mintmark_hook_circuit_open",
            "Processes that leave this hook alone for a while after failures.",
            ("hook",),
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        connections = gauge("mintmark_redis_connections", "Open connections to Redis.", mode="livesum")
        connections.read = lambda: [((), float(self.redis_connections))]
        build = gauge("mintmark_build_info", "Versions of service and Python.", "version", "python", mode="livemax")
        build.read = lambda: [((__version__, platform.python_version()), 1.0)]
        self._signing_key_age = gauge(
            "mintmark_signing_key_age_seconds", "Age of the key that signs, in seconds.", "algorithm", mode="livemax"
        )
        self._signing_key_next_rotation = gauge(
            "mintmark_signing_key_next_rotation_seconds",
            "Seconds until the next key signs; below zero a rotation is late.",
            "algorithm",
            mode="livemin",
        )
        self.watch_background_tasks = gauge(
            "mintmark_background_task_running",
            "Whether a background task runs: 1, or 0 from its failure until it has run for some seconds again.",
            "task",
            mode="livemin",
        ).watch
        unused = gauge(
            "mintmark_unused_clients",
            "Clients that registered openly, or showed a document, and wait for their first use.",
            mode="livemax",
        )
        unused.read = lambda: [((), float(self.unused_clients))]
        self.watch_writes = gauge(
            "mintmark_redis_writes_refused",
            "Whether Redis refuses writes, by reason: 1 while it does. The process is not ready meanwhile.",
            "reason",
            mode="livemax",
        ).watch

    def hook_circuit(self, hook: str, *, is_open: bool) -> None:
        """Note whether the circuit of a hook is open in this process."""
        self._hook_circuit_open.labels(hook).set(is_open)

    def redis_connected(self) -> None:
        """Count a new connection to Redis."""
        self.redis_connections += 1
        self._redis_connection_opened()

    def watch_keys(self, read: Callable[[], Iterable[KeyTimes]]) -> None:
        """Show the times of our signing keys that ``read`` returns at each scrape."""
        self._signing_key_age.watch(lambda: {one.algorithm: one.age for one in read()})
        self._signing_key_next_rotation.watch(lambda: {one.algorithm: one.until_next for one in read()})

    def flush(self) -> None:
        """Pass the counts on to prometheus_client. A worker does so every second, so that the others can show them."""
        for name in CACHES:
            cache: CacheCounts = getattr(self, name)
            hits, misses = self._flushed_caches[name]
            self._cache_hits.add(cache.hits - hits, name)
            self._cache_misses.add(cache.misses - misses, name)
            self._flushed_caches[name] = (cache.hits, cache.misses)
        for buffer in self._buffers:
            buffer.flush()

    def exposition(self) -> bytes:
        """Return the metrics in Prometheus' text format.

        They are those of all workers together; the values of the other workers are at most a second old (``flush``).
        """
        return generate_latest(self._registry())

    def totals(self) -> Iterator[tuple[str, Mapping[str, str], float]]:
        """Yield every counter as in ``exposition``: its name, labels, and count since the processes began."""
        for family in self._registry().collect():
            for sample in family.samples:
                if sample.name.endswith("_total"):
                    yield sample.name, sample.labels, sample.value

    def _registry(self) -> CollectorRegistry:
        self.flush()
        if not os.environ.get(WORKERS_VARIABLE):
            return self.registry
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return together


def forget_worker(pid: int, folder: str) -> None:
    """Remove the gauges of a worker that has ended; its counters stay."""
    mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]
