"""The README's "Sign in with your app in five minutes", as it stands there: its command, its app.py, a real Chromium."""

import asyncio
import re
import sys
from pathlib import Path

import pytest
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Page, expect

from tests.journeys.test_readme import demo as demo
from tests.patience import PATIENCE, until
from tests.server_process import free_port

pytestmark = pytest.mark.asyncio(loop_scope="session")

README = (Path(__file__).parents[2] / "README.md").read_text()
SECTION = README.partition("## Sign in with your app in five minutes")[2].partition("\n## ")[0]


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


async def test_the_app_of_the_readme_signs_alice_in(demo: int, page: Page, tmp_path: Path) -> None:
    port = free_port()

    def here(text: str) -> str:
        return text.replace("127.0.0.1:8080", f"127.0.0.1:{demo}").replace("127.0.0.1:5000", f"127.0.0.1:{port}")

    bash = await asyncio.create_subprocess_exec("bash", "-euc", here(block("sh")), cwd=tmp_path)
    assert await asyncio.wait_for(bash.wait(), PATIENCE) == 0
    (tmp_path / "app.py").write_text(here(block("python")))
    flask = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "flask",
        "--app",
        "app",
        "run",
        "--port",
        str(port),
        cwd=tmp_path,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:

        async def answers() -> bool:
            try:
                await page.goto(f"http://127.0.0.1:{port}/")
            except PlaywrightError:
                return False
            return True

        await until(answers, 0.1)
        await expect(page.get_by_role("link")).to_have_text("Sign in")
        await page.goto(f"http://127.0.0.1:{port}/login")
        await page.fill("#username", "alice")
        await page.fill("#password", "wonderland")
        await page.click("#login-submit")
        await page.click("#consent-deny")
        await expect(page.locator("p")).to_contain_text("Not signed in")
        await page.goto(f"http://127.0.0.1:{port}/callback?code=x&state=of-another-day")
        await expect(page.locator("p")).to_contain_text("Not signed in")
        await page.get_by_role("link", name="Try again").click()
        await page.click("#consent-allow")
        await expect(page.locator("h1")).to_have_text("Hello Alice Liddell")
        await page.get_by_role("button", name="Sign out").click()
        await expect(page.get_by_role("link")).to_have_text("Sign in")
    finally:
        flask.terminate()
        await flask.wait()
