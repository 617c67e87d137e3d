"""Clients that are known by a document, in a real Chromium: people see whose they are, and who could pose as one."""

from collections.abc import AsyncIterator
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from service.admin.resources import ResourceInput, create_resource
from service.app import open_issuer
from service.protocol.names import ClientAuthMethod
from service.records.client import Registration
from tests.browser.conftest import Shoot
from tests.person import usual_request
from tests.redis_shapes import Shape
from tests.server_process import free_port
from tests.world import World, in_process, settings_for

pytestmark = pytest.mark.asyncio(loop_scope="session")

AGENT = "https://agents.example.com/oauth/client.json"
MCP = "https://mcp.example.com/mcp"


@pytest_asyncio.fixture(loop_scope="session")
async def agents(redis: Shape) -> AsyncIterator[World]:
    """A service that takes documents, and has just read one."""
    port = free_port()
    scopes = {"mcp:tools": "Call the tools of this server in your name"}
    settings = settings_for(redis.url, issuer=f"http://127.0.0.1:{port}", scopes=scopes, client_metadata_documents=True)
    async with open_issuer(settings) as issuer, in_process(issuer, port=port) as http:
        world, now = World(issuer, http, redis), int(issuer.clock())
        await create_resource(
            issuer, ResourceInput.read({"resource": MCP, "scopes": [*scopes], "self_registered": True})
        )
        await world.openid_client(
            AGENT,
            name="Helpful Agent",
            auth_method=ClientAuthMethod.NONE,
            secrets=(),
            application_type="native",
            redirect_uris=("http://localhost/callback",),
            scopes=("openid",),
            registration=Registration(
                "", registered_openly=True, document_fetched_at=now, document_fresh_until=now + 600
            ),
        )
        await world.user()
        yield world


async def test_people_see_whose_it_is(page: Page, agents: World, shoot: Shoot) -> None:
    request = usual_request(
        AGENT, redirect_uri="http://localhost:4711/callback", scope="openid mcp:tools", resource=MCP
    )
    await page.goto(f"{agents.issuer.url}/authorize?{urlencode(request)}")
    await expect(page.locator("h1")).to_have_text("Sign in")
    await expect(page.locator("#document-host strong").first).to_have_text("agents.example.com")
    await expect(page.locator("#device-only")).to_contain_text("any program can pose as one of agents.example.com")
    await shoot(page, "login-document")
    await page.fill("#username", "alice")
    await page.fill("#password", "wonderland")
    await page.click("#login-submit")
    await expect(page.locator("#consent-allow")).to_be_visible()
    await expect(page.locator("#device-only")).to_be_visible()
    await expect(page.locator(".resources")).to_contain_text(MCP)
    await shoot(page, "consent-document")
