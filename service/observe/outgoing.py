"""An outgoing call as whoever makes it sees it: headers to send along, and somebody to tell how it went."""

from collections.abc import Mapping
from types import MappingProxyType, TracebackType


class Outgoing:
    """One that nobody traces. ``headers``: to be sent along. Enter it around the call, tell the status with ``answered``."""

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
