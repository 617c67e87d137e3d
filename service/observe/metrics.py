"""Prometheus metrics. Labels come from closed lists (registries, error codes), never from what a caller sent."""

from prometheus_client import CollectorRegistry, Counter, generate_latest

SECURITY_EVENTS = ("code_replayed", "refresh_token_reused", "client_blocked", "user_blocked", "address_blocked")


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
        """The metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def _count(self, counter: Counter, *labels: str) -> None:
        child = self._children.get(labels)  # type: ignore[arg-type]
        if child is None:
            child = self._children[labels] = counter.labels(*labels)  # type: ignore[index]
        child.inc()
