"""What the operator's hooks say before tokens are made."""

from typing import Any

import msgspec

from service.hooks.facts import about_token
from service.issuer import Issuer
from service.protocol.names import GrantTypeName
from service.records.client import Client
from service.store.tokens import OpenedRefreshToken
from service.tokens.authorization import Authorization


async def with_hooks(
    issuer: Issuer, client: Client, authorization: Authorization, grant_id: str, grant_type: str
) -> Authorization:
    """With what hooks add to its tokens. Nothing is made or spent yet. Raises TemporarilyUnavailable."""
    facts = _facts(client, authorization, grant_id, grant_type)
    return msgspec.structs.replace(authorization, added=await issuer.hooks.add_claims(facts))


async def ask_for_refresh(
    issuer: Issuer, client: Client, authorization: Authorization, opened: OpenedRefreshToken
) -> Authorization:
    """Whether it may be, and what to add. A repeated refresh does not come here.

    Raises InvalidGrant, TemporarilyUnavailable.
    """
    grant_id = opened.credential.grant_id
    if issuer.hooks.asks_refresh:
        await issuer.hooks.check_refresh(_facts(client, authorization, grant_id, GrantTypeName.REFRESH_TOKEN))
    if not issuer.hooks.asks_claims:
        return authorization
    return await with_hooks(issuer, client, authorization, grant_id, GrantTypeName.REFRESH_TOKEN)


def _facts(client: Client, authorization: Authorization, grant_id: str, grant_type: str) -> dict[str, Any]:
    grant, scope, audience = authorization.grant, authorization.scope, authorization.audience
    return about_token(client, grant, grant_id, grant_type, scope, audience, authorization.address)
