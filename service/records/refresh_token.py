"""A refresh token, by its hash (RFC 6749 section 6, IA-23)."""

from msgspec import field

from service.records.json import Record


class RefreshToken(Record, frozen=True, omit_defaults=True, gc=False):
    """What a refresh token has of its own."""

    issued_at: int = field(name="i")  # epoch seconds
    refreshes_left: int | None = field(default=None, name="l")  # None: without limit (WM-20)
    predecessor: str = field(default="", name="p")
    """Hash of the code or refresh token that was exchanged for it, whose reply waits no longer once this one is used."""
