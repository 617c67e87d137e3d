"""A refresh token, by its hash (RFC 6749 section 6, IA-23)."""

from service.records.json import Record


class RefreshToken(
    Record,
    frozen=True,
    omit_defaults=True,
    gc=False,
    rename={"issued_at": "i", "refreshes_left": "l", "predecessor": "p"},
):
    """``issued_at``: epoch seconds; ``refreshes_left``: None = without limit (WM-20); ``predecessor``: the hash of the code or
    refresh token that it was issued for, whose reply waits no longer once this one is used.
    """

    issued_at: int
    refreshes_left: int | None = None
    predecessor: str = ""
