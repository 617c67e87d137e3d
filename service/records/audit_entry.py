"""What an operator did: an entry of the audit log. Never a credential, never a value: names of what was changed."""

from enum import StrEnum

from service.records.json import Record


class Way(StrEnum):
    """By which door an operator came in."""

    CLI = "cli"
    ADMIN_API = "admin_api"
    CONSOLE = "console"
    DECISION_API = "decision_api"


class Result(StrEnum):
    """``BEGUN``: it was about to be done, and whether it was is not known; ``FAILED``: it broke off, perhaps half done."""

    BEGUN = "begun"
    OK = "ok"
    REFUSED = "refused"
    FAILED = "failed"


class AuditEntry(Record, frozen=True, omit_defaults=True, gc=False):
    """``act``: a random id, the same from ``begun`` to the outcome; ``at``: epoch milliseconds when it began; ``address``:
    where the actor was, an IP address or for ``cli`` a host name; ``action``: ``client.update``; ``targets``:
    ``client:web``, as the actor named it; ``changed``: names of members; ``why``: of what was not done; ``count``:
    how many acts of one kind are summed in it, the first of them at ``at``.
    """

    act: str
    at: int
    actor: str
    way: Way
    address: str
    action: str
    targets: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    result: Result = Result.BEGUN
    why: str = ""
    count: int = 1
