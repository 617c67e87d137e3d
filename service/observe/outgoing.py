"""The span of an outgoing call, as its caller uses it: for headers to send, and for the status of the response."""

from collections.abc import Mapping
from types import MappingProxyType, TracebackType


class Outgoing:
    """A call that is not traced. Enter it around the call, send its ``headers``, and note the status with ``answered``."""

    def __init__(self, headers: Mapping[str, str] = MappingProxyType({})) -> None:
        self.headers = headers

    def answered(self, status: int) -> None:
        """Note the HTTP status of the response."""

    def __enter__(self) -> "Outgoing":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the span."""


UNTRACED = Outgoing()
