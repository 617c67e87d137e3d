"""The claims in a user's living grants, renewed after the user was changed."""

import msgspec

from service.issuer import Issuer
from service.protocol.claims import present
from service.protocol.errors import TemporarilyUnavailable
from service.records.client import Client
from service.records.grant import Grant
from service.records.user import User
from service.store.grant_updates import GrantUpdate, UpdateAnswer
from service.tokens import user_claims

_PAGE, _TRIES = 200, 8


async def renew(issuer: Issuer, user: User) -> int:
    """Update the user's claims in every grant: in introspection at once, in JWTs and ID tokens from the next refresh on.

    Returns how many grants that changed. Raises TemporarilyUnavailable.
    """
    renewed, cursor = 0, ""
    while True:
        page = await issuer.store.grants.list_of_user(user.subject, cursor, _PAGE)
        for listed in page.grants:
            client = await issuer.store.clients.get(listed.grant.client_id)
            if client is not None and (listed.grant.access_token_claims is not None or client.id_token_claims):
                renewed += await _renew_one(issuer, client, listed.grant_id, user)
        cursor = page.cursor
        if not cursor:
            return renewed


async def _renew_one(issuer: Issuer, client: Client, grant_id: str, user: User) -> bool:
    """Read the grant, change it, compare and set; repeat where another change was first."""
    for _ in range(_TRIES):
        held = await issuer.store.grant_updates.read(grant_id)
        if held is None:
            return False
        grant = _renewed(issuer, client, held.grant, user)
        if grant == held.grant:
            return False
        answer = await issuer.store.grant_updates.write(held, GrantUpdate(grant, None))
        if answer is not UpdateAnswer.CHANGED:
            return answer is UpdateAnswer.UPDATED
    raise TemporarilyUnavailable(log="the grant is being changed by others at the same time")


def _renewed(issuer: Issuer, client: Client, grant: Grant, user: User) -> Grant:
    """Return the grant with the user's claims; those that a request asked for (the claims parameter) stay as they were."""
    in_access_token = grant.access_token_claims
    if in_access_token is not None:
        in_access_token = user_claims.kept(user.released_claims, {name.partition("#")[0] for name in in_access_token})
    wanted = user_claims.names_in_id_token(issuer, client, grant.scope)
    others = {name: value for name, value in grant.id_token_claims.items() if name.partition("#")[0] not in wanted}
    renewed: Grant = msgspec.structs.replace(
        grant, access_token_claims=in_access_token, id_token_claims=others | present(user.released_claims, wanted)
    )
    return renewed
