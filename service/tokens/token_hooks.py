"""The hooks that the operator has for tokens that are about to be made."""

from typing import Any

import msgspec

from service.hooks.facts import about_token
from service.issuer import Issuer
from service.protocol.authorization_details import NAME as AUTHORIZATION_DETAILS
from service.protocol.names import GrantTypeName
from service.records.client import Client
from service.tokens.authorization import Authorization
from service.tokens.spendable import Spendable


async def with_hooks(
    issuer: Issuer, client: Client, authorization: Authorization, grant_id: str, grant_type: str
) -> Authorization:
    """Return the authorization with what hooks add to its tokens.

    Nothing is made or spent yet. Raises TemporarilyUnavailable.
    """
    facts = _facts(client, authorization, grant_id, grant_type)
    return msgspec.structs.replace(authorization, added=await issuer.hooks.add_claims(facts))


async def ask_before_exchange(
    issuer: Issuer, client: Client, authorization: Authorization, spends: Spendable
) -> Authorization:
    """Ask whether a refresh is allowed, and what to add to its tokens. A repeated request does not come here.

    Raises InvalidGrant, TemporarilyUnavailable.
    """
    grant_id, grant_type = spends.credential.grant_id, spends.GRANT_TYPE
    if grant_type == GrantTypeName.REFRESH_TOKEN:
        await ask_before_refresh(issuer, client, authorization, grant_id)
    if not issuer.hooks.asks_claims:
        return authorization
    return await with_hooks(issuer, client, authorization, grant_id, grant_type)


async def ask_before_refresh(issuer: Issuer, client: Client, authorization: Authorization, grant_id: str) -> None:
    """Ask whether a refresh token may be exchanged so. Raises InvalidGrant, TemporarilyUnavailable."""
    if issuer.hooks.asks_refresh:
        facts = _facts(client, authorization, grant_id, GrantTypeName.REFRESH_TOKEN)
        await issuer.hooks.check_refresh(facts)


def _facts(client: Client, authorization: Authorization, grant_id: str, grant_type: str) -> dict[str, Any]:
    granted = authorization.granted
    facts = about_token(
        client, authorization.grant, grant_id, grant_type, granted.scope, granted.audience, authorization.address
    )
    details = (granted.members or {}).get(AUTHORIZATION_DETAILS)
    return facts | ({AUTHORIZATION_DETAILS: details} if details else {})
