"""Prometheus metrics. Labels come from closed lists (registries, error codes), never from what a caller sent."""

import os
import platform
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from service import __version__
from service.observe.counting import Cache, Counted, Reading, Shown, Timed

SECURITY_EVENTS = (
    "code_replayed",
    "refresh_token_reused",
    "code_repeated",
    "refresh_token_repeated",
    "client_blocked",
    "user_blocked",
    "user_blocked_everywhere",
    "address_blocked",
    "operator_blocked",
    "decision_api_blocked",
    "registration_limited",
    "too_many_requests_wait",
    "grant_over_limit",
    "sessions_over_limit",
)

SECONDS = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Buckets of durations, in seconds: from a Redis that is near to a timeout."""
COMMANDS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
"""Buckets of batch sizes."""
REDIS_ERRORS = ("connect", "lost", "refused", "moved", "temporary", "fault", "gave_up")
"""``connect``: no connection; ``lost``: a connection was; ``refused``: full, or login and rights; ``moved``: a slot did;
``temporary``: a failover, a load …; ``fault``: ours; ``gave_up``: no answer in time with all retries (503).
"""
WRITE_REFUSALS = ("full", "read_only", "disk", "replicas", "cluster_down", "rights", "login", "other")
"""Why Redis refuses writes."""
MALFORMED = ("target_too_long", "header_too_long", "too_many_headers", "request_line", "header", "body", "other")
"""Requests that no front gets to see, and bodies that break off behind their answer."""
CACHES = ("clients", "client_keys")

WORKERS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Where prometheus_client sums the metrics of several processes, set by ``workers`` before they start."""


class KeyTimes(NamedTuple):
    """Of the key that signs with an algorithm now. ``age``, ``until_next``: seconds, None where nobody knows or none will."""

    algorithm: str
    age: float | None
    until_next: float | None


class Metrics:
    """The numbers of one process. ``clients``, ``client_keys``: how often those caches had it.

    ``redis_connections``: how many are open now.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.clients, self.client_keys = Cache(), Cache()
        self.redis_connections = 0
        self._told = dict.fromkeys(CACHES, (0, 0))
        self._make_counters()
        self._make_histograms()
        self._make_gauges()

    def _counted(self, name: str, text: str, *labels: str) -> Counted:
        return Counted(f"mintmark_{name}", text, labels, self.registry)

    def _make_counters(self) -> None:
        self._token = self._counted(
            "token_requests",
            "Token requests that named a grant type, by it and outcome (ok or the error code); those by the decision API, too.",
            "grant_type",
            "outcome",
        )
        self._endpoint = self._counted(
            "requests",
            "Requests that were served, by endpoint and outcome, without those at the token endpoint; back-channel logout "
            "deliveries; every call of the decision API. What other endpoints refuse is in mintmark_refusals_total.",
            "endpoint",
            "outcome",
        )
        self._refusal = self._counted(
            "refusals",
            "Refused requests by endpoint, error code and reason (docs/refusals.md).",
            "endpoint",
            "error",
            "reason",
        )
        self._security = self._counted("security_events", "Events that may be an attack.", "event")
        self._redis_error = self._counted("redis_errors", "What went wrong between us and Redis.", "kind")
        self._connect = self._counted("redis_connects", "Connections to Redis that were made.")
        self._cache_hit = self._counted("cache_hits", "What was asked for and in memory.", "cache")
        self._cache_miss = self._counted("cache_misses", "What was asked for and had to be fetched.", "cache")
        self._task_failure = self._counted(
            "background_task_failures", "Background tasks that failed and were started again.", "task"
        )
        self._hook = self._counted("hook_calls", "Calls of hooks by what came of them.", "hook", "event", "outcome")
        self._malformed = self._counted(
            "malformed_requests", "Requests that were not HTTP or whose head was too long, by what is wrong.", "reason"
        )
        for reason in MALFORMED:
            self._malformed.prepare(reason)
        for event in SECURITY_EVENTS:
            self._security.prepare(event)
        for kind in REDIS_ERRORS:
            self._redis_error.prepare(kind)

    def _make_histograms(self) -> None:
        def timed(name: str, text: str, *labels: str, bounds: tuple[float, ...] = SECONDS) -> Timed:
            return Timed(f"mintmark_{name}", text, labels, bounds, self.registry)

        self._duration = timed(
            "request_duration_seconds", "From a request's head to its answer.", "endpoint", "grant_type"
        )
        self._batch_duration = timed("redis_batch_duration_seconds", "From sending a batch to its last reply.")
        self._batch_size = timed("redis_batch_commands", "Commands that share a batch.", bounds=COMMANDS)
        self._lag = timed("event_loop_lag_seconds", "How late the event loop gets to what is due.")
        self.request_took = self._duration.observe
        self.loop_lagged = self._lag.observe

    def _make_gauges(self) -> None:
        self._circuit = Gauge(
            *("mintmark_hook_circuit_open", "How many processes leave this hook alone for now.", ("hook",)),
            registry=self.registry,
            multiprocess_mode="livesum",
        )
        connections = Shown(
            "mintmark_redis_connections", "Connections to Redis that are open.", (), self.registry, "livesum"
        )
        connections.read = lambda: [((), float(self.redis_connections))]
        built = Shown("mintmark_build_info", "What runs here.", ("version", "python"), self.registry, "livemax")
        built.read = lambda: [((__version__, platform.python_version()), 1.0)]
        self._key_age = Shown(
            "mintmark_signing_key_age_seconds",
            "Since the key that signs began to.",
            ("algorithm",),
            self.registry,
            "livemax",
        )
        self._key_next = Shown(
            "mintmark_signing_key_next_rotation_seconds",
            "Until the next key signs; below zero it is late.",
            ("algorithm",),
            self.registry,
            "livemin",
        )
        self._task_running = Shown(
            "mintmark_background_task_running",
            "Whether a background task runs: 1, or 0 from its failure until it has run for some seconds again.",
            ("task",),
            self.registry,
            "livemin",
        )
        self._writes_refused = Shown(
            "mintmark_redis_writes_refused",
            "Whether Redis refuses writes, by reason: 1 while it does. The process is not ready meanwhile.",
            ("reason",),
            self.registry,
            "livemax",
        )
        self._gauges = (connections, built, self._key_age, self._key_next, self._task_running, self._writes_refused)

    def token_request(self, grant_type: str, outcome: str) -> None:
        """Count a token request; ``grant_type`` of the registry or ``unknown``."""
        self._token.count(grant_type, outcome)

    def request(self, endpoint: str, outcome: str) -> None:
        """Count what came of a request or delivery: ok, inactive, given_up …."""
        self._endpoint.count(endpoint, outcome)

    def refusal(self, endpoint: str, error: str, reason: str) -> None:
        """Count an error response of any endpoint, ``server_error`` included; ``reason``: of ``protocol.refusals``."""
        self._refusal.count(endpoint, error, reason)

    def malformed_request(self, reason: str) -> None:
        """Count one of ``MALFORMED``."""
        self._malformed.count(reason)

    def security_event(self, event: str) -> None:
        """Count one of ``SECURITY_EVENTS``."""
        self._security.count(event)

    def hook_call(self, hook: str, event: str, outcome: str) -> None:
        """Count a call of a hook: ok, refused, failed, skipped (its circuit is open), given_up."""
        self._hook.count(hook, event, outcome)

    def hook_circuit(self, hook: str, *, is_open: bool) -> None:
        """Whether this process leaves the hook alone."""
        self._circuit.labels(hook).set(is_open)

    def redis_batch(self, commands: int, seconds: float) -> None:
        """A batch of commands was answered, after so many seconds."""
        self._batch_size.observe(commands)
        self._batch_duration.observe(seconds)

    def redis_connected(self) -> None:
        """A connection to Redis was made."""
        self.redis_connections += 1
        self._connect.count()

    def redis_error(self, kind: str) -> None:
        """Count one of ``REDIS_ERRORS``."""
        self._redis_error.count(kind)

    def watch_writes(self, read: Callable[[], Mapping[str, bool]]) -> None:
        """Show by reason whether Redis refuses writes, as ``read`` says at each scrape."""
        self._writes_refused.read = lambda: [((reason,), float(refused)) for reason, refused in read().items()]

    def background_task_failed(self, task: str) -> None:
        """Count a failure of a background task."""
        self._task_failure.count(task)

    def watch_background_tasks(self, read: Callable[[], Mapping[str, bool]]) -> None:
        """Show by name whether each background task runs, as ``read`` says at each scrape."""
        self._task_running.read = lambda: [((name,), float(runs)) for name, runs in read().items()]

    def watch_keys(self, read: Callable[[], Iterable[KeyTimes]]) -> None:
        """Show what ``read`` says of our signing keys whenever somebody looks."""

        def ages() -> Iterable[Reading]:
            return [((one.algorithm,), one.age) for one in read() if one.age is not None]

        def rests() -> Iterable[Reading]:
            return [((one.algorithm,), one.until_next) for one in read() if one.until_next is not None]

        self._key_age.read, self._key_next.read = ages, rests

    def tell(self) -> None:
        """Hand what was counted to prometheus_client; a worker does so every second, for the others to see."""
        counters = (
            self._malformed,
            self._token,
            self._endpoint,
            self._refusal,
            self._security,
            self._redis_error,
            self._connect,
        )
        self._tell_caches()
        for counted in (*counters, self._connect, self._cache_hit, self._cache_miss, self._hook, self._task_failure):
            counted.tell()
        for timed in (self._duration, self._batch_duration, self._batch_size, self._lag):
            timed.tell()
        for gauge in self._gauges:
            gauge.tell()

    def _tell_caches(self) -> None:
        for name in CACHES:
            cache: Cache = getattr(self, name)
            hits, misses = self._told[name]
            self._cache_hit.add(cache.hits - hits, name)
            self._cache_miss.add(cache.misses - misses, name)
            self._told[name] = (cache.hits, cache.misses)

    def exposition(self) -> bytes:
        """The metrics in Prometheus' text format; of all workers together where there are several, those of the others as
        they were a second ago at most (``tell``).
        """
        return generate_latest(self._registry())

    def totals(self) -> Iterator[tuple[str, Mapping[str, str], float]]:
        """Every counter as ``exposition`` tells it: name, labels, how often since the processes began."""
        for family in self._registry().collect():
            for sample in family.samples:
                if sample.name.endswith("_total"):
                    yield sample.name, sample.labels, sample.value

    def _registry(self) -> CollectorRegistry:
        self.tell()
        if not os.environ.get(WORKERS_VARIABLE):
            return self.registry
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return together


def forget_worker(pid: int, folder: str) -> None:
    """A worker has ended: what it had open is no longer; what it counted stays counted."""
    mark_process_dead(pid, folder)  # type: ignore[no-untyped-call]
