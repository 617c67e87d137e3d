"""The version of a record that an operator has read (RFC 9110 8.8.3, 13.1.1), so that no operator undoes another's work."""

from hashlib import sha512

from service.admin.errors import Outdated
from service.protocol.credentials import base64url
from service.records.json import Record

ANY = "*"


def etag(record: Record) -> str:
    """Return the strong entity tag of a record, with its quotes; it differs after every change of any member."""
    return f'"{base64url(sha512(record.encode()).digest()[:16])}"'


def check(record: Record, if_match: str | None) -> None:
    """Check that If-Match names the record; None = any version. Raises Outdated.

    Call it with the record that is compared and set afterwards: of two operators who read the same one, only one succeeds.
    """
    if if_match is None or not is_named(if_match):
        return
    if etag(record) not in [one.strip() for one in if_match.split(",")]:
        raise outdated()


def is_named(if_match: str | None) -> bool:
    """Whether If-Match names versions, so that no other may be changed or ended."""
    return if_match is not None and if_match.strip() != ANY


def outdated() -> Outdated:
    """Return the error for a record that If-Match does not name."""
    return Outdated("another operator changed it meanwhile: look at it again, and send its ETag as If-Match")
