"""A client as Authlete's Client object."""

from typing import Any

from service.admin.client_numbers import number_of
from service.issuer import Issuer
from service.records.client import Client


async def describe(issuer: Issuer, client: Client) -> dict[str, Any]:
    """The client for callers: never a secret. ``clientId`` is its number, ``clientIdAlias`` its client_id in words."""
    return {
        "clientId": await number_of(issuer, client),
        "clientIdAlias": alias_of(client),
        "clientIdAliasEnabled": True,
        "clientName": client.name or client.client_id,
        "clientType": "PUBLIC" if client.public else "CONFIDENTIAL",
        "redirectUris": list(client.redirect_uris),
        "grantTypes": [enum_name(name) for name in client.grant_types],
        "responseTypes": [enum_name(one.value) for one in client.response_types],
    }


def alias_of(client: Client) -> str | None:
    """What a client is called beside its number: its client_id; where that is the number, its alias (AU-26)."""
    if client.client_id.isdigit():
        return client.alias
    return client.client_id


def enum_name(word: str) -> str:
    """A registered word as Authlete's enumerations spell it: ``AUTHORIZATION_CODE``, ``CODE_ID_TOKEN``, ``JWT_BEARER``."""
    return word.rpartition(":")[2].upper().replace(" ", "_").replace("-", "_")
