"""How answers name clients and registered words."""

from typing import Any

from service.admin.client_numbers import number_of
from service.fronts.decision_api.client_json import alias_of
from service.issuer import Issuer
from service.records.client import Client


async def client_members(issuer: Issuer, client: Client, presented: str | None = None) -> dict[str, Any]:
    """``clientId`` is the number, ``clientIdAlias`` the other name (AU-25 to AU-27). ``presented``: what the client called
    itself, None where nobody knows any more: then whether that was the alias is taken from the client_id.
    """
    number = await number_of(issuer, client)
    name = client.client_id if presented is None else presented
    return {"clientId": number, "clientIdAlias": alias_of(client), "clientIdAliasUsed": name != str(number)}
