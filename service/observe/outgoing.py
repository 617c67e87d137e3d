"""The span of an outgoing call as its caller sees it: headers to send along, and where to note the status."""

from collections.abc import Mapping
from types import MappingProxyType, TracebackType


class Outgoing:
    """A call that is not traced. Enter it around the call, send ``headers`` along, note the status with ``answered``."""

    def __init__(self, headers: Mapping[str, str] = MappingProxyType({})) -> None:
        self.headers = headers

    def answered(self, status: int) -> None:
        """The HTTP status that came back."""

    def __enter__(self) -> "Outgoing":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """It is over."""


UNTRACED = Outgoing()
