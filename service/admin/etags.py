"""Which version of a record an operator has seen (RFC 9110 8.8.3, 13.1.1), so that no operator undoes another's work."""

from hashlib import sha512

from service.admin.errors import Outdated
from service.protocol.credentials import base64url
from service.records.json import Record

ANY = "*"


def etag(record: Record) -> str:
    """The strong entity tag of a record, quotes included: another one after every change, of whatever member."""
    return f'"{base64url(sha512(record.encode()).digest()[:16])}"'


def check(record: Record, if_match: str | None) -> None:
    """Check that the record is one of those that If-Match names; None = whatever it is now. Raises Outdated.

    Call it with the record that is compared and set afterwards: then of two who saw the same one, one is first.
    """
    if if_match is None or not is_named(if_match):
        return
    if etag(record) not in [one.strip() for one in if_match.split(",")]:
        raise outdated()


def is_named(if_match: str | None) -> bool:
    """Whether If-Match names records, so that no other may be changed or ended."""
    return if_match is not None and if_match.strip() != ANY


def outdated() -> Outdated:
    """Return what to raise where a record is none that If-Match names."""
    return Outdated("another operator changed it meanwhile: look at it again, and send its ETag as If-Match")
