"""A person allows and denies what clients ask without a browser (CIBA), in a real Chromium; axe-core looks at each page."""

import asyncio

import pytest
from playwright.async_api import Page, expect

from service.records.client import Registration
from tests.backchannel import asked, backchannel_client, poll
from tests.browser.conftest import Shoot
from tests.world import World, error_of

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _sign_in(page: Page, site: World) -> None:
    await page.goto(f"{site.issuer.url}/approvals")
    await page.fill("#username", "alice")
    await page.fill("#password", "wonderland")
    await page.click("#login-submit")
    await expect(page.locator("h1")).to_have_text("Requests for you")


async def test_requests_are_read_and_decided(page: Page, site: World, shoot: Shoot) -> None:
    await backchannel_client(site, name="The Bank of Wonderland, Payments and Confirmations")
    await backchannel_client(site, "till", name="The Till", registration=Registration("hash"))
    await site.user()
    await _sign_in(page, site)
    await expect(page.locator("#approvals-none")).to_contain_text("Nobody waits for your approval.")
    await shoot(page, "approvals-none")
    payment = await asked(site, binding_message="W4SCT 1,250.00 EUR", scope="openid profile email offline_access")
    tea = await asked(site, "till", binding_message="X" * 60)
    await page.click("#approvals-reload")
    await expect(page.locator(".approvals > li")).to_have_count(2)
    await shoot(page, "approvals")
    await page.locator("li", has_text="W4SCT").locator(".primary").dblclick()
    await expect(page.locator("h1")).to_have_text("Allowed")
    await shoot(page, "approvals-allowed")
    assert (await poll(site, payment)).status == 200
    await page.click("#approvals-on")
    await page.locator("li", has_text="The Till").locator(".secondary").last.click()
    await expect(page.locator("h1")).to_have_text("Not allowed")
    await shoot(page, "approvals-denied")
    assert await error_of(await poll(site, tea, "till")) == (400, "access_denied")


async def test_the_page_of_before_decides_nothing_once_another_user_has_signed_in(page: Page, site: World) -> None:
    """Two people, one browser, two windows of it."""
    await backchannel_client(site)
    await site.user()
    await site.user("bob", "builder-of-things")
    auth_req_id = await asked(site)
    await _sign_in(page, site)
    await expect(page.locator(".approvals > li")).to_have_count(1)
    other = await page.context.new_page()
    await other.goto(f"{site.issuer.url}/logout")
    await other.click("#logout-confirm")
    await other.goto(f"{site.issuer.url}/approvals")
    await other.fill("#username", "bob")
    await other.fill("#password", "builder-of-things")
    await other.click("#login-submit")
    await expect(other.locator("#approvals-none")).to_be_visible()
    await asyncio.gather(page.wait_for_load_state(), page.click("#allow-1"))
    await expect(page.locator("h1")).to_have_text("This page is no longer valid")
    assert await error_of(await poll(site, auth_req_id)) == (400, "authorization_pending")
