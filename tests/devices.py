"""Devices (RFC 8628): a client without a browser, and the person who enters its code in one."""

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
    """What a device gets that begins; its client is a public one."""
    response = await world.post("/device_authorization", {"client_id": client_id, **form}, None)
    assert response.status == 200, await response.text()
    body: dict[str, Any] = await response.json()
    return body


async def polled(world: World, device_code: str, client_id: str = "tv") -> ClientResponse:
    """A poll of a public client, as soon as it may come."""
    after_the_pause(world)
    form = {"grant_type": GrantTypeName.DEVICE_CODE.value, "device_code": device_code, "client_id": client_id}
    return await world.post("/token", form, None)


async def enter(person: Person, code: str) -> Shown:
    """Open the page and enter a code."""
    return await person.submit(await person.get("/device"), user_code=code)


async def confirm(person: Person, code: str) -> Shown:
    """Enter a code and confirm that the device is one's own."""
    return await person.submit(await enter(person, code), decision="continue")


async def connect(person: Person, code: str, username: str = "alice") -> Shown:
    """Do all that there is to do until the device may have its tokens."""
    shown = await confirm(person, code)
    if shown.action.endswith("/login"):
        shown = await person.log_in(shown, username)
    if shown.action.endswith("/consent"):
        shown = await person.agree(shown)
    return shown
