"""A device is connected in a real Chromium, and oauth4webapi is the device, with discovery alone."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from service.app import open_issuer
from service.records.client import Registration
from tests.browser.conftest import Shoot
from tests.browser.keyboard import press, type_into
from tests.conftest import NODE
from tests.devices import begun, device_client
from tests.patience import PATIENCE
from tests.redis_shapes import Shape
from tests.server_process import free_port
from tests.world import World, in_process, settings_for

pytestmark = pytest.mark.asyncio(loop_scope="session")

SCOPES = ("openid", "offline_access", "read", "write")


@pytest_asyncio.fixture(loop_scope="session")
async def living_room(redis: Shape) -> AsyncIterator[World]:
    port = free_port()
    settings = settings_for(
        redis.url,
        issuer=f"http://127.0.0.1:{port}",
        service_name="Mintmark",
        device_poll_interval=1,
        user_code_failures_allowed=3,
    )
    async with open_issuer(settings) as issuer, in_process(issuer, port=port) as http:
        world = World(issuer, http, redis)
        await world.user()
        await device_client(world, scopes=SCOPES)
        yield world


async def log_in(page: Page) -> None:
    await page.fill("#username", "alice")
    await page.fill("#password", "wonderland")
    await page.click("#login-submit")


async def test_a_code_is_typed(page: Page, living_room: World, shoot: Shoot) -> None:
    await device_client(living_room, "kiosk", name="Kiosk", registration=Registration(token_hash=""), scopes=SCOPES)
    device = await begun(living_room, scope="openid read")
    await page.goto(f"{living_room.issuer.url}/device")
    await shoot(page, "device")
    await type_into(page, "#user_code", "aaaa-aaaa")
    await press(page, "#user_code", "Enter")
    await expect(page.locator("#fault")).to_contain_text("That is no code")
    await page.fill("#user_code", "bbbbbbbb")
    await page.click("#device-submit")
    await expect(page.locator("#fault")).to_contain_text("This code is wrong")
    await shoot(page, "device-wrong")
    await page.fill("#user_code", f" {device['user_code'].lower().replace('-', ' ')} ")
    await page.click("#device-submit")
    await expect(page.locator("h1")).to_have_text("Connect The TV?")
    await expect(page.locator("#device-code")).to_have_text(device["user_code"])
    await shoot(page, "device-confirm")
    await page.click("#device-continue")
    await log_in(page)
    await page.click("#consent-allow")
    await expect(page.locator("h1")).to_have_text("Your device is connected")
    await shoot(page, "device-connected")
    kiosk = await begun(living_room, "kiosk")
    await page.goto(kiosk["verification_uri_complete"])
    await page.click("#device-submit")
    await expect(page.locator("#self-registered")).to_be_visible()
    await shoot(page, "device-confirm-self-registered")
    await page.click("#device-deny")
    await expect(page.locator("h1")).to_have_text("Nothing was connected")
    await shoot(page, "device-denied")
    for _ in range(5):
        await page.goto(f"{living_room.issuer.url}/device?user_code=BBBB-BBBB")
        await page.click("#device-submit")
    await expect(page.locator("#fault")).to_contain_text("Too many wrong codes")
    await shoot(page, "device-blocked")


@pytest.mark.usefixtures("node_modules")
@pytest.mark.parametrize("way", ["bearer", "bound", "denied"])
async def test_oauth4webapi(page: Page, living_room: World, way: str) -> None:
    """The link of its QR code has the code filled in; it is confirmed all the same."""
    script = ("node", "device.js", living_room.issuer.url, "tv", way)
    node = await asyncio.create_subprocess_exec(*script, cwd=NODE, stdout=asyncio.subprocess.PIPE)
    assert node.stdout is not None
    try:
        device = json.loads(await asyncio.wait_for(node.stdout.readline(), PATIENCE))
        await page.goto(device["verification_uri_complete"])
        await expect(page.locator("#user_code")).to_have_value(device["user_code"])
        await page.click("#device-submit")
        await asyncio.sleep(1.2)  # a poll that nobody has answered yet
        if way == "denied":
            await page.click("#device-deny")
        else:
            await page.click("#device-continue")
            await log_in(page)
            await page.click("#consent-allow")
            await expect(page.locator("h1")).to_have_text("Your device is connected")
        told: dict[str, Any] = json.loads(await asyncio.wait_for(node.stdout.readline(), PATIENCE))
    finally:
        if node.returncode is None:
            node.terminate()
        await node.wait()
    if way == "denied":
        assert set(told["told"]) == {"authorization_pending", "access_denied"}
        return
    assert set(told.pop("told")) == {"authorization_pending"}
    kind = "dpop" if way == "bound" else "bearer"
    assert told == {"type": kind, "scope": "openid offline_access read", "sub": "alice", "refreshable": True}
