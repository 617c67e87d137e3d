"""A refresh token, by its hash (RFC 6749 section 6, IA-23)."""

from typing import Self

from msgspec import field

from service.protocol.binding import UNBOUND, Binding
from service.records.json import Record


class RefreshToken(Record, frozen=True, omit_defaults=True, gc=False):
    """The members of a refresh token that are not its grant's."""

    issued_at: int = field(name="i")  # epoch seconds
    refreshes_left: int | None = field(default=None, name="l")  # None: without limit (WM-20)
    predecessor: str = field(default="", name="p")
    """Hash of the refresh token that it replaced, whose sealed reply is deleted once this one is used."""
    binding: Binding = field(default=UNBOUND, name="b")
    """The key of a public client, which cannot authenticate otherwise (RFC 9449 section 5)."""
    code: str = field(default="", name="c")
    """Hash of the code, or polled request, that was exchanged for it: as ``predecessor``, but of a grant's first one."""

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Decode a record, or a bare number: the second of issue, as of an ``AccessToken``. Raises msgspec.DecodeError."""
        return cls(int(data)) if data.isdigit() else super().decode(data)
