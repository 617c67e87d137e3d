"""People who click twice, come from a second tab, reload, go back or come late, in a real Chromium: no dead end."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from service.app import open_issuer
from tests.browser.relying_party import RelyingParty, relying_party
from tests.browser.test_sign_in import log_in, request_of
from tests.redis_shapes import Shape
from tests.server_process import free_port
from tests.slow_proxy import SlowProxy
from tests.world import VERIFIER, World, in_process, settings_for

pytestmark = pytest.mark.asyncio(loop_scope="session")

AWAY = 0.3
"""Seconds until an answer arrives, so that the page is still there for the second click."""
GAPS = [0.02, 0.06, 0.12]
"""Seconds between the two clicks."""


@dataclass
class Clock:
    """The service's; what is ``ahead`` of the machine's, in seconds, is how long a person was away."""

    ahead: float = 0

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture(loop_scope="session")
async def near_site(redis: Shape, clock: Clock) -> AsyncIterator[World]:
    """The service on this machine."""
    port = free_port()
    async with served(redis, clock, port, port) as world:
        yield world


@pytest_asyncio.fixture(loop_scope="session")
async def far_site(redis: Shape, clock: Clock) -> AsyncIterator[World]:
    """The service behind a slow network."""
    port = free_port()
    with SlowProxy("127.0.0.1", port, AWAY) as proxy:
        async with served(redis, clock, port, proxy.port) as world:
            yield world


@asynccontextmanager
async def served(redis: Shape, clock: Clock, port: int, public_port: int) -> AsyncIterator[World]:
    """The service, where it is reached by its issuer URL, and two people."""
    settings = settings_for(redis.url, issuer=f"http://127.0.0.1:{public_port}", service_name="Mintmark")
    async with open_issuer(settings) as opened:
        issuer = replace(opened, clock=clock)
        async with in_process(issuer, port=port) as http:
            world = World(issuer, http, redis)
            await world.user()
            await world.user("bob", "builder-bob")
            yield world


@pytest_asyncio.fixture(loop_scope="session")
async def app() -> AsyncIterator[RelyingParty]:
    async with relying_party() as party:
        yield party


async def register(site: World, app: RelyingParty, **changes: Any) -> None:
    await site.openid_client(redirect_uris=(app.callback,), name="Looking Glass", client_uri=app.url, **changes)


async def click_twice(page: Page, selector: str, gap: float) -> None:
    """Where the button is, whatever is there by the second click."""
    box = await page.locator(selector).bounding_box()
    assert box
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    await page.mouse.click(x, y)
    await asyncio.sleep(gap)
    await page.mouse.click(x, y)


async def gets_tokens(site: World, app: RelyingParty) -> bool:
    """Whether what the client got last is a code that holds."""
    code = app.received[-1]["query"]["code"]
    return (await site.redeem(code, redirect_uri=app.callback, code_verifier=VERIFIER)).status == 200


def forms_sent(page: Page) -> list[str]:
    """The paths that forms are posted to from now on, in order."""
    sent: list[str] = []
    page.on("request", lambda one: sent.append("/" + one.url.rpartition("/")[2]) if one.method == "POST" else None)
    return sent


@pytest.mark.parametrize("mode", ["query", "form_post"])
async def test_a_double_click_on_sign_in(page: Page, far_site: World, app: RelyingParty, mode: str) -> None:
    await register(far_site, app, skip_consent=True)
    sent, seen = forms_sent(page), []
    for gap in GAPS:
        await page.context.clear_cookies()
        await page.goto(request_of(far_site, app, response_mode=mode))
        await page.fill("#username", "alice")
        await page.fill("#password", "wonderland")
        sent.clear()
        await click_twice(page, "#login-submit", gap)
        await expect(page.locator("h1")).to_have_text("Back at the app")
        seen.append(sent[:2])
        code = app.received[-1][{"query": "query", "form_post": "form"}[mode]]["code"]
        assert (await far_site.redeem(code, redirect_uri=app.callback, code_verifier=VERIFIER)).status == 200
    await page.goto(request_of(far_site, app))
    await expect(page.locator("h1")).to_have_text("Back at the app")
    assert ["/login", "/login"] in seen, "no click was quick enough for the browser to send it twice"


async def test_a_double_click_on_allow(page: Page, far_site: World, app: RelyingParty) -> None:
    await register(far_site, app)
    await page.goto(request_of(far_site, app))
    await log_in(page)
    sent, seen = forms_sent(page), []
    for gap in GAPS:
        await expect(page.locator("h1")).to_have_text("Allow Looking Glass?")
        sent.clear()
        await click_twice(page, "#consent-allow", gap)
        await expect(page.locator("h1")).to_have_text("Back at the app")
        seen.append([*sent])
        assert await gets_tokens(far_site, app)
        await page.goto(request_of(far_site, app, prompt="consent"))
    assert ["/consent", "/consent"] in seen, "no click was quick enough for the browser to send it twice"


async def test_a_double_click_on_a_fast_network(page: Page, near_site: World, app: RelyingParty) -> None:
    """Whichever page the second click meets."""
    await register(near_site, app, skip_consent=True)
    for gap in GAPS:
        await page.goto(request_of(near_site, app, prompt="login"))
        await page.fill("#username", "alice")
        await page.fill("#password", "wonderland")
        await click_twice(page, "#login-submit", gap)
        await expect(page.locator("h1")).to_have_text("Back at the app")
        assert await gets_tokens(near_site, app)


async def test_the_second_tab_s_form_after_the_first_one_signed_in(
    page: Page, near_site: World, app: RelyingParty
) -> None:
    await register(near_site, app)
    second = await page.context.new_page()
    for tab in (page, second):
        await tab.goto(request_of(near_site, app))
    for tab in (page, second):
        await log_in(tab)
    for tab in (page, second):
        await expect(tab.locator("h1")).to_have_text("Allow Looking Glass?")
        await tab.click("#consent-allow")
        await expect(tab.locator("h1")).to_have_text("Back at the app")
        assert await gets_tokens(near_site, app)


@pytest.mark.parametrize("open_page", ["login", "consent"])
async def test_a_page_that_was_open_over_lunch(
    page: Page, near_site: World, app: RelyingParty, clock: Clock, open_page: str
) -> None:
    """The time of the ticket is over, and of everything that Redis kept of it; the request begins anew by one click."""
    await register(near_site, app)
    await page.goto(request_of(near_site, app, state="before-lunch"))
    if open_page == "consent":
        await log_in(page)
        await expect(page.locator("h1")).to_have_text("Allow Looking Glass?")
    clock.ahead = near_site.issuer.settings.ticket_lifetime + 1
    near_site.expire("{ticket:")
    await (log_in(page) if open_page == "login" else page.click("#consent-allow"))
    await expect(page.locator("h1")).to_have_text("This page is no longer valid")
    await page.click("#way-again")
    if open_page == "login":
        await log_in(page)
    await page.click("#consent-allow")
    await expect(page.locator("h1")).to_have_text("Back at the app")
    assert app.received[-1]["query"]["state"] == "before-lunch"


async def test_going_back_and_reloading(page: Page, near_site: World, app: RelyingParty) -> None:
    await register(near_site, app)
    await page.goto(request_of(near_site, app))
    await page.reload()
    await log_in(page)
    await expect(page.locator("h1")).to_have_text("Allow Looking Glass?")
    await page.reload()
    await expect(page.locator("h1")).to_have_text("Allow Looking Glass?")
    await page.go_back()
    await expect(page.locator("h1")).to_have_text("Allow Looking Glass?")  # nobody is asked for a password again
    await page.click("#consent-allow")
    await expect(page.locator("h1")).to_have_text("Back at the app")
    await page.go_back()
    await page.click("#way-again")
    await expect(page.locator("h1")).to_have_text("Back at the app")
    assert await gets_tokens(near_site, app)


async def test_reloading_the_page_that_says_that_the_password_is_wrong(
    page: Page, near_site: World, app: RelyingParty
) -> None:
    """The browser sends the form once more: it is answered as before, and is no further attempt."""
    await register(near_site, app)
    await page.goto(request_of(near_site, app))
    await log_in(page, "wrong")
    await expect(page.get_by_role("alert")).to_have_text("The username or password is wrong.")
    for _ in range(near_site.issuer.settings.login_attempts + 1):
        await page.reload()
        await expect(page.get_by_role("alert")).to_have_text("The username or password is wrong.")
    await log_in(page)
    await expect(page.locator("h1")).to_have_text("Allow Looking Glass?")


async def test_somebody_else_signs_in_beside_an_open_consent_page(
    page: Page, near_site: World, app: RelyingParty
) -> None:
    """Alice's page is open when bob signs in: her button says yes for nobody, and leads to bob's own question."""
    await register(near_site, app)
    await page.goto(request_of(near_site, app))
    await log_in(page)
    await expect(page.locator("main")).to_contain_text("Signed in as alice")
    beside = await page.context.new_page()
    await beside.goto(request_of(near_site, app, prompt="login"))
    await beside.fill("#username", "bob")
    await beside.fill("#password", "builder-bob")
    await beside.click("#login-submit")
    await expect(beside.locator("main")).to_contain_text("Signed in as bob")
    await page.click("#consent-allow")
    await page.click("#way-continue")
    await expect(page.locator("main")).to_contain_text("Signed in as bob")
    assert not app.received
    await page.click("#consent-allow")
    await expect(page.locator("h1")).to_have_text("Back at the app")
    assert await gets_tokens(near_site, app)
    assert near_site.key_names("{user:bob}:grants")
    assert not near_site.key_names("{user:alice}:grants")
