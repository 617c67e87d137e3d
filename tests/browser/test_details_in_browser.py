"""A person reads a payment and allows it, in a real Chromium; openid-client asks for it, with discovery alone."""

import asyncio
import json
import tomllib
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from service.app import open_issuer
from service.protocol.names import ClientAuthMethod
from tests.browser.conftest import Shoot
from tests.conftest import NODE
from tests.patience import PATIENCE
from tests.person import usual_request
from tests.redis_shapes import Shape
from tests.server_process import free_port
from tests.test_house import ROOT
from tests.world import CALLBACK, SECRET, World, in_process, settings_for

pytestmark = pytest.mark.asyncio(loop_scope="session")

TYPES = tomllib.loads(
    (ROOT / "docs" / "how-to" / "authorization-details.md").read_text().split("```")[1].removeprefix("toml\n")
)
PAYMENT = {
    "type": "payment",
    "instructedAmount": {"amount": "1250.00", "currency": "EUR"},
    "creditorName": "Merchant A",
    "creditorAccount": {"bic": "ABCIDEFFXXX", "iban": "DE02100100109307118603"},
    "remittanceInformationUnstructured": "Ref Number Merchant / invoice 2026-114, to be delivered by the end of the week",
    "urgent": True,
    "locations": ["https://bank.example/payments"],
}
ACCOUNTS = {"type": "account_information", "actions": ["list_accounts", "read_balances"], "datatypes": ["balances"]}


@pytest_asyncio.fixture(loop_scope="session")
async def bank(redis: Shape) -> AsyncIterator[World]:
    port = free_port()
    settings = settings_for(redis.url, issuer=f"http://127.0.0.1:{port}", service_name="Mintmark", **TYPES)
    async with open_issuer(settings) as issuer, in_process(issuer, port=port) as http:
        world = World(issuer, http, redis)
        await world.user()
        yield world


async def log_in(page: Page) -> None:
    await page.fill("#username", "alice")
    await page.fill("#password", "wonderland")
    await page.click("#login-submit")


async def test_a_payment_is_read_and_allowed(page: Page, bank: World, shoot: Shoot) -> None:
    await bank.openid_client(authorization_details_types=tuple(TYPES["authorization_details_types"]), name="The Shop")
    details = {"authorization_details": json.dumps([PAYMENT, ACCOUNTS]), "scope": "openid profile"}
    await page.goto(f"{bank.issuer.url}/authorize?{urlencode(usual_request(redirect_uri=CALLBACK, **details))}")
    await log_in(page)
    await expect(page.locator("h1")).to_have_text("Allow The Shop?")
    await expect(page.locator(".details strong")).to_have_text(["Pay 1250.00 EUR to Merchant A", "See your accounts"])
    await shoot(page, "consent-details")


@pytest.mark.usefixtures("node_modules")
@pytest.mark.parametrize("way", ["plain", "pushed"])
async def test_openid_client(page: Page, bank: World, way: str) -> None:
    """Asked for, granted, narrowed by a refresh, and what goes beyond refused."""
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    types = tuple(TYPES["authorization_details_types"])
    either = {"auth_method": ClientAuthMethod.CLIENT_SECRET, "redirect_uris": (f"{origin}/callback",)}
    await bank.openid_client("node", authorization_details_types=types, **either)
    script = ("node", "authorization_details.js", bank.issuer.url, "node", SECRET, str(port), way)
    node = await asyncio.create_subprocess_exec(*script, cwd=NODE, stdout=asyncio.subprocess.PIPE)
    assert node.stdout is not None
    try:
        assert json.loads(await asyncio.wait_for(node.stdout.readline(), PATIENCE)) == {"ready": origin}
        await page.goto(origin)
        await log_in(page)
        await page.click("#consent-allow")
        told: dict[str, Any] = json.loads(await asyncio.wait_for(node.stdout.readline(), PATIENCE))
        assert "failed" not in told, told
        await expect(page.locator("h1")).to_have_text("Paid")
    finally:
        node.terminate()
        await node.wait()
    assert told["offered"] == sorted(types)
    assert [one["type"] for one in told["granted"]] == ["payment", "account_information"]
    assert told["narrowed"] == told["introspected"] == [{"type": "account_information", "actions": ["list"]}]
    assert told["refused"] == "invalid_authorization_details"
