"""What a user's living grants keep of the claims, after those were changed."""

import msgspec

from service.issuer import Issuer
from service.protocol.errors import TemporarilyUnavailable
from service.records.user import User
from service.store.grant_updates import GrantUpdate, UpdateAnswer
from service.tokens import user_claims

_PAGE, _TRIES = 200, 8


async def renew(issuer: Issuer, user: User) -> int:
    """Update the user's claims in every grant: in introspection at once, in JWTs from the next refresh on.

    Returns how many grants that changed. Raises TemporarilyUnavailable.
    """
    renewed, cursor = 0, ""
    while True:
        page = await issuer.store.grants.list_of_user(user.subject, cursor, _PAGE)
        for listed in page.grants:
            if listed.grant.access_token_claims is not None:
                renewed += await _renew_one(issuer, listed.grant_id, user)
        cursor = page.cursor
        if not cursor:
            return renewed


async def _renew_one(issuer: Issuer, grant_id: str, user: User) -> bool:
    """Read, change, compare and set; again where another change was first."""
    for _ in range(_TRIES):
        held = await issuer.store.grant_updates.read(grant_id)
        if held is None or held.grant.access_token_claims is None:
            return False
        names = {name.partition("#")[0] for name in held.grant.access_token_claims}
        claims = user_claims.kept(user.claims, names)
        if claims == held.grant.access_token_claims:
            return False
        grant = msgspec.structs.replace(held.grant, access_token_claims=claims)
        answer = await issuer.store.grant_updates.write(held, GrantUpdate(grant, None))
        if answer is not UpdateAnswer.CHANGED:
            return answer is UpdateAnswer.UPDATED
    raise TemporarilyUnavailable(log="the grant is being changed by others at the same time")
