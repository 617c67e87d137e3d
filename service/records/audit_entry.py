"""An act of an operator: an entry of the audit log. Never a credential, never a value: names of what was changed."""

from enum import StrEnum

from service.records.json import Record


class Way(StrEnum):
    """The interface that an operator used."""

    CLI = "cli"
    ADMIN_API = "admin_api"
    CONSOLE = "console"
    DECISION_API = "decision_api"


class Result(StrEnum):
    """The outcome of an act."""

    BEGUN = "begun"
    """It was about to be done; whether it was done is not known."""
    OK = "ok"
    REFUSED = "refused"
    FAILED = "failed"
    """It was interrupted, perhaps half done."""


class AuditEntry(Record, frozen=True, omit_defaults=True, gc=False):
    """An act of an operator, at its beginning or with its outcome."""

    act: str  # a random id, the same from ``begun`` to the outcome
    at: int  # epoch milliseconds when it began
    actor: str
    way: Way
    address: str  # where the actor was: an IP address, or for ``cli`` a host name
    action: str  # such as ``client.update``
    targets: tuple[str, ...] = ()  # such as ``client:web``, as the actor named them
    changed: tuple[str, ...] = ()  # names of members; unless ``result`` is ok, of those that were to be changed
    result: Result = Result.BEGUN
    why: str = ""  # why it was not done
    count: int = 1  # acts of one kind that are summed in this entry, the first of them at ``at``
