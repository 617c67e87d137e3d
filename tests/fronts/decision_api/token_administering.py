"""Tokens made, changed and ended by API, with Authlete's own SDK."""

from typing import Any

import pytest
from authlete.dto import Property, TokenCreateRequest, TokenRevokeRequest, TokenUpdateRequest
from authlete.types.grant_type import GrantType

from tests.deciding import Backend
from tests.world import ALL_GRANT_TYPES, World

NUMBER = 4711
URN = "urn:ietf:params:oauth:grant-type:"
EVERY = (*ALL_GRANT_TYPES, "implicit", f"{URN}jwt-bearer", f"{URN}token-exchange")


def request_of(kind: type, **members: Any) -> Any:
    """A request object of the SDK with these members."""
    made = kind()
    for name, value in members.items():
        setattr(made, name, value)
    return made


def property_of(key: str, value: str, *, hidden: bool = False) -> Property:
    return Property({"key": key, "value": value, "hidden": hidden})


async def create(caller: Backend, **members: Any) -> Any:
    """A token for the client 4711: of alice, by code, unless said otherwise."""
    wished = {"grantType": GrantType.AUTHORIZATION_CODE, "clientId": NUMBER, "subject": "alice"}
    return await caller.ask("tokenCreate", request_of(TokenCreateRequest, **(wished | members)))


async def update(caller: Backend, **members: Any) -> Any:
    return await caller.ask("tokenUpdate", request_of(TokenUpdateRequest, **members))


async def revoke(caller: Backend, **members: Any) -> int:
    return int((await caller.ask("tokenRevoke", request_of(TokenRevokeRequest, **members))).count)


async def app(world: World, client_id: str = str(NUMBER), **changes: Any) -> Any:
    return await world.client(client_id, **({"grant_types": EVERY} | changes))


FORBIDDEN = [
    pytest.param({"scopes": ["read", "admin"]}, "admin", id="a scope that the client may not have"),
    pytest.param({"resources": ["https://other.example"]}, "invalid_target", id="a resource that it may not have"),
    pytest.param({"clientId": 12}, "disabled", id="a disabled client"),
    pytest.param({"clientId": 13}, "not registered", id="a grant type that it is not registered for"),
    pytest.param({"subject": "mallory"}, "invalid_grant", id="a disabled person"),
    pytest.param(
        {"clientId": 14, "grantType": "CLIENT_CREDENTIALS", "subject": None}, "confidential", id="a public client alone"
    ),
]
