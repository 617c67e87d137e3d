"""Real client libraries exchange tokens: Authlib and oauth4webapi (npm), with what discovery tells them alone."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator
from typing import Any

import pytest
from authlib.integrations.requests_client import OAuth2Session

from service.app import open_issuer
from tests.conftest import NODE
from tests.exchanging import ACCESS, EXCHANGE, ID, ID_JAG, JWT, ORDERS, STOCK, app, orders
from tests.free_ports import free_ports
from tests.redis_shapes import Shape
from tests.world import SECRET, World, in_process, settings_for

pytestmark = pytest.mark.slow


@pytest.fixture
async def shop(redis: Shape) -> AsyncIterator[tuple[World, dict[str, Any]]]:
    """A service on a port of its own, and the tokens of a user of its application."""
    [port] = free_ports(1)
    settings = settings_for(redis.url, issuer=f"http://127.0.0.1:{port}")
    async with open_issuer(settings) as issuer, in_process(issuer, port=port) as http:
        world = World(issuer, http, redis)
        await world.user()
        client = await app(world, exchange_issuers=("https://chat.example",))
        await orders(world, exchange_issuers=("https://chat.example",), default_scope="read")
        yield world, await world.tokens(client, audience=(ORDERS,), scope="openid read write")


async def test_authlib(shop: tuple[World, dict[str, Any]]) -> None:
    world, held = shop
    url = f"{world.issuer.url}/token"
    session = OAuth2Session("orders", SECRET, token_endpoint_auth_method="client_secret_basic")
    asked = {"grant_type": EXCHANGE, "subject_token": held["access_token"], "subject_token_type": ACCESS}
    token = await asyncio.to_thread(session.fetch_token, url, audience=STOCK, scope="read", **asked)
    assert (token["issued_token_type"], token["token_type"], token["scope"]) == (ACCESS, "Bearer", "read")
    said = await world.introspect(token["access_token"], "orders")
    assert (said["sub"], said["client_id"], said["aud"]) == ("alice", "orders", [STOCK])
    signer = OAuth2Session("app", SECRET, token_endpoint_auth_method="client_secret_basic")
    asked = {"grant_type": EXCHANGE, "subject_token": held["id_token"], "subject_token_type": ID}
    jag = await asyncio.to_thread(
        signer.fetch_token, url, audience="https://chat.example", requested_token_type=ID_JAG, **asked
    )
    assert (jag["issued_token_type"], jag["token_type"]) == (ID_JAG, "N_A")


@pytest.mark.usefixtures("node_modules")
async def test_oauth4webapi(shop: tuple[World, dict[str, Any]]) -> None:
    world, held = shop
    done = await asyncio.to_thread(
        subprocess.run,
        ["node", "token_exchange.js", world.issuer.url, "orders", SECRET, held["access_token"], STOCK],
        cwd=NODE,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert (said["offered"], said["chained"]) == (True, [ID_JAG, JWT])
    assert (said["exchanged"]["issued_token_type"], said["exchanged"]["scope"]) == (ACCESS, "read")
    introspected = said["introspected"]
    assert (introspected["sub"], introspected["act"]) == ("alice", {"sub": "orders", "client_id": "orders"})
    assert (said["stated"].lower(), said["refused"]) == ("n_a", "invalid_target")
