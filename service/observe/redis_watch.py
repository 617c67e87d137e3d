"""What our links to Redis do: connections, errors, and every batch, which many requests share."""

from collections.abc import Iterable
from time import perf_counter
from typing import TYPE_CHECKING

from service.observe.current import CURRENT
from service.observe.metrics import Metrics

if TYPE_CHECKING:
    from service.observe.tracing import Span, Tracing


class Batch:
    """Commands that leave in one write. ``complete_at``: how many replies the link has had when its last one came."""

    __slots__ = ("began", "callers", "complete_at", "sent_at", "size", "words")

    def __init__(self) -> None:
        self.callers: dict[Span, None] = {}
        self.words: list[str] = []
        self.complete_at = self.size = self.began = 0
        self.sent_at = 0.0


class RedisWatch:
    """For all links of a process. Without ``tracing`` a batch costs two looks at a clock and two counts, a command nothing."""

    def __init__(self, metrics: Metrics, tracing: "Tracing | None" = None) -> None:
        self.metrics = metrics
        self.tracing = tracing

    def commanded(self, batch: Batch, command: object) -> None:
        """Where there is tracing: a command joins the batch, on behalf of the current request."""
        batch.words.append(str(command))
        current = CURRENT.get()
        if current is not None and current.span is not None:
            batch.callers[current.span] = None

    def sent(self, batch: Batch, size: int, complete_at: int) -> None:
        """The batch has left."""
        batch.size, batch.complete_at, batch.sent_at = size, complete_at, perf_counter()
        if batch.callers and self.tracing is not None:
            batch.began = self.tracing.now()

    def answered(self, batch: Batch, server: tuple[str, int]) -> None:
        """Its last reply is here."""
        self.metrics.redis_batch(batch.size, perf_counter() - batch.sent_at)
        if batch.began:
            self._traced(batch, server, "")

    def disconnected(self, under_way: Iterable[Batch], server: tuple[str, int], *, by_us: bool) -> None:
        """A connection is gone, and with it what was ``under_way``. ``by_us``: closed on purpose while nobody waited."""
        self.metrics.redis_connections -= 1
        if not by_us:
            self.metrics.redis_error("lost")
        for batch in under_way:
            if batch.began:
                self._traced(batch, server, "connection_lost")

    def _traced(self, batch: Batch, server: tuple[str, int], error: str) -> None:
        if self.tracing is not None:
            times = (batch.began, self.tracing.now())
            self.tracing.batch(batch.callers, batch.words, server, times, error)
