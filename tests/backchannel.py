"""A client that makes CIBA requests, and the user at the page of requests."""

import re
import secrets
from typing import Any

from aiohttp import ClientResponse

from service.protocol.names import GrantTypeName
from service.records.client import Client
from tests.person import Person, Shown
from tests.world import World

PATH = "/backchannel_authentication"


async def backchannel_client(world: World, client_id: str = "bank", **changes: Any) -> Client:
    """Register a client that polls for CIBA requests."""
    wished: dict[str, Any] = {
        "grant_types": (GrantTypeName.CIBA.value, "refresh_token"),
        "redirect_uris": (),
        "name": "The Bank",
    }
    return await world.openid_client(client_id, **(wished | changes))


async def ask(world: World, client_id: str = "bank", **request: str) -> ClientResponse:
    """Make a CIBA request for alice; "" leaves a parameter out."""
    wished = {"scope": "openid read", "login_hint": "alice"} | request
    return await world.post(PATH, {name: value for name, value in wished.items() if value}, client_id)


async def asked(world: World, client_id: str = "bank", **request: str) -> str:
    """Make a CIBA request for alice, and return its auth_req_id."""
    response = await ask(world, client_id, **request)
    assert response.status == 200, await response.text()
    auth_req_id: str = (await response.json())["auth_req_id"]
    return auth_req_id


async def poll(world: World, auth_req_id: str, client_id: str = "bank", **form: str) -> ClientResponse:
    """Poll for the tokens of a request."""
    return await world.token(client_id, grant_type=GrantTypeName.CIBA, auth_req_id=auth_req_id, **form)


async def poll_at_last(world: World, auth_req_id: str, client_id: str = "bank", **form: str) -> ClientResponse:
    """Poll after the interval has passed."""
    world.expire(":pause")
    return await poll(world, auth_req_id, client_id, **form)


async def approvals(person: Person, username: str = "alice") -> Shown:
    """Sign in and open the page of requests."""
    shown = await person.get("/approvals")
    return await person.log_in(shown, username) if shown.action.endswith("/login") else shown


def references(shown: Shown) -> list[str]:
    """Return the references of the requests on the page."""
    return re.findall(r'name="request" value="([^"]+)"', shown.text)


async def decide(person: Person, decision: str, shown: Shown | None = None, at: int = 0) -> Shown:
    """Allow or deny the request at this place of the page."""
    shown = shown or await approvals(person)
    return await person.submit(shown, request=references(shown)[at], decision=decision)


def notification_token() -> str:
    """Make a notification token with enough entropy."""
    return secrets.token_urlsafe(24)
