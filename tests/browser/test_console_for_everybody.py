"""The console by keyboard, to a screen reader, without scripts, with hostile names, and while Redis is gone."""

import pytest
from aiohttp.test_utils import TestServer
from playwright.async_api import Browser, Page, expect

from service.app import open_issuer
from service.fronts.health import Health
from service.fronts.operators import make_application
from tests.browser.conftest import Shoot
from tests.browser.desk import HOSTILE, Desk, furnish
from tests.browser.keyboard import press, tab_to, tab_until
from tests.console import TOKEN, TOKENS
from tests.cutting_proxy import CuttingProxy
from tests.redis_shapes import Shape
from tests.world import World, settings_for

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_it_works_by_keyboard_alone(desk: Desk) -> None:
    """From the skip link on, and one sees where one is."""
    await furnish(desk.world)
    page = desk.page
    await desk.open("/clients", "Clients")
    await tab_to(page, "a:text-is('Skip to content')")
    await page.keyboard.press("Enter")
    await tab_to(page, "#new-client")
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_have_text("New client")
    await page.wait_for_load_state()
    await tab_until(page, "#kind-api", 40)
    await page.keyboard.press("Enter")
    await page.fill("#name", "An API")
    await press(page, "#name", "Enter")
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
            faint = await desk.page.evaluate(_FAINT)
            assert faint == [], (scheme, path)


async def test_in_forced_colours_nothing_is_told_by_a_ground_alone(desk: Desk) -> None:
    """WCAG 1.4.1: the current page in the navigation, and what the colours of keys mean."""
    await desk.page.emulate_media(forced_colors="active")
    await desk.open("/keys", "Signing keys")
    await expect(desk.page.locator("nav [aria-current=page]")).to_have_css("text-decoration-line", "underline")
    await expect(desk.page.locator("nav a:not([aria-current])").first).to_have_css("text-decoration-line", "none")
    await expect(desk.page.locator(".legend .active")).to_have_css("forced-color-adjust", "none")
    await desk.open("/sign-in")
    await desk.page.fill("#token", "wrong")
    await desk.page.click("#sign-in")
    await expect(desk.page.locator("#fault")).to_have_css("border-top-style", "solid")


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
        settings = settings_for(proxy.url, admin_tokens=TOKENS, admin_port=0)
        async with open_issuer(settings, listen=False) as issuer:
            proxy.shorten(issuer.store.connection.address)
            server = TestServer(make_application(issuer, Health(issuer)))
            async with server:
                url = str(server.make_url("/console"))
                await page.goto(url)
                await page.fill("#token", TOKEN)
                await page.click("#sign-in")
                await expect(page.locator("h1")).to_have_text("Dashboard")
                proxy.refuse()
                proxy.drop()
                await expect(page.locator("#live")).to_contain_text("these are the last ones")
                await shoot(page, "console-dashboard-old")
                await page.goto(f"{url}/clients")
                await expect(page.locator("h1")).to_have_text("Redis cannot be reached")
                await shoot(page, "console-unavailable")
                proxy.heal()
                await page.click("text=Try again")
                await expect(page.locator("h1")).to_have_text("Clients")
