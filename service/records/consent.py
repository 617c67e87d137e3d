"""What a person allowed a client, remembered so that they are not asked again."""

from service.records.json import Record


class Consent(Record, frozen=True, omit_defaults=True, gc=False):
    """``scopes``: all that was ever allowed; ``generation``: of the client then, so that one that was revoked or registered
    anew asks again; ``given_at``: epoch seconds.
    """

    scopes: tuple[str, ...]
    generation: int
    given_at: int
