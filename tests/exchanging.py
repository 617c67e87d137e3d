"""Token exchange (RFC 8693) in short words: a client that exchanges, and one whose tokens are exchanged."""

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
"""An API that the app calls, and the one behind it."""


async def app(world: World, **changes: Any) -> Client:
    """The application at which users sign in; its tokens are for the API of orders."""
    wished = {"audiences": (ORDERS,), "grant_types": (*ALL_GRANT_TYPES, EXCHANGE)}
    return await world.openid_client("app", **(wished | changes))


async def orders(world: World, **changes: Any) -> Client:
    """The service behind that API, which may call the one of the stock for its users."""
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
    """A token exchange."""
    wished = {"grant_type": EXCHANGE, "subject_token": token, "subject_token_type": token_type}
    return await world.token(client_id, **(wished | form))


async def exchanged(world: World, client_id: str, token: str, token_type: str = ACCESS, **form: str) -> dict[str, Any]:
    """The response to one that succeeds."""
    response = await exchange(world, client_id, token, token_type, **form)
    body: dict[str, Any] = await response.json()
    assert response.status == 200, body
    return body


async def acting(world: World, client_id: str) -> dict[str, str]:
    """The parameters by which a client says that it acts itself, by a token of its own."""
    response = await world.token(client_id, grant_type="client_credentials")
    return {"actor_token": (await response.json())["access_token"], "actor_token_type": ACCESS}
