"""A real Chromium without a screen, driven by Playwright; and the world of ``tests.world`` at the address its issuer says.

It is driven from the event loop that it was started from: what has to do with a browser shares both (``loop_scope="session"``).
"""

import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Literal

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, async_playwright, expect

from service.app import open_issuer
from service.fronts.health import Health
from service.fronts.operators import make_application
from tests.browser.desk import Desk
from tests.console import TOKEN, TOKENS
from tests.patience import PATIENCE
from tests.redis_shapes import Shape
from tests.server_process import free_port
from tests.world import World, in_process, settings_for

expect.set_options(timeout=PATIENCE * 1000)
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The same engine without the rest of a browser comes first: it shows a page for a quarter of the CPU time."""
CHROMIUM = next((path for name in NAMES if (path := shutil.which(name))), "")
SCREENSHOTS = Path(__file__).parents[2] / "artifacts" / "screenshots"
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SIZES = {"wide": {"width": 1200, "height": 860}, "narrow": {"width": 320, "height": 720}}
LOOKED_AT = {("light", "wide"), ("dark", "narrow")}
VIOLATIONS = """async () => (await axe.run(document, {rules: {"target-size": {enabled: true}}})).violations.map(
    ({id, help, nodes}) => `${id} (${help}): ${nodes.map(node => node.html.slice(0, 160)).join(" | ")}`)"""
"""What axe-core finds wrong on a page, in words: rules of WCAG 2 A and AA, target-size of 2.2, and its best practices."""

Shoot = Callable[[Page, str], Awaitable[None]]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One for all tests of a process; each has profiles of its own."""
    if not CHROMIUM:
        pytest.skip("no Chromium here: apt-get install chromium-headless-shell")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM,
            # The last two: fewer processes, which is a quarter of the CPU time of a test.
            args=[
                "--no-sandbox",
                "--disable-dev-shm-usage",
                "--disable-gpu",
                "--renderer-process-limit=1",
                "--in-process-gpu",
            ],
        )
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """An empty browser profile. A policy that something broke, or a script that failed, fails the test."""
    context = await browser.new_context(locale="en-GB", ignore_https_errors=True, reduced_motion="reduce")
    context.set_default_timeout(PATIENCE * 1000)
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    await context.close()
    # What a client's own page lacks, and pages of ours that are an error, Chromium calls errors, too.
    told = [text for text in complaints if not re.search(r"favicon|status of (4|5)\d\d|ERR_", text)]
    assert not told, told


@pytest_asyncio.fixture(loop_scope="session")
async def site(redis: Shape) -> AsyncIterator[World]:
    """A world whose issuer URL is where it is served, as a browser needs it."""
    port = free_port()
    settings = settings_for(redis.url, issuer=f"http://127.0.0.1:{port}", service_name="Mintmark")
    async with open_issuer(settings) as issuer, in_process(issuer, port=port) as http:
        yield World(issuer, http, redis)


@pytest.fixture
def shoot(node_modules: Path) -> Shoot:
    """Keep what the page looks like, light and wide, dark and narrow; and check that nothing hangs over the edge in all four.

    Both schemes and both sizes are in two pictures, at which axe looks, too: they are most of what this costs.
    """
    axe = (node_modules / "axe-core" / "axe.min.js").read_text()

    async def taken(page: Page, name: str) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        await page.evaluate(axe)
        for scheme in SCHEMES:
            for size, viewport in SIZES.items():
                await page.emulate_media(color_scheme=scheme)
                await page.set_viewport_size(viewport)  # type: ignore[arg-type]
                over = await page.evaluate(
                    "document.documentElement.scrollWidth - document.documentElement.clientWidth"
                )
                assert over <= 0, f"{name} is {over} px too wide on a {size} screen"
                if (scheme, size) in LOOKED_AT:
                    await page.screenshot(full_page=True, path=SCREENSHOTS / f"{name}-{scheme}-{size}.png")
                    await page.evaluate(
                        "scrollTo(0, document.body.scrollHeight)"
                    )  # nothing is behind what stays in view
                    found = await page.evaluate(VIOLATIONS)
                    assert not found, f"{name}, {scheme} and {size}: {found}"
        await page.emulate_media(color_scheme="light")
        await page.set_viewport_size(SIZES["wide"])  # type: ignore[arg-type]

    return taken


@pytest_asyncio.fixture(loop_scope="session")
async def served(redis: Shape) -> AsyncIterator[tuple[str, World]]:
    """A service with a key schedule of its own, and its operators' port."""
    settings = settings_for(
        redis.url,
        admin_tokens=TOKENS,
        admin_port=0,
        master_key="m" * 40,
        code_lifetime=600,  # what is on the pages is there as long as they are looked at
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
