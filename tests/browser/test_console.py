"""Operators at the console, in a real Chromium: every page is looked at, light and dark, wide and narrow."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, expect

from service.admin import client_ending, clients, trusts, users
from service.admin.actor import Actor, acting
from service.admin.client_input import ClientInput
from service.admin.trusts import TrustInput
from service.admin.users import UserInput
from service.app import open_issuer
from service.fronts.health import Health
from service.fronts.operators import make_application
from service.issuer import Issuer
from service.records.audit_entry import Way
from service.records.refused_request import RefusedRequest
from tests.browser.conftest import Shoot
from tests.console import TOKEN, TOKENS
from tests.cutting_proxy import CuttingProxy
from tests.redis_shapes import Shape
from tests.world import World, in_process, settings_for

pytestmark = pytest.mark.asyncio(loop_scope="session")

HOSTILE = '<img src=x onerror="document.title=1">"\'&{{7*7}}'


@dataclass
class Desk:
    """``url``: of the console; ``page``: signed in there; ``world``: the service behind it."""

    url: str
    page: Page
    world: World

    async def open(self, path: str, heading: str = "") -> None:
        """Go to a page."""
        await self.page.goto(self.url + path)
        if heading:
            await expect(self.page.locator("h1")).to_have_text(heading)


@pytest_asyncio.fixture(loop_scope="session")
async def served(redis: Shape) -> AsyncIterator[tuple[str, World]]:
    """A service with a key schedule of its own, and its operators' port."""
    settings = settings_for(
        redis.url,
        admin_tokens=TOKENS,
        admin_port=0,
        master_key="m" * 40,
        signing_rsa_bits=2048,
        scopes={"read": "Read your data", "write": "Change your data"},
        signing_algorithms=("RS256", "ES256", "EdDSA"),
    )
    async with open_issuer(settings) as issuer:
        server = TestServer(make_application(issuer, Health(issuer)))
        async with in_process(issuer) as http, server:
            yield str(server.make_url("/console")), World(issuer, http, redis)


@pytest_asyncio.fixture(loop_scope="session")
async def desk(served: tuple[str, World], page: Page) -> Desk:
    """Somebody who is signed in."""
    url, world = served
    await page.goto(url)
    await page.fill("#token", TOKEN)
    await page.click("#sign-in")
    await expect(page.locator("h1")).to_have_text("Dashboard")
    return Desk(url, page, world)


async def furnish(world: World) -> None:
    """Clients, people, grants, a key that waits, somebody trusted, and a log of all that."""
    issuer = world.issuer
    with acting(Actor("ci", Way.CLI, "build-7.example")):
        for client_id, name, more in (
            (
                "web-shop",
                "Web shop",
                {
                    "redirect_uris": ("https://shop.example/callback",),
                    "backchannel_logout_uri": "https://shop.example/logout",
                    "post_logout_redirect_uris": ("https://shop.example/bye",),
                    "grant_types": ("authorization_code", "refresh_token"),
                    "scopes": ("openid", "profile", "email", "read"),
                },
            ),
            (
                "phone",
                "Phone app",
                {
                    "redirect_uris": ("com.example.phone:/callback",),
                    "auth_method": "none",
                    "application_type": "native",
                    "grant_types": ("authorization_code", "refresh_token"),
                    "scopes": ("openid", "read", "write"),
                },
            ),
            (
                "nightly-report",
                "Nightly report",
                {"grant_types": ("client_credentials",), "scopes": ("read",), "audiences": ("https://api.example",)},
            ),
            ("orders-api", "Orders API", {"introspect": True, "resources": ("https://api.example",)}),
        ):
            await clients.create_client(issuer, ClientInput.read({"client_id": client_id, "name": name, **more}))
        for username, name in (("alice", "Alice Liddell"), ("bob", "Bob Builder"), ("carol", "Carol Danvers")):
            given = {
                "username": username,
                "claims": {"name": name, "email": f"{username}@example.com", "email_verified": True},
            }
            await users.create_user(issuer, UserInput.read(given), "wonderland-9")
        await users.disable_user(issuer, "carol")
        await trusts.add_trust(
            issuer,
            TrustInput.read(
                {
                    "issuer": "https://ci.example",
                    "jwks_uri": "https://ci.example/jwks",
                    "clients": ("nightly-report",),
                    "scopes": ("read",),
                }
            ),
        )
        await clients.rotate_secret(issuer, "web-shop", keep_old=True)
    await _refuse(issuer)
    shop = await clients.get_client(issuer, "web-shop")
    phone = await clients.get_client(issuer, "phone")
    for number in range(7):
        await world.code(
            shop if number < 5 else phone,
            subject="alice" if number % 2 else "bob",
            scope="openid read",
            redirect_uri="https://shop.example/callback" if number < 5 else "com.example.phone:/callback",
        )


async def _refuse(issuer: Issuer) -> None:
    """As processes of the service write them."""
    now = int(issuer.clock() * 1000)
    refused = (
        ("web-shop", "token", "invalid_grant", "code_replayed", "code was already redeemed; its grant is ended"),
        ("web-shop", "token", "invalid_client", "wrong_client_secret", "wrong client secret"),
        ("phone", "authorize", "invalid_request", "redirect_uri_not_registered", "redirect_uri is not registered."),
        ("", "token", "invalid_client", "client_unknown", "unknown client"),
        ("phone", "token", "unsupported_grant_type", "grant_type_unsupported", HOSTILE),
    )
    await issuer.store.refused_requests.append(
        [
            RefusedRequest(now - 60_000 * number, *facts[1:], facts[0], "2001:db8::17", f"4f1c29a0b7d8e6{number:02}")
            for number, facts in enumerate(refused)
        ]
    )


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
    await page.keyboard.press("Enter")
    await expect(page.locator("h2")).to_have_text("Nothing matches")
    await page.click("text=Show all")
    await expect(page.locator("tbody tr")).to_have_count(5)


async def test_signing_in(served: tuple[str, World], page: Page, shoot: Shoot) -> None:
    url, _ = served
    await page.goto(f"{url}/clients?q=web")
    await expect(page.locator("h1")).to_have_text("Sign in")
    assert await page.evaluate("document.activeElement.id") == "token"
    await shoot(page, "console-sign-in")
    await page.fill("#token", "no operator's token")
    await page.click("#sign-in")
    await expect(page.get_by_role("alert")).to_have_text("That is no operator's token.")
    await shoot(page, "console-sign-in-wrong")
    await page.fill("#token", TOKEN)
    await page.keyboard.press("Enter")
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
    await expect(desk.page.locator("#chart-issued svg .line")).to_have_count(1, timeout=20_000)
    await _work(desk.world.issuer)
    await expect(desk.page.locator("#chart-issued .now")).not_to_have_text("0.0 per second", timeout=20_000)
    await expect(desk.page.locator(".bars tbody tr")).not_to_have_count(0)
    await shoot(desk.page, "console-dashboard")


async def test_a_client_by_the_wizard(desk: Desk, shoot: Shoot) -> None:
    """Each choice is explained; the secret is shown once, and works."""
    page = desk.page
    await desk.open("/clients/new", "New client")
    for kind in ("web", "app", "service", "api"):
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
    assert await page.evaluate("document.activeElement.id") == "faults"
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
    assert await page.evaluate("document.activeElement.id") == "conflict"
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


async def test_it_works_by_keyboard_alone(desk: Desk) -> None:
    """From the skip link on, and one sees where one is."""
    await furnish(desk.world)
    page = desk.page
    await desk.open("/clients", "Clients")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.textContent") == "Skip to content"
    await page.keyboard.press("Enter")
    await page.keyboard.press("Tab")
    assert await page.evaluate("document.activeElement.id") == "new-client"
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert await page.evaluate(outline) == "solid"
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text("New client")
    for _ in range(40):
        await page.keyboard.press("Tab")
        assert await page.evaluate(outline) == "solid"
        if await page.evaluate("document.activeElement.id") == "kind-api":
            break
    await page.keyboard.press("Enter")
    await page.fill("#name", "An API")
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text("Client created")


async def test_every_field_has_a_label_and_every_page_its_landmarks(desk: Desk) -> None:
    """WCAG 1.3.1, 2.4.1, 2.4.2, 3.3.2, 4.1.2."""
    await furnish(desk.world)
    paths = ("", "/clients", "/clients/new?kind=web", "/client/edit?id=web-shop", "/users", "/users/new", "/trusts/new")
    for path in (*paths, "/refused", "/audit", "/inspector", "/keys", "/user?name=alice", "/client?id=web-shop"):
        await desk.open(path)
        page = desk.page
        unlabelled = (
            "[...document.querySelectorAll('input:not([type=hidden]),select,textarea')].filter(e=>!e.labels.length)"
        )
        assert await page.evaluate(f"{unlabelled}.map(e => e.id)") == [], path
        nameless = "[...document.querySelectorAll('a,button')].filter(e=>!(e.textContent.trim()||e.ariaLabel))"
        assert await page.evaluate(f"{nameless}.length") == 0, path
        ids = await page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)")
        assert len(ids) == len(set(ids)), path
        for landmark in ("main", "header", "nav[aria-label]", "h1"):
            assert await page.locator(landmark).count() >= 1, path
        assert await page.locator("h1").count() == 1
        assert await page.locator("nav [aria-current=page]").count() == 1


async def test_text_can_be_read_against_what_is_behind_it(desk: Desk) -> None:
    """WCAG 1.4.3: 4.5 to 1 for every text of the pages, light and dark."""
    await furnish(desk.world)
    for scheme in ("light", "dark"):
        await desk.page.emulate_media(color_scheme=scheme)
        for path in (
            "",
            "/clients",
            "/client?id=web-shop",
            "/users",
            "/keys",
            "/refused",
            "/audit",
            "/clients/new?kind=web",
            "/inspector",
        ):
            await desk.open(path)
            await asyncio.sleep(0.2)  # colours fade
            faint = await desk.page.evaluate(_FAINT)
            assert faint == [], (scheme, path)


_FAINT = """() => {
  const parse = (text) => {
    const found = text.match(/[\\d.]+/g).map(Number);
    return found.length < 4 ? [...found, 1] : found;
  };
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour[3] > 0.99) return colour;
    }
    return parse(getComputedStyle(document.documentElement).backgroundColor);
  };
  const faint = [];
  for (const element of document.querySelectorAll('body *')) {
    const texts = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    if (!texts || !element.checkVisibility() || element.closest('.skip, .unseen, svg')) continue;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(behind(element))].sort((x, y) => y - x);
    const what = element.textContent.trim().slice(0, 30);
    if ((a + 0.05) / (b + 0.05) < 4.5) faint.push(`${element.tagName} ${element.className} ${what}`);
  }
  return faint;
}"""


async def test_hostile_names_do_nothing_in_a_real_browser(desk: Desk) -> None:
    """Markup in names of clients and people, in the log and in claims stays text; the policy would stop the rest."""
    world, page = desk.world, desk.page
    client = await world.client(name=HOSTILE, description=HOSTILE)
    await world.user("mallory", claims={"name": HOSTILE, HOSTILE: HOSTILE})
    await world.code(client, subject="mallory")
    for path in (
        "",
        "/clients",
        "/client?id=app",
        "/client/edit?id=app",
        "/grants?client=app",
        "/users",
        "/user?name=mallory",
        "/refused",
        "/audit",
    ):
        await desk.open(path)
        assert "console" in await page.title()
        assert await page.locator("img").count() == 0


async def test_without_scripts_everything_works(served: tuple[str, World], browser: Browser) -> None:
    url, world = served
    await furnish(world)
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(url)
    await page.fill("#token", TOKEN)
    await page.click("#sign-in")
    await expect(page.locator(".bars tbody tr")).to_have_count(2)
    await page.goto(f"{url}/clients?q=shop")
    await page.click("text=Web shop")
    await page.click("#rotate")
    await page.click("#confirm")
    await expect(page.locator("#secret")).to_contain_text("mm_cs_")
    await expect(page.locator(".copy:visible")).to_have_count(0)
    await context.close()


async def test_nobody_can_frame_it(desk: Desk, page: Page) -> None:
    """Clickjacking: the browser itself refuses."""
    frame = await page.context.new_page()
    await frame.set_content(f"<iframe src='{desk.url}/clients' width=600 height=400></iframe>")
    inner = frame.frames[-1]
    await inner.wait_for_load_state()
    assert inner.url.startswith("chrome-error:")
    assert "Sign in" not in await inner.content()


async def test_when_redis_is_gone(redis: Shape, page: Page, shoot: Shoot) -> None:
    """A page that says so; the dashboard keeps its last numbers and says that they are old."""
    async with CuttingProxy(redis.nodes[0].host, redis.nodes[0].port) as proxy:
        settings = settings_for(proxy.url, admin_tokens=TOKENS, admin_port=0, redis_timeout=0.3)
        async with open_issuer(settings, listen=False) as issuer:
            server = TestServer(make_application(issuer, Health(issuer)))
            async with server:
                url = str(server.make_url("/console"))
                await page.goto(url)
                await page.fill("#token", TOKEN)
                await page.click("#sign-in")
                await expect(page.locator("h1")).to_have_text("Dashboard")
                proxy.refuse()
                proxy.drop()
                await expect(page.locator("#live")).to_contain_text("these are the last ones", timeout=30_000)
                await shoot(page, "console-dashboard-old")
                await page.goto(f"{url}/clients")
                await expect(page.locator("h1")).to_have_text("Redis cannot be reached")
                await shoot(page, "console-unavailable")
                proxy.heal()
                await page.click("text=Try again")
                await expect(page.locator("h1")).to_have_text("Clients")
