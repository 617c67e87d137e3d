"""Operators at the console, in a real Chromium: every page is looked at, light and dark, wide and narrow."""

import pytest
from playwright.async_api import Page, expect

from service.admin import client_ending, clients
from service.issuer import Issuer
from tests.browser.conftest import Shoot
from tests.browser.desk import Desk, furnish
from tests.browser.keyboard import press
from tests.console import TOKEN
from tests.world import World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_refused_requests_are_found_by_client(desk: Desk) -> None:
    """From the whole list to those of one client by a click, and back."""
    await furnish(desk.world)
    await desk.open("/refused", "Refused lately")
    page = desk.page
    await expect(page.locator("tbody tr")).to_have_count(5)
    await page.locator("tbody a", has_text="web-shop").first.click()
    await expect(page.locator("tbody tr")).to_have_count(2)
    await expect(page.locator("tbody")).to_contain_text("Send each code once")
    await page.fill("#client", "nobody")
    await press(page, "#client", "Enter")
    await expect(page.locator("h2")).to_have_text("Nothing matches")
    await page.click("text=Show all")
    await expect(page.locator("tbody tr")).to_have_count(5)


async def test_signing_in(served: tuple[str, World], page: Page, shoot: Shoot) -> None:
    url, _ = served
    await page.goto(f"{url}/clients?q=web")
    await expect(page.locator("h1")).to_have_text("Sign in")
    await expect(page.locator("#token")).to_be_focused()
    await shoot(page, "console-sign-in")
    await page.fill("#token", "no operator's token")
    await page.click("#sign-in")
    await expect(page.get_by_role("alert")).to_have_text("That is no operator's token.")
    await shoot(page, "console-sign-in-wrong")
    await page.fill("#token", TOKEN)
    await press(page, "#token", "Enter")
    await expect(page.locator("h1")).to_have_text("Clients")
    assert page.url.endswith("/clients?q=web")
    await page.click("#sign-out")
    await expect(page.locator("h1")).to_have_text("Sign in")
    await page.goto(f"{url}/clients")
    await expect(page.locator("h1")).to_have_text("Sign in")


async def test_an_empty_house(desk: Desk, shoot: Shoot) -> None:
    """What is shown where there is nothing yet."""
    await shoot(desk.page, "console-dashboard-empty")
    for path, heading in (
        ("/clients", "Clients"),
        ("/users", "Users"),
        ("/resources", "Resources"),
        ("/trusts", "Trusted issuers"),
        ("/refused", "Refused lately"),
        ("/audit", "Audit log"),
        ("/inspector", "Token inspector"),
    ):
        await desk.open(path, heading)
        await shoot(desk.page, f"console-{path[1:]}-empty")


async def test_every_page(desk: Desk, shoot: Shoot) -> None:
    """A house that is lived in."""
    await furnish(desk.world)
    grant_id = next(iter(desk.world.key_names(":code:")))[4:26]
    for name, path, heading in (
        ("clients", "/clients", "Clients"),
        ("clients-search", "/clients?q=nobody", "Clients"),
        ("client", "/client?id=web-shop", "Web shop"),
        ("client-edit", "/client/edit?id=web-shop", "Edit client"),
        ("client-rotate", "/client/rotate?id=web-shop", "Rotate the secret of Web shop?"),
        ("client-delete", "/client/act?id=web-shop&act=delete", "Delete Web shop?"),
        ("grants", "/grants?client=web-shop", "Grants"),
        ("kinds", "/clients/new", "New client"),
        ("users", "/users", "Users"),
        ("user", "/user?name=alice", "alice"),
        ("user-new", "/users/new", "New user"),
        ("user-password", "/user/password?name=alice", "New password for alice"),
        ("user-sign-out", "/user/act?name=alice&act=sign-out", "Revoke everything of alice?"),
        ("grant", f"/grant?id={grant_id}", "Grant"),
        ("keys", "/keys", "Signing keys"),
        ("trusts", "/trusts", "Trusted issuers"),
        ("trust-new", "/trusts/new", "Trust an issuer"),
        ("resources", "/resources", "Resources"),
        ("resource-new", "/resources/new", "New resource"),
        ("resource-edit", "/resources/edit?id=https%3A%2F%2Fmcp.example.com%2Fmcp", "Edit resource"),
        ("refused", "/refused", "Refused lately"),
        ("refused-of-client", "/refused?client=web-shop", "Refused lately"),
        ("refused-nothing", "/refused?client=nobody", "Refused lately"),
        ("audit", "/audit", "Audit log"),
        ("not-found", "/client?id=nobody", "Not found"),
    ):
        await desk.open(path, heading)
        await desk.page.evaluate("document.querySelectorAll('details.group').forEach(one => { one.open = true })")
        await shoot(desk.page, f"console-{name}")


async def _work(issuer: Issuer) -> None:
    for _ in range(40):
        issuer.metrics.token_request("client_credentials", "ok")
        issuer.metrics.request("introspect", "active")
    issuer.metrics.refusal("token", "invalid_client", "client_unknown")


async def test_the_dashboard_is_alive(desk: Desk, shoot: Shoot) -> None:
    """The charts update by themselves, and stay usable meanwhile."""
    await furnish(desk.world)
    await desk.page.reload()
    await expect(desk.page.locator("#chart-issued .waiting")).to_be_visible()
    await _work(desk.world.issuer)
    await expect(desk.page.locator("#chart-issued svg .line")).to_have_count(1)
    await _work(desk.world.issuer)
    await expect(desk.page.locator("#chart-issued .now")).not_to_have_text("0.0 per second")
    await expect(desk.page.locator(".bars tbody tr")).not_to_have_count(0)
    await shoot(desk.page, "console-dashboard")


async def test_a_client_by_the_wizard(desk: Desk, shoot: Shoot) -> None:
    """Each choice is explained; the secret is shown once, and works."""
    page = desk.page
    await desk.open("/clients/new", "New client")
    for kind in ("web", "app", "device", "service", "api"):
        await desk.open(f"/clients/new?kind={kind}")
        await shoot(page, f"console-wizard-{kind}")
    await desk.open("/clients", "Clients")
    await page.click("#new-client")
    await page.click("#kind-service")
    await page.fill("#name", "Nightly report")
    await page.click('[data-word="read"]')
    await page.click('[data-word="write"]')
    await page.click('[data-word="write"]')
    assert await page.input_value("#scopes") == "read"
    await page.fill("#audiences", "not a resource")
    await page.click("#create")
    await expect(page.get_by_role("alert")).to_contain_text("Nothing was saved.")
    await expect(page.locator("#faults")).to_be_focused()
    await shoot(page, "console-wizard-fault")
    await page.fill("#audiences", "https://api.example")
    await page.click("#create")
    await expect(page.locator("h1")).to_have_text("Client created")
    await shoot(page, "console-secret")
    secret = await page.inner_text("#secret")
    client_id = (await page.inner_text("dd code >> nth=0")).strip()
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.click(".once .copy")
    await expect(page.locator(".once .copy")).to_have_text("Copied")
    assert await page.evaluate("navigator.clipboard.readText()") == secret
    response = await desk.world.post("/token", {"grant_type": "client_credentials"}, client_id, secret)
    assert response.status == 200
    await page.click("#to-client")
    await expect(page.locator("h1")).to_have_text("Nightly report")
    assert secret not in await page.content()


async def test_two_operators_edit_one_client(desk: Desk, shoot: Shoot) -> None:
    await furnish(desk.world)
    page = desk.page
    await desk.open("/client?id=web-shop", "Web shop")
    await page.click("#edit")
    await clients.update_client(desk.world.issuer, "web-shop", {"description": "of the shop team"})
    await page.fill("#name", "Web shop 2")
    await page.click("#save")
    await expect(page.get_by_role("alert")).to_contain_text("Another operator changed this client while you did.")
    await expect(page.locator("#conflict")).to_be_focused()
    await shoot(page, "console-conflict")
    await page.fill("#description", "of the shop team")
    await page.click("#save")
    await expect(page.get_by_role("status")).to_have_text("Saved.")
    await expect(page.locator("h1")).to_have_text("Web shop 2")


async def test_ending_things(desk: Desk, shoot: Shoot) -> None:
    await furnish(desk.world)
    page = desk.page
    await desk.open("/user?name=alice", "alice")
    await page.click("#sign-out-user")
    await page.click("#confirm")
    await expect(page.get_by_role("status")).to_have_text("The user is signed out; 3 grants and 0 sessions ended.")
    await shoot(page, "console-user-signed-out")
    await desk.open("/client?id=phone", "Phone app")
    await page.click("#disable")
    await page.click("#confirm")
    await expect(page.locator(".ident .badge.bad")).to_have_text("disabled")
    await page.click("#delete")
    await page.fill("#typed", "phon")
    await page.click("#confirm")
    await expect(page.get_by_role("alert")).to_have_text("Type phone to confirm.")
    await page.fill("#typed", "phone")
    await page.click("#confirm")
    await expect(page.get_by_role("status")).to_contain_text("The client phone is deleted")


async def test_keys_are_rotated(desk: Desk, shoot: Shoot) -> None:
    page = desk.page
    await desk.open("/keys", "Signing keys")
    await expect(page.locator(".signs.active")).to_have_count(3)
    await page.get_by_role("link", name="Rotate ES256").click()
    await page.click("#confirm")
    await expect(page.get_by_role("status")).to_contain_text("The next keys are made.")
    await expect(page.locator(".signs.next")).to_have_count(1)
    await shoot(page, "console-keys-rotated")


async def test_the_token_inspector(desk: Desk, shoot: Shoot) -> None:
    """A good one, one that was revoked, a JWT; and none of them in the address or on the page."""
    world, page = desk.world, desk.page
    client = await world.openid_client(name="Looking Glass")
    await world.user()
    tokens = await world.tokens(client, scope="openid read")

    async def inspect(token: str, name: str) -> None:
        await desk.open("/inspector", "Token inspector")
        await page.fill("#token", token)
        await page.click("#inspect")
        await expect(page.locator("#verdict")).to_be_visible()
        assert page.url.endswith("/inspector")
        assert token not in await page.content()
        await shoot(page, f"console-inspector-{name}")

    await inspect(tokens["access_token"], "good")
    await expect(page.locator("#verdict")).to_have_text("good Access token")
    await inspect(tokens["id_token"], "id-token")
    await expect(page.locator("#why")).to_contain_text("made for another purpose")
    await client_ending.disable_client(world.issuer, "app")
    await world.revoke(tokens["access_token"])
    await inspect(tokens["refresh_token"], "refused")
    await expect(page.locator("#why")).to_contain_text("is disabled")


async def test_lists_are_filtered_while_one_types(desk: Desk) -> None:
    await furnish(desk.world)
    await desk.open("/clients", "Clients")
    await desk.page.fill("#q", "night")
    await expect(desk.page.locator("#rows tbody tr:visible")).to_have_count(1)
    await desk.page.fill("#q", "")
    await expect(desk.page.locator("#rows tbody tr:visible")).to_have_count(4)
