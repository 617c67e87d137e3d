"""The docs site as people get it: built without a warning, opened as files, light and dark, with nothing from elsewhere."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import SCHEMES, SCREENSHOTS, SIZES

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

ROOT = Path(__file__).parents[2]
SHOWN = ("index", "how-to/guard", "reference/settings", "explanation/decisions/0005-grace-of-a-refresh")
"""Pages of which pictures are kept."""
FOREIGN = re.compile(r"<(?:script|link|img|iframe|source|audio|video)\b[^>]*?\b(?:src|href)=\"?(?:https?:)?//[^\"> ]+")
"""What a browser would fetch from elsewhere for a page."""


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built anew; every page, link and anchor that MkDocs warns of fails."""
    if not importlib.util.find_spec("mkdocs") or not (ROOT / "docs" / "node" / "node_modules").exists():
        pytest.skip("no MkDocs here: make docs")
    site = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(site)]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True
    )
    assert not done.returncode, done.stderr
    return site


def _pages(site: Path) -> list[Path]:
    return sorted(site.rglob("*.html"))


async def _look_at(page: Page, site: Path, name: str) -> None:
    await page.goto((site / f"{name}.html").as_uri())
    for scheme in SCHEMES:
        for size, viewport in SIZES.items():
            await page.emulate_media(color_scheme=scheme)
            await page.set_viewport_size(viewport)  # type: ignore[arg-type]
            await page.screenshot(path=SCREENSHOTS / f"docs-{Path(name).name}-{scheme}-{size}.png")
            over = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert over <= 0, f"{name} is {over} px too wide on a {size} screen"


async def test_the_site_needs_nothing_from_elsewhere(built: Path, browser: Browser) -> None:
    pages = _pages(built)
    assert len(pages) > 30
    assert 'href="../examples/fastapi_api.py"' in (built / "how-to" / "fastapi.html").read_text()
    example = Path("examples", "fastapi_api.py")
    assert (built / example).read_text() == (ROOT / example).read_text()
    assert not {f"{page}: {found}" for page in pages for found in FOREIGN.findall(page.read_text())}
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    context = await browser.new_context()
    page, asked, faults = await context.new_page(), list[str](), list[str]()
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    for name in SHOWN:
        await _look_at(page, built, name)
    await page.set_viewport_size(SIZES["wide"])  # type: ignore[arg-type]
    await page.get_by_role("textbox", name="Search").press_sequentially("redis_wait_replicas")
    await expect(page.locator(".md-search-result__item").first).to_contain_text("Settings")
    for drawn in (one for one in pages if 'class="mermaid"' in one.read_text()):
        await page.goto(drawn.as_uri())
        await expect(page.locator("pre.mermaid")).to_have_count(0)  # each became a picture
        await page.screenshot(path=SCREENSHOTS / f"docs-{drawn.stem}-diagrams.png", full_page=True)
    assert not [url for url in asked if not url.startswith(("file:", "data:", "blob:"))]
    assert not faults
    await context.close()
