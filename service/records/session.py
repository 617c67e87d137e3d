"""A browser session: a user has signed in, and need not do so again for a while."""

from service.records.json import Record


class Session(Record, frozen=True, omit_defaults=True, gc=False):
    """A user who is signed in at a browser."""

    sid: str  # what ID tokens call it, the same through every renewal
    secret_hash: str  # of the cookie that is valid now, renewed at each login
    subject: str
    username: str
    started_at: int  # epoch seconds
    auth_time: int  # epoch seconds
    used_at: int = 0  # epoch seconds of the last extension of its idle lifetime
    acr: str = ""
    amr: tuple[str, ...] = ()
