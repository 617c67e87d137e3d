"""Off-the-shelf OpenID Connect clients against a live server process, in a real Chromium; discovery is all they are told."""

import asyncio
import json
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Page, expect

from service.app import open_issuer
from service.crypto.passwords import hash_generated
from service.protocol.names import ClientAuthMethod
from service.records.client import Client, ClientSecret
from service.records.user import User
from tests.conftest import CLIENTS, NODE
from tests.pages import Page as Document
from tests.pages import Shell, until_it_listens
from tests.patience import PATIENCE, until
from tests.redis_shapes import Shape
from tests.server_process import ServerProcess, free_port
from tests.world import SECRET, settings_for

pytestmark = pytest.mark.asyncio(loop_scope="session")

CLAIMS = {
    **{"name": "Alice Liddell", "given_name": "Alice", "family_name": "Liddell"},
    **{"email": "alice@example.com", "email_verified": True},
}
SCOPES = ("openid", "profile", "email", "offline_access")
MASTER_KEY = "m" * 43


@pytest_asyncio.fixture(loop_scope="session")
async def server(redis: Shape, tmp_path: Path) -> AsyncIterator[ServerProcess]:
    """A live server, its keys made on the first start."""
    made = ServerProcess(tmp_path, redis_url=redis.url, master_key=MASTER_KEY)
    made._settings["issuer"] = made.url
    async with made:
        yield made


async def register(redis: Shape, client_id: str = "", callback: str = "", out: str = "") -> None:
    """What an operator does: a person, and a client unless that has no name."""
    settings = settings_for(redis.url, master_key=MASTER_KEY)
    async with open_issuer(settings, listen=False) as issuer:
        client = Client(
            client_id,
            name="A real client",
            secrets=(ClientSecret(hash_generated(SECRET)),),
            # What both libraries do unless they are told otherwise.
            auth_method=ClientAuthMethod.CLIENT_SECRET_POST,
            grant_types=("authorization_code", "refresh_token"),
            redirect_uris=(callback,),
            post_logout_redirect_uris=(out,) if out else (),
            scopes=SCOPES,
        )
        if client_id:
            await issuer.store.clients.save(client, None)
        hashed = await issuer.hashing.hash("wonderland")
        await issuer.store.users.save(User("alice", "alice", hashed, claims=CLAIMS), None)


async def sign_in(page: Page, url: str) -> None:
    """Begin at the client's site, log in and agree."""
    await page.goto(url)
    await page.fill("#username", "alice")
    await page.fill("#password", "wonderland")
    await page.click("#login-submit")
    await page.click("#consent-allow")


@pytest.mark.usefixtures("node_modules")
async def test_openid_client(page: Page, server: ServerProcess, redis: Shape) -> None:
    """openid-client (npm): sign in, UserInfo, refresh, introspection, revocation, sign out."""
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    await register(redis, "node", f"{origin}/callback", f"{origin}/out")
    node = await asyncio.create_subprocess_exec(
        "node", "openid_client.js", server.url, "node", SECRET, str(port), cwd=NODE, stdout=asyncio.subprocess.PIPE
    )
    assert node.stdout is not None
    try:
        assert json.loads(await asyncio.wait_for(node.stdout.readline(), PATIENCE)) == {"ready": origin}
        await sign_in(page, origin)
        told: dict[str, Any] = json.loads(await asyncio.wait_for(node.stdout.readline(), PATIENCE))
        assert "failed" not in told, told
        assert told["claims"]["sub"] == "alice"
        assert told["userinfo"] == {"sub": "alice", "preferred_username": "alice", **CLAIMS}
        assert (told["active"], told["after"]) == (True, False)
        await expect(page.locator("h1")).to_have_text("Goodbye")
    finally:
        node.terminate()
        await node.wait()


async def test_oidc_client_ts(
    page: Page, server: ServerProcess, redis: Shape, node_modules: Path, tmp_path: Path
) -> None:
    """oidc-client-ts in a page of another origin, without a secret: CORS, PKCE, refresh, sign out."""
    document = Document("how-to/single-page-app.md")
    port = free_port()
    here = {"http://127.0.0.1:8080": server.url, "127.0.0.1:5002": f"127.0.0.1:{port}", "5002": port}
    shell = Shell(tmp_path, here, MINTMARK_REDIS_URL=redis.url, MINTMARK_MASTER_KEY=MASTER_KEY)
    await register(redis)
    await shell.run(document.block("sh"))
    folder = tmp_path / "spa"
    folder.mkdir()
    (folder / "index.html").write_text(shell.here(document.block("html")))
    shutil.copy(node_modules / "oidc-client-ts" / "dist" / "browser" / "oidc-client-ts.js", folder)
    enter, pack, _, serve = document.block("console").splitlines()
    assert (
        pack
        == f"npm pack oidc-client-ts@{json.loads((NODE / 'package.json').read_text())['dependencies']['oidc-client-ts']}"
    )
    async with shell.running(f"{enter}\n{serve}"):
        await until_it_listens(port)
        await sign_in(page, f"http://127.0.0.1:{port}/")
        await expect(page.locator("#state")).to_have_text("signed in")
        told = json.loads(await page.locator("#told").inner_text())
        assert (told["profile"]["email"], told["renewed"]) == ("alice@example.com", True)
        await page.evaluate("void setTimeout(signOut)")
        await expect(page.locator("#state")).to_have_text("signed out")


async def test_django_allauth(page: Page, server: ServerProcess, redis: Shape, tmp_path: Path) -> None:
    """A Django site whose only knowledge of us is the discovery URL."""
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    await register(redis, "django", f"{origin}/accounts/oidc/mintmark/login/callback/")
    with (tmp_path / "django.log").open("wb") as log:
        django = await asyncio.create_subprocess_exec(
            sys.executable,
            str(CLIENTS / "django_site.py"),
            server.url,
            "django",
            SECRET,
            str(port),
            str(tmp_path),
            stdout=log,
            stderr=log,
        )
    try:
        await _until_it_answers(page, origin)
        await sign_in(page, f"{origin}/accounts/oidc/mintmark/login/")
        await expect(page.locator("h1")).to_have_text("Alice Liddell alice@example.com")
    finally:
        django.terminate()
        await django.wait()


async def _until_it_answers(page: Page, origin: str) -> None:
    async def answers() -> bool:
        try:
            await page.goto(origin)
        except PlaywrightError:
            return False
        return True

    await until(answers, 0.1)
