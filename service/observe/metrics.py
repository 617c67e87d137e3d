"""Prometheus metrics. Labels come from closed lists (registries, error codes), never from what a caller sent."""

import os

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

SECURITY_EVENTS = ("code_replayed", "refresh_token_reused", "client_blocked", "user_blocked", "address_blocked")


WORKERS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Where prometheus_client sums the metrics of several processes, set by ``workers`` before they start."""


class Metrics:
    """The counters of one process. Children are bound once: a count on the hot path is one dictionary look-up."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._token = Counter(
            "mintmark_token_requests", "Token requests by grant type and outcome.", ["grant_type", "outcome"],
            registry=self.registry,
        )  # fmt: skip
        self._endpoint = Counter(
            "mintmark_requests", "Requests to other endpoints by outcome.", ["endpoint", "outcome"],
            registry=self.registry,
        )  # fmt: skip
        self._security = Counter(
            "mintmark_security_events", "Events that may be an attack.", ["event"], registry=self.registry
        )
        for event in SECURITY_EVENTS:
            self._security.labels(event)
        self._children: dict[tuple[str, str], Counter] = {}

    def token_request(self, grant_type: str, outcome: str) -> None:
        """Count a token request; ``grant_type`` of the registry or ``unknown``."""
        self._count(self._token, grant_type, outcome)

    def request(self, endpoint: str, outcome: str) -> None:
        """Count a request to another endpoint."""
        self._count(self._endpoint, endpoint, outcome)

    def security_event(self, event: str) -> None:
        """Count one of ``SECURITY_EVENTS``."""
        self._security.labels(event).inc()

    def exposition(self) -> bytes:
        """The metrics in Prometheus' text format; of all workers together where there are several."""
        if not os.environ.get(WORKERS_VARIABLE):
            return generate_latest(self.registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)

    def _count(self, counter: Counter, *labels: str) -> None:
        child = self._children.get(labels)  # type: ignore[arg-type]
        if child is None:
            child = self._children[labels] = counter.labels(*labels)  # type: ignore[index]
        child.inc()
