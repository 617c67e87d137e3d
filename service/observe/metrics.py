"""Prometheus metrics. Labels come from closed lists (registries, error codes), never from what a caller sent."""

import os

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

SECURITY_EVENTS = (
    "code_replayed",
    "refresh_token_reused",
    "client_blocked",
    "user_blocked",
    "user_blocked_everywhere",
    "address_blocked",
)


WORKERS_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Where prometheus_client sums the metrics of several processes, set by ``workers`` before they start."""


class _Counted:
    """A counter that counts in a dictionary and tells prometheus_client when somebody looks: its own locks and shared
    files would cost each request microseconds.
    """

    def __init__(self, name: str, text: str, labels: tuple[str, ...], registry: CollectorRegistry) -> None:
        self._counter = Counter(name, text, labels, registry=registry)
        self._untold: dict[tuple[str, ...], int] = {}

    def count(self, *labels: str) -> None:
        self._untold[labels] = self._untold.get(labels, 0) + 1

    def prepare(self, *labels: str) -> None:
        """Show it as 0 from the beginning, so that its first count is seen as a rise."""
        self._counter.labels(*labels)

    def tell(self) -> None:
        untold, self._untold = self._untold, {}
        for labels, count in untold.items():
            self._counter.labels(*labels).inc(count)


class Metrics:
    """The counters of one process."""

    def __init__(self) -> None:
        registry = self.registry = CollectorRegistry()
        self._token = _Counted(
            "mintmark_token_requests", "Token requests by grant type and outcome.", ("grant_type", "outcome"), registry
        )
        self._endpoint = _Counted(
            "mintmark_requests", "Introspection and revocation by what came of it.", ("endpoint", "outcome"), registry
        )
        self._refusal = _Counted(
            "mintmark_refusals", "Refused requests by endpoint and error code.", ("endpoint", "error"), registry
        )
        self._security = _Counted("mintmark_security_events", "Events that may be an attack.", ("event",), registry)
        for event in SECURITY_EVENTS:
            self._security.prepare(event)

    def token_request(self, grant_type: str, outcome: str) -> None:
        """Count a token request; ``grant_type`` of the registry or ``unknown``."""
        self._token.count(grant_type, outcome)

    def request(self, endpoint: str, outcome: str) -> None:
        """Count what came of an introspection or revocation."""
        self._endpoint.count(endpoint, outcome)

    def refusal(self, endpoint: str, error: str) -> None:
        """Count an error response of any endpoint, ``server_error`` included."""
        self._refusal.count(endpoint, error)

    def security_event(self, event: str) -> None:
        """Count one of ``SECURITY_EVENTS``."""
        self._security.count(event)

    def tell(self) -> None:
        """Hand what was counted to prometheus_client; a worker does so every second, for the others to see."""
        for counted in (self._token, self._endpoint, self._refusal, self._security):
            counted.tell()

    def exposition(self) -> bytes:
        """The metrics in Prometheus' text format; of all workers together where there are several, those of the others as
        they were a second ago at most (``tell``).
        """
        self.tell()
        if not os.environ.get(WORKERS_VARIABLE):
            return generate_latest(self.registry)
        together = CollectorRegistry()
        MultiProcessCollector(together)  # type: ignore[no-untyped-call]
        return generate_latest(together)
