"""A refresh token, by its hash (RFC 6749 section 6, IA-23)."""

from msgspec import field

from service.protocol.binding import UNBOUND, Binding
from service.records.json import Record


class RefreshToken(Record, frozen=True, omit_defaults=True, gc=False):
    """What a refresh token has of its own."""

    issued_at: int = field(name="i")  # epoch seconds
    refreshes_left: int | None = field(default=None, name="l")  # None: without limit (WM-20)
    predecessor: str = field(default="", name="p")
    """Hash of the code or refresh token that was exchanged for it, whose reply waits no longer once this one is used."""
    binding: Binding = field(default=UNBOUND, name="b")
    """Of a public client's, which has nothing else to prove itself by (RFC 9449 section 5)."""
