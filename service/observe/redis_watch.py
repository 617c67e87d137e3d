"""Metrics and traces of our connections to Redis: connections, errors, and batches, which many requests share."""

from collections.abc import Iterable, Sequence
from time import perf_counter
from typing import TYPE_CHECKING

import msgspec

from service.observe.current import CURRENT
from service.observe.metrics import Metrics

if TYPE_CHECKING:
    from service.observe.tracing import Span, Tracing


class Batch(msgspec.Struct):
    """Commands that were sent in one write."""

    size: int
    """The number of commands."""
    complete_at: int
    """The number of replies of the connection after which the batch is complete."""
    sent_at: float
    """By ``perf_counter``."""
    callers: "list[Span] | None" = None
    """The traced requests in it."""
    words: Sequence[str] = ()
    """The first word of each command."""
    began: int = 0
    """Epoch nanoseconds."""


class RedisWatch:
    """The watch over all connections of a process. Without ``tracing`` it costs two clock reads and two counts a batch."""

    def __init__(self, metrics: Metrics, tracing: "Tracing | None" = None) -> None:
        self.metrics = metrics
        self.tracing = tracing

    def commanded(self, command: object) -> tuple[str, "Span | None"]:
        """Return the name of a command that joins a batch, and the span of its request. Called with tracing only."""
        current = CURRENT.get()
        return str(command), None if current is None else current.span

    def sent(self, batch: Batch, commanded: list[tuple[str, "Span | None"]]) -> None:
        """Note that a batch of these commands was sent. Called with tracing only."""
        callers = dict.fromkeys(span for _, span in commanded if span is not None)
        if callers and self.tracing is not None:
            batch.callers, batch.words = list(callers), [word for word, _ in commanded]
            batch.began = self.tracing.now()

    def answered(self, batch: Batch, server: tuple[str, int]) -> None:
        """Note that the last reply of a batch has come."""
        self.metrics.redis_batch(batch.size, perf_counter() - batch.sent_at)
        if batch.callers is not None:
            self._traced(batch, server, "")

    def disconnected(self, under_way: Iterable[Batch], server: tuple[str, int], *, by_us: bool) -> None:
        """Note the end of a connection.

        Args:
            under_way: The batches that were lost with it.
            server: Host and port.
            by_us: Whether we closed it while no caller waited.
        """
        self.metrics.redis_connections -= 1
        if not by_us:
            self.metrics.redis_error("lost")
        for batch in under_way:
            if batch.callers is not None:
                self._traced(batch, server, "connection_lost")

    def _traced(self, batch: Batch, server: tuple[str, int], error: str) -> None:
        if self.tracing is not None and batch.callers is not None:
            times = (batch.began, self.tracing.now())
            self.tracing.batch(batch.callers, batch.words, server, times, error)
