"""Operators at the console, in a real Chromium: every page is looked at, light and dark, wide and narrow."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
from aiohttp.test_utils import TestClient, TestServer
from playwright.async_api import Page, expect

from service.admin import audit, clients, trusts, users
from service.admin.audit import Actor, Way
from service.admin.client_input import ClientInput
from service.admin.trusts import TrustInput
from service.admin.users import UserInput
from service.app import open_issuer
from service.fronts.health import Health
from service.fronts.operators import make_application
from service.issuer import Issuer
from tests.browser.conftest import Shoot
from tests.console import TOKEN, TOKENS
from tests.redis_shapes import Shape
from tests.world import InProcess, World, settings_for

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


@pytest.fixture
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
        async with TestClient(InProcess(issuer)) as http, server:
            yield str(server.make_url("/console")), World(issuer, http, redis)


@pytest.fixture
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
    with audit.acting(Actor("ci", Way.CLI, "build-7.example")):
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
    shop = await clients.get_client(issuer, "web-shop")
    phone = await clients.get_client(issuer, "phone")
    for number in range(7):
        await world.code(
            shop if number < 5 else phone,
            subject="alice" if number % 2 else "bob",
            scope="openid read",
            redirect_uri="https://shop.example/callback" if number < 5 else "com.example.phone:/callback",
        )


Visit = Callable[[Desk], Awaitable[None]]


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
        ("audit", "/audit", "Audit log"),
        ("not-found", "/client?id=nobody", "Not found"),
    ):
        await desk.open(path, heading)
        await shoot(desk.page, f"console-{name}")


async def _work(issuer: Issuer) -> None:
    for _ in range(40):
        issuer.metrics.token_request("client_credentials", "ok")
        issuer.metrics.request("introspect", "active")
    issuer.metrics.refusal("token", "invalid_client")


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
