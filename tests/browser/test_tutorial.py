"""docs/tutorial, as it stands there: its commands, its programs, and a real Chromium where it says "open"."""

import json
import re
from pathlib import Path

import pytest
from playwright.async_api import Page as Tab
from playwright.async_api import expect

from tests.free_ports import free_ports
from tests.journeys.test_readme import demo as demo
from tests.pages import Page, Shell, until_it_listens

pytestmark = pytest.mark.asyncio(loop_scope="session")

START, SIGN_IN, PROTECT = (Page(f"tutorial/{name}.md") for name in ("start", "sign-in", "protect-an-api"))


async def test_from_nothing_to_a_protected_api_with_sign_in(demo: int, page: Tab, tmp_path: Path) -> None:
    port, api_port = free_ports(2)
    here = {
        "127.0.0.1:8080": f"127.0.0.1:{demo}",
        "127.0.0.1:5001": f"127.0.0.1:{port}",
        "127.0.0.1:9000": f"127.0.0.1:{api_port}",
    }
    shell = Shell(tmp_path, here)
    said = await shell.run("\n".join(START.blocks("sh")))
    first, active, ended = (json.loads(line) for line in said.splitlines() if line.startswith("{"))
    assert first["access_token"].startswith("mm_at_")
    assert (active["active"], active["client_id"], ended) == (True, "demo", {"active": False})

    await shell.run(SIGN_IN.block("sh"))
    (tmp_path / "app.py").write_text(shell.here(SIGN_IN.block("python")))
    app = f"http://127.0.0.1:{port}"
    async with shell.running(f"flask --app app run --port {port}"):
        await until_it_listens(port)
        await _signs_alice_in(page, app)
        await _ends_its_access_and_says_no(page, app, f"http://127.0.0.1:{demo}/applications")

    update, without_a_token, create, sign_out = PROTECT.blocks("sh")
    api, call, asking = PROTECT.blocks("python")
    await shell.run(update + create)
    (tmp_path / "app.py").write_text(shell.here(SIGN_IN.block("python") + call))
    (tmp_path / "api.py").write_text(shell.here(api))
    serve_api, serve_app = f"python -m uvicorn api:api --port {api_port}", f"flask --app app run --port {port}"
    async with shell.running(serve_api), shell.running(serve_app):
        await until_it_listens(api_port)
        await until_it_listens(port)
        refused = await shell.run(without_a_token)
        assert refused.startswith("HTTP/1.1 401")
        assert "https://api.example.com/.well-known/oauth-protected-resource" in refused
        (metadata,) = re.findall(r"^(http://127\.0\.0\.1:9000/\.well-known/\S+)\. ", PROTECT.text, re.MULTILINE)
        assert "https://api.example.com" in await shell.run(f"curl -sS -f {metadata}")
        await _opens_orders(page, app)

    (line,) = re.findall(r"^guard = .*\n", api, re.MULTILINE)
    (tmp_path / "api.py").write_text(shell.here(api.replace(line, asking)))
    async with shell.running(serve_api), shell.running(serve_app):
        await until_it_listens(api_port)
        await until_it_listens(port)
        await _opens_orders(page, app)
        await shell.run('export MINTMARK_SECRETS_DIR="$PWD/.mintmark"\n' + sign_out)
        await page.goto(f"{app}/orders")
        await expect(page.locator("body")).to_contain_text("invalid_token")


async def _opens_orders(page: Tab, app: str) -> None:
    """Sign in where that is asked for: a new process of the application knows nobody, Mintmark's session may still be there."""
    await page.goto(f"{app}/orders")
    if await page.locator("#username").count():
        await _log_in(page)
    if await page.locator("#consent-allow").count():
        await page.click("#consent-allow")
    await page.goto(f"{app}/orders")
    await expect(page.locator("body")).to_contain_text("tea for two")


async def _signs_alice_in(page: Tab, app: str) -> None:
    await page.goto(app)
    await page.get_by_role("link", name="Sign in").click()
    await _log_in(page)
    await page.click("#consent-deny")
    await expect(page.locator("p")).to_contain_text("Not signed in")
    await page.goto(f"{app}/callback?code=x&state=of-another-day")
    await expect(page.locator("p")).to_contain_text("Not signed in")
    await page.get_by_role("link", name="Try again").click()
    await page.click("#consent-allow")
    await expect(page.locator("h1")).to_have_text("Hello Alice Liddell")
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("link")).to_have_text("Sign in")


async def _ends_its_access_and_says_no(page: Tab, app: str, applications: str) -> None:
    """As the page says it: without the first a consent page comes no second time."""
    await page.goto(applications)
    await _log_in(page)
    await page.get_by_role("button", name="My App").click()
    await expect(page.get_by_role("status")).to_contain_text("My App")
    await page.goto(f"{app}/login")
    await page.click("#consent-deny")
    await expect(page.locator("p")).to_contain_text("Not signed in")


async def _log_in(page: Tab) -> None:
    await page.fill("#username", "alice")
    await page.fill("#password", "wonderland")
    await page.click("#login-submit")
