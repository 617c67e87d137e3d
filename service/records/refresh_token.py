"""A refresh token, by its hash (RFC 6749 section 6, IA-23)."""

from service.records.json import Record


class RefreshToken(
    Record,
    frozen=True,
    omit_defaults=True,
    gc=False,
    rename={"issued_at": "i", "refreshes_left": "l", "predecessor": "p"},
):
    """What a refresh token has of its own."""

    issued_at: int  # epoch seconds
    refreshes_left: int | None = None  # None: without limit (WM-20)
    predecessor: str = ""
    """Hash of the code or refresh token that was exchanged for it, whose reply waits no longer once this one is used."""
