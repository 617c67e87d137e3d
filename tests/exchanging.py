"""Token exchange (RFC 8693): a client that exchanges tokens, and one whose tokens are exchanged."""

from typing import Any

from aiohttp import ClientResponse

from service.protocol.names import GrantTypeName
from service.protocol.token_exchange import TokenType
from service.records.client import Client
from tests.world import ALL_GRANT_TYPES, World

EXCHANGE = GrantTypeName.TOKEN_EXCHANGE.value
ACCESS, REFRESH, ID, JWT, ID_JAG = (
    TokenType.ACCESS_TOKEN,
    TokenType.REFRESH_TOKEN,
    TokenType.ID_TOKEN,
    TokenType.JWT,
    TokenType.ID_JAG,
)
ORDERS, STOCK = "https://orders.example", "https://stock.example"
"""An API that the app calls, and the API that this one calls."""


async def app(world: World, **changes: Any) -> Client:
    """Register the application at which users sign in, with tokens for the API of orders."""
    wished = {"audiences": (ORDERS,), "grant_types": (*ALL_GRANT_TYPES, EXCHANGE)}
    return await world.openid_client("app", **(wished | changes))


async def orders(world: World, **changes: Any) -> Client:
    """Register the service of that API, which may call the API of the stock for its users."""
    wished: dict[str, Any] = {
        "grant_types": ("client_credentials", EXCHANGE),
        "introspect": True,
        "resources": (ORDERS,),
        "scopes": ("read", "write"),
        "exchange_audiences": (STOCK,),
    }
    return await world.client("orders", **(wished | changes))


async def exchange(
    world: World, client_id: str | None, token: str, token_type: str = ACCESS, **form: str
) -> ClientResponse:
    """Make a token exchange request."""
    wished = {"grant_type": EXCHANGE, "subject_token": token, "subject_token_type": token_type}
    return await world.token(client_id, **(wished | form))


async def exchanged(world: World, client_id: str, token: str, token_type: str = ACCESS, **form: str) -> dict[str, Any]:
    """Make a token exchange request that succeeds, and return the response."""
    response = await exchange(world, client_id, token, token_type, **form)
    body: dict[str, Any] = await response.json()
    assert response.status == 200, body
    return body


async def acting(world: World, client_id: str) -> dict[str, str]:
    """Return the parameters by which a client is the actor, with a token of its own."""
    response = await world.token(client_id, grant_type="client_credentials")
    return {"actor_token": (await response.json())["access_token"], "actor_token_type": ACCESS}
