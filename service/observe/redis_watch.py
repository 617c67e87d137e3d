"""What our links to Redis do: connections, errors, and every batch, which many requests share."""

from collections.abc import Iterable
from time import perf_counter
from typing import TYPE_CHECKING

from service.observe.current import CURRENT
from service.observe.metrics import Metrics

if TYPE_CHECKING:
    from service.observe.tracing import Span, Tracing


class Batch:
    """Commands that left in one write. ``complete_at``: how many replies the link has had when its last one came.

    ``callers``: the traced requests in it; ``words``: of every command the first one; ``began``: nanoseconds of the epoch.
    """

    __slots__ = ("began", "callers", "complete_at", "sent_at", "size", "words")

    def __init__(self, size: int, complete_at: int) -> None:
        self.size = size
        self.complete_at = complete_at
        self.sent_at = perf_counter()
        self.callers: list[Span] | None = None
        self.words: list[str] = []
        self.began = 0


class RedisWatch:
    """For all links of a process. Without ``tracing`` a batch costs two looks at a clock and two counts, a command nothing."""

    def __init__(self, metrics: Metrics, tracing: "Tracing | None" = None) -> None:
        self.metrics = metrics
        self.tracing = tracing

    def commanded(self, command: object) -> tuple[str, "Span | None"]:
        """Where there is tracing: what a command that joins a batch is, and on whose behalf."""
        current = CURRENT.get()
        return str(command), None if current is None else current.span

    def sent(self, batch: Batch, commanded: list[tuple[str, "Span | None"]]) -> None:
        """Where there is tracing: a batch of these has left."""
        callers = dict.fromkeys(span for _, span in commanded if span is not None)
        if callers and self.tracing is not None:
            batch.callers, batch.words = list(callers), [word for word, _ in commanded]
            batch.began = self.tracing.now()

    def answered(self, batch: Batch, server: tuple[str, int]) -> None:
        """Its last reply is here."""
        self.metrics.redis_batch(batch.size, perf_counter() - batch.sent_at)
        if batch.callers is not None:
            self._traced(batch, server, "")

    def disconnected(self, under_way: Iterable[Batch], server: tuple[str, int], *, by_us: bool) -> None:
        """A connection is gone, and with it what was ``under_way``. ``by_us``: closed on purpose while no caller waited."""
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
