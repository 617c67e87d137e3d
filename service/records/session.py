"""A browser session: somebody has signed in, and need not do so again for a while."""

from service.records.json import Record


class Session(Record, frozen=True, omit_defaults=True, gc=False):
    """``sid``: what ID tokens call it, the same through every renewal; ``secret_hash``: of the cookie that is valid now,
    renewed at each login; ``started_at`` and ``auth_time``: epoch seconds; ``used_at``: epoch seconds of the last
    extension of its idle lifetime.
    """

    sid: str
    secret_hash: str
    subject: str
    username: str
    started_at: int
    auth_time: int
    used_at: int = 0
    acr: str = ""
    amr: tuple[str, ...] = ()
