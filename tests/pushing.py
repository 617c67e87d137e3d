"""A client that pushes its authorization requests (RFC 9126), and a user who comes with the request_uri."""

from typing import Any

from tests.person import Person, Shown, usual_request
from tests.world import World

URN = "urn:ietf:params:oauth:request_uri:"


async def pushed(world: World, client_id: str = "app", **request: str) -> str:
    """Push an authorization request and return its request_uri; "" leaves a parameter out."""
    response = await world.post("/par", usual_request(client_id, **request), client_id)
    assert response.status == 201, await response.text()
    body: dict[str, Any] = await response.json()
    uri: str = body["request_uri"]
    return uri


async def come(person: Person, request_uri: str, client_id: str = "app", **others: str) -> Shown:
    """Open the authorization endpoint with client_id, request_uri and ``others``."""
    return await person.get("/authorize", client_id=client_id, request_uri=request_uri, **others)
