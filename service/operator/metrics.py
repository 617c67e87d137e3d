"""The metrics of `mintmark operator`; those of a server are in ``service/observe/metrics.py``."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from typing import NamedTuple

from prometheus_client import CollectorRegistry, generate_latest

from service.declared import KINDS
from service.observe.counting import BufferedCounter, BufferedHistogram, ObservedGauge, Reading
from service.operator.status import Reason

SECONDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Buckets of durations in seconds: from one response of the service to a time-out."""


class Reconciled(StrEnum):
    """The outcome of a reconciliation."""

    UNCHANGED = "unchanged"
    PUT_RIGHT = "put_right"
    UNFULFILLED = "unfulfilled"
    UNAVAILABLE = "unavailable"
    ENDED = "ended"


class Dependency(StrEnum):
    """A dependency of the operator."""

    API_SERVER = "api_server"
    SERVICE = "service"
    RIGHTS = "rights"


class RequestOutcome(StrEnum):
    """The outcome of a request."""

    OK = "ok"
    REFUSED = "refused"
    FAILED = "failed"


class ObjectState(NamedTuple):
    """The condition Ready of an object."""

    kind: str
    reason: str
    since: float
    """Epoch seconds of the last change between ready and not ready."""


class OperatorMetrics:
    """The metrics of one operator. Counting functions take a value for each label of their metric, in their order."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Begin with all of them at 0.

        Args:
            clock: Returns epoch seconds.
        """
        self.registry = CollectorRegistry()
        self.objects: dict[str, ObjectState] = {}
        """The reconciled objects by their uid."""
        self.queued = self.under_way = 0
        """The number of reconciliations that wait, and that have begun."""
        self.missing: set[Dependency] = set(Dependency)
        self.namespaces = {"watched": 0, "forbidden": 0}
        """The number of watched namespaces, and of those where a right is missing."""
        self._clock = clock
        self._buffers: list[BufferedCounter | BufferedHistogram | ObservedGauge] = []
        self._make_counters()
        self._make_gauges()

    def _make_counters(self) -> None:
        reconciliations = BufferedCounter(
            "mintmark_operator_reconciliations_total",
            "Reconciliations of objects by kind and outcome: unchanged, put_right (something was made or changed), "
            "unfulfilled (the object says why), unavailable (API server or admin API do not answer), ended.",
            ("kind", "outcome"),
            self.registry,
        )
        requests = BufferedCounter(
            "mintmark_operator_requests_total",
            "Requests to the API server (those of kopf left out: watches, finalizers, Events) and to the admin API by "
            "outcome: ok (also that something is not there), refused, failed (no answer).",
            ("target", "outcome"),
            self.registry,
        )
        duration = BufferedHistogram(
            "mintmark_operator_reconciliation_duration_seconds",
            "Seconds that a reconciliation takes once it has begun, by kind.",
            ("kind",),
            SECONDS,
            self.registry,
        )
        for kind in KINDS:
            for outcome in Reconciled:
                reconciliations.prepare(kind, outcome)
        for target in (Dependency.API_SERVER, Dependency.SERVICE):
            for answer in RequestOutcome:
                requests.prepare(target, answer)
        self.reconciled: Callable[[str, Reconciled], None] = reconciliations.count
        self.requested: Callable[[Dependency, RequestOutcome], None] = requests.count
        self.reconciliation_took: Callable[[float, str], None] = duration.observe
        self._buffers += [reconciliations, requests, duration]

    def _make_gauges(self) -> None:
        def gauge(name: str, text: str, *labels: str, read: Callable[[], Iterable[Reading]]) -> None:
            made = ObservedGauge(name, text, labels, self.registry, "livesum")
            made.read = read
            self._buffers.append(made)

        gauge(
            "mintmark_operator_objects",
            "Objects by kind and by the reason of their condition Ready; Declared: it is True.",
            "kind",
            "reason",
            read=self._by_reason,
        )
        gauge(
            "mintmark_operator_not_ready_seconds",
            "Seconds since the object that has not been Ready for longest was so, by kind; 0 where all are.",
            "kind",
            read=self._longest,
        )
        gauge(
            "mintmark_operator_reconciliations_queued",
            "Reconciliations that wait for their turn.",
            read=lambda: [((), self.queued)],
        )
        gauge(
            "mintmark_operator_reconciliations_under_way",
            "Reconciliations that have begun.",
            read=lambda: [((), self.under_way)],
        )
        gauge(
            "mintmark_operator_namespaces",
            "Namespaces that are watched, and those where a right is missing (forbidden); with all of the cluster 1.",
            "state",
            read=lambda: [((state,), count) for state, count in self.namespaces.items()],
        )
        gauge(
            "mintmark_operator_dependency_available",
            "Whether the API server and the admin API (service) answer, and the account has its rights: 1, or 0.",
            "dependency",
            read=lambda: [((one,), one not in self.missing) for one in Dependency],
        )

    def exposition(self) -> bytes:
        """Return the metrics in Prometheus' text format."""
        for buffer in self._buffers:
            buffer.flush()
        return generate_latest(self.registry)

    def _by_reason(self) -> Iterator[Reading]:
        """Yield a reading for every reason, as one without objects would keep its last value otherwise."""
        found = Counter((one.kind, one.reason) for one in self.objects.values())
        for kind in KINDS:
            for reason in Reason:
                yield (kind, reason), found[kind, reason]

    def _longest(self) -> Iterator[Reading]:
        now = self._clock()
        for kind in KINDS:
            others = [one.since for one in self.objects.values() if one.kind == kind and one.reason != Reason.DECLARED]
            yield (kind,), max(0.0, now - min(others)) if others else 0.0
