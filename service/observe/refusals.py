"""Refused requests: counted by reason, logged, and kept until they are written to Redis for operators."""

import logging
import time
from collections import Counter
from collections.abc import Callable

from service.observe.current import CURRENT, Current
from service.observe.events import Event
from service.observe.metrics import Metrics
from service.protocol.errors import PollingError, ProtocolError
from service.protocol.redaction import redacted
from service.protocol.refusal_reasons import reason_of
from service.records.refused_request import RefusedRequest

log = logging.getLogger(__name__)

MOST_A_MINUTE, MOST_OF_A_CLIENT = 300, 30
"""The most refusals that are kept in a minute, of all clients and of one (or of no known client). They bound the cost of a
flood, and how fast it replaces the refusals of others.
"""
LONGEST_DETAIL = 300
"""The most characters of a detail."""
_NOBODY = Current("")


class Refusals:
    """The refusals of one process.

    Args:
        metrics: Counts them.
        clock: Returns epoch seconds.
    """

    def __init__(self, metrics: Metrics, clock: Callable[[], float] = time.time) -> None:
        self._metrics, self._clock = metrics, clock
        self._kept: list[RefusedRequest] = []
        self._by_client: Counter[str] = Counter()
        self._minute = 0

    def record(self, endpoint: str, error: ProtocolError, path: str = "") -> None:
        """Count a refusal, log it, and keep it for ``take``.

        Args:
            endpoint: The endpoint's name in metrics.
            error: The error in the response.
            path: The path of the request, one of ours.
        """
        if isinstance(error, PollingError):
            self._metrics.refusal(endpoint, error.error, error.reason)
            return
        detail = error.log or error.description or error.error
        reason = self.keep(endpoint, error.error, detail)
        facts = {"path": path or endpoint, "error": error.error, "status": error.status, "reason_code": reason}
        log.info(Event.REFUSED, extra={**facts, "reason": detail})

    def keep(self, endpoint: str, error: str, detail: str) -> str:
        """Count a refusal that is logged elsewhere, keep it for ``take``, and return its reason."""
        reason = reason_of(error, detail)
        self._metrics.refusal(endpoint, error, reason)
        current = CURRENT.get() or _NOBODY
        client_id, now = current.client_id, self._clock()
        if self._minute != int(now // 60):
            self._minute, self._by_client = int(now // 60), Counter()
        kept = max(self._by_client.total(), len(self._kept))
        if kept >= MOST_A_MINUTE or self._by_client[client_id] >= MOST_OF_A_CLIENT:
            return reason
        self._by_client[client_id] += 1
        self._kept.append(
            RefusedRequest(
                at=int(now * 1000),
                endpoint=endpoint,
                error=error,
                reason=reason,
                detail=redacted(detail)[:LONGEST_DETAIL],
                client_id=client_id,
                address=current.address,
                request_id=current.request_id,
            )
        )
        return reason

    def take(self) -> list[RefusedRequest]:
        """Return the refusals that were kept since the last call."""
        taken, self._kept = self._kept, []
        return taken
