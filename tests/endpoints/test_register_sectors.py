"""Sectors of clients that register themselves with pairwise subjects (OpenID Connect Core 8.1)."""

from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from service.tokens.id_tokens import subject_for
from tests.registering import WEB, register
from tests.world import CALLBACK, World


async def test_pairwise_clients_name_their_sector(world: World) -> None:
    """oidcc-registration-sector-uri, -sector-bad."""
    listed: list[str] = []

    async def sector(_: web.Request) -> web.Response:
        return web.json_response(listed)

    app = web.Application()
    app.router.add_get("/sector", sector)
    async with (
        TestServer(app) as server,
        world.having(registration="open", pairwise_salt="s" * 16, fetch_private_addresses=True) as other,
    ):
        http_client = type(other.issuer.http_client)(other.issuer.settings)
        async with other.with_part(http_client=http_client) as able:
            uris = ["https://a.example/cb", "https://b.example/cb"]
            wanted: dict[str, Any] = {"redirect_uris": uris, "subject_type": "pairwise"}
            assert (await register(able, wanted))[1]["error"] == "invalid_client_metadata", "two hosts"
            wanted["sector_identifier_uri"] = f"http://127.0.0.1:{server.port}/sector"
            assert (await register(able, wanted))[1]["error"] == "invalid_client_metadata", "not listed"
            listed += uris
            status, made = await register(able, wanted)
            assert status == 201
            client = await able.issuer.store.clients.read(made["client_id"])
            assert client is not None
            assert client.sector_identifier == "127.0.0.1"
        await http_client.close()


@pytest.mark.parametrize(
    "uris",
    [["com.evil.app://app.example/cb"], [CALLBACK, "com.evil.app:/cb"], ["http://127.0.0.1/cb"], ["com.evil.app:/cb"]],
)
async def test_nobody_gets_into_the_sector_of_a_host_that_is_not_shown_to_be_theirs(
    world: World, uris: list[str]
) -> None:
    """OpenID Connect Core 8.1: what alice is called at app.example is for app.example alone, and apps share nothing."""
    async with world.having(registration="open", pairwise_salt="s" * 16) as other:
        pairwise = {"subject_type": "pairwise", "token_endpoint_auth_method": "none"}
        honest = [(await register(other, WEB | pairwise))[1] for _ in range(2)]
        strange = [(await register(other, pairwise | {"redirect_uris": uris}))[1] for _ in range(2)]
        subs = [await _sub_of(other, made["client_id"]) for made in (*honest, *strange)]
        assert subs[0] == subs[1]
        assert len(set(subs)) == 3
        stale = await other.issuer.store.clients.read(strange[0]["client_id"])
        assert stale is not None
        await other.change(stale, sector_identifier="app.example")
        assert await _sub_of(other, stale.client_id) == subs[2], "what an earlier release settled is not believed"


async def _sub_of(world: World, client_id: str) -> str:
    client = await world.issuer.store.clients.read(client_id)
    assert client is not None
    return subject_for(world.issuer, client, "alice")
