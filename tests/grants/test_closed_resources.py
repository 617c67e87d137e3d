"""A resource that is closed to clients that registered themselves is had no more by an exchange, nor by a poll."""

from typing import Any

from service.admin.resources import ResourceInput, create_resource, update_resource
from service.protocol.names import GrantTypeName
from service.records.client import Client
from tests.exchanging import ACCESS, EXCHANGE
from tests.polling import after_the_pause, allow, begin
from tests.registering import register
from tests.world import World, basic, error_of

MCP, STOCK = "https://mcp.example", "https://stock.example"
CLOSED = (400, "invalid_target")


async def registered(world: World, **changes: Any) -> tuple[Client, dict[str, str]]:
    """A client that registered itself, which an operator lets do more, and how it proves itself."""
    await create_resource(world.issuer, ResourceInput.read({"resource": MCP, "self_registered": True}))
    _, made = await register(world, {"redirect_uris": ["https://app.example/callback"]})
    seen = await world.issuer.store.clients.read(made["client_id"])
    assert seen
    client = await world.change(seen, scopes=("read", "write"), **changes)
    world.issuer.store.clients.forget([made["client_id"]])
    return client, basic(made["client_id"], made["client_secret"])


async def test_no_token_is_exchanged_for_it(world: World) -> None:
    async with world.having(registration="open") as other:
        grant_types = ("authorization_code", EXCHANGE)
        client, proof = await registered(other, grant_types=grant_types, exchange_audiences=(STOCK,))
        code = await other.code(client, audience=(MCP,), scope="read", redirect_uri="https://app.example/callback")
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": "https://app.example/callback"}
        held = await (await other.http.post("/token", data=form, headers=proof)).json()
        asked = {"grant_type": EXCHANGE, "subject_token": held["access_token"], "subject_token_type": ACCESS}
        assert (await other.http.post("/token", data=asked, headers=proof)).status == 200
        await update_resource(other.issuer, MCP, {"self_registered": False})
        assert await error_of(await other.http.post("/token", data=asked, headers=proof)) == CLOSED
        beside = await other.http.post("/token", data=asked | {"audience": STOCK}, headers=proof)
        assert beside.status == 200, "what an operator lets it exchange tokens for is open"


async def test_no_poll_brings_a_token_for_it(world: World) -> None:
    async with world.having(registration="open") as other:
        client, proof = await registered(other, grant_types=(GrantTypeName.DEVICE_CODE.value,))
        fresh = await begin(other, client)
        assert await allow(other, client, fresh.reference, audience=(MCP,))
        form = {"grant_type": GrantTypeName.DEVICE_CODE.value, "device_code": fresh.credential}
        await update_resource(other.issuer, MCP, {"self_registered": False})
        assert await error_of(await other.http.post("/token", data=form, headers=proof)) == CLOSED
        after_the_pause(other)
        await update_resource(other.issuer, MCP, {"self_registered": True})
        assert (await other.http.post("/token", data=form, headers=proof)).status == 200, "nothing is lost"
