"""openid-client asks for a user who is elsewhere, and polls until they have decided at their page (OpenID Connect CIBA)."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from service.app import open_issuer
from service.protocol.names import ClientAuthMethod
from tests.backchannel import backchannel_client, decide
from tests.conftest import NODE
from tests.patience import PATIENCE
from tests.person import Person
from tests.redis_shapes import Shape
from tests.server_process import free_port
from tests.world import SECRET, World, in_process, settings_for

pytestmark = pytest.mark.slow


@pytest.fixture
async def bank(redis: Shape) -> AsyncIterator[World]:
    port = free_port()
    settings = settings_for(redis.url, issuer=f"http://127.0.0.1:{port}", backchannel_interval=1)
    async with open_issuer(settings) as issuer, in_process(issuer, port=port) as http:
        world = World(issuer, http, redis)
        await backchannel_client(world, auth_method=ClientAuthMethod.CLIENT_SECRET)
        await world.user()
        yield world


@pytest.mark.usefixtures("node_modules")
@pytest.mark.parametrize("decision", ["allow", "deny"])
async def test_openid_client(bank: World, decision: str) -> None:
    script = ("node", "ciba.js", bank.issuer.url, "bank", SECRET)
    node = await asyncio.create_subprocess_exec(*script, cwd=NODE, stdout=asyncio.subprocess.PIPE)
    assert node.stdout is not None
    try:
        started: dict[str, Any] = json.loads(await asyncio.wait_for(node.stdout.readline(), PATIENCE))
        assert (started["expires_in"], started["interval"]) == (120, 1)
        await decide(Person(bank), decision)
        told = json.loads(await asyncio.wait_for(node.stdout.readline(), PATIENCE))
    finally:
        if node.returncode is None:
            node.terminate()
        await node.wait()
    allowed = {"scope": "openid offline_access read", "sub": "alice", "refreshable": True}
    assert told == (allowed if decision == "allow" else {"error": "access_denied"})
