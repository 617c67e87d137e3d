"""Devices (RFC 8628): a client without a browser, and the user who enters its code in one."""

from typing import Any

from aiohttp import ClientResponse

from service.protocol.names import GrantTypeName
from service.records.client import Client
from tests.person import Person, Shown
from tests.polling import GRANT_TYPES, after_the_pause
from tests.world import World


async def device_client(world: World, client_id: str = "tv", **changes: Any) -> Client:
    """Register a public client for devices."""
    facts: dict[str, Any] = {"grant_types": GRANT_TYPES, "name": "The TV", "redirect_uris": ()}
    return await world.public_client(client_id, **(facts | {"scopes": ("openid", "read", "write")} | changes))


async def begun(world: World, client_id: str = "tv", **form: str) -> dict[str, Any]:
    """Make a device authorization request of a public client, and return the response."""
    response = await world.post("/device_authorization", {"client_id": client_id, **form}, None)
    assert response.status == 200, await response.text()
    body: dict[str, Any] = await response.json()
    return body


async def polled(world: World, device_code: str, client_id: str = "tv") -> ClientResponse:
    """Poll as a public client, after the interval."""
    after_the_pause(world)
    form = {"grant_type": GrantTypeName.DEVICE_CODE.value, "device_code": device_code, "client_id": client_id}
    return await world.post("/token", form, None)


async def enter(person: Person, code: str) -> Shown:
    """Open the page and enter a code."""
    return await person.submit(await person.get("/device"), user_code=code)


async def confirm(person: Person, code: str) -> Shown:
    """Enter a code, and confirm that it is the user's own device."""
    return await person.submit(await enter(person, code), decision="continue")


async def connect(person: Person, code: str, username: str = "alice") -> Shown:
    """Do every step until the device can get its tokens."""
    shown = await confirm(person, code)
    if shown.action.endswith("/login"):
        shown = await person.log_in(shown, username)
    if shown.action.endswith("/consent"):
        shown = await person.agree(shown)
    return shown
