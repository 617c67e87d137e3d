"""The living credentials of a grant."""

from service.admin.errors import InvalidInput
from service.admin.grants import is_grant_id
from service.admin.paging import Listing, cursor_checked
from service.issuer import Issuer
from service.store.scanning import LivingCredential

KINDS = {"access": "access_token", "refresh": "refresh_token", "code": "authorization_code"}
SCANNED = 50_000
"""Keys of the grant's server that one call scans by default."""


async def list_issued(
    issuer: Issuer, grant_id: str, cursor: str = "", limit: int = SCANNED
) -> Listing[LivingCredential]:
    """Return the living credentials of a grant, and then those that are only remembered as used.

    There is no index of them: some ``limit`` keys of one server are scanned, and a page may be empty though more follow.
    Raises InvalidInput for an invalid grant id or cursor, TemporarilyUnavailable.
    """
    if not is_grant_id(grant_id):
        raise InvalidInput(
            "a grant id has 22 letters, digits, - and _: the ones right after mm_at_ or mm_rt_ in a token"
        )
    with cursor_checked(cursor):
        found, following = await issuer.store.scanning.issued(grant_id, cursor, limit)
    return Listing(sorted(found, key=lambda one: (one.used, one.kind, -one.ends_at)), following)
