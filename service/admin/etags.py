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
    if if_match is None or if_match.strip() == ANY:
        return
    if etag(record) not in [one.strip() for one in if_match.split(",")]:
        raise Outdated("another operator changed it meanwhile: look at it again, and send its ETag as If-Match")
