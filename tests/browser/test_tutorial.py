"""docs/tutorial, as it stands there: its commands, its programs, and a real Chromium where it says "open"."""

import json
from pathlib import Path

import pytest
from playwright.async_api import Page as Tab
from playwright.async_api import expect

from tests.journeys.test_readme import demo as demo
from tests.pages import Page, Shell, until_it_listens
from tests.server_process import free_port

pytestmark = pytest.mark.asyncio(loop_scope="session")

START, SIGN_IN = Page("tutorial/start.md"), Page("tutorial/sign-in.md")


async def test_from_nothing_to_an_application_that_signs_in(demo: int, page: Tab, tmp_path: Path) -> None:
    port = free_port()
    here = {"127.0.0.1:8080": f"127.0.0.1:{demo}", "127.0.0.1:5000": f"127.0.0.1:{port}"}
    shell = Shell(tmp_path, here)
    said = await shell.run("\n".join(START.blocks("sh")))
    first, active, ended = (json.loads(line) for line in said.splitlines() if line.startswith("{"))
    assert first["access_token"].startswith("mm_at_")
    assert (active["active"], active["client_id"], ended) == (True, "demo", {"active": False})

    await shell.run(SIGN_IN.block("sh"))
    (tmp_path / "app.py").write_text(shell.here(SIGN_IN.block("python")))
    async with shell.running(f"flask --app app run --port {port}"):
        await until_it_listens(port)
        await _signs_alice_in(page, f"http://127.0.0.1:{port}")


async def _signs_alice_in(page: Tab, app: str) -> None:
    await page.goto(app)
    await page.get_by_role("link", name="Sign in").click()
    await page.fill("#username", "alice")
    await page.fill("#password", "wonderland")
    await page.click("#login-submit")
    await page.click("#consent-deny")
    await expect(page.locator("p")).to_contain_text("Not signed in")
    await page.goto(f"{app}/callback?code=x&state=of-another-day")
    await expect(page.locator("p")).to_contain_text("Not signed in")
    await page.get_by_role("link", name="Try again").click()
    await page.click("#consent-allow")
    await expect(page.locator("h1")).to_have_text("Hello Alice Liddell")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("link")).to_have_text("Sign in")
