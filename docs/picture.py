"""The picture of the console in README.md: `python -m docs.picture` takes it of the real page, behind a demo with some traffic.

Needs Chromium (Debian: `chromium`). It takes two minutes, for the dashboard shows what came over time.
"""

import asyncio
import itertools
import json
import math
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import aiohttp
from playwright.async_api import async_playwright

PICTURE = Path(__file__).parent / "assets" / "console.png"
SECONDS = 110
CLIENTS = ("billing", "reports", "shop")
SHARES = ("billing", "shop", "billing", "reports", "billing", "shop")
BY_PASSWORD = {"grant_type": "password", "username": "alice", "password": "wonderland"}
UNKNOWN = {"grant_type": "refresh_token", "refresh_token": "mm_rt_unknown"}


async def mintmark(folder: Path, *arguments: str, stdin: bytes = b"") -> None:
    """Run a command on the demo in that folder."""
    variables = {**os.environ, "MINTMARK_SECRETS_DIR": str(folder / ".mintmark")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "service",
        *arguments,
        cwd=folder,
        env=variables,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.DEVNULL,
    )
    await process.communicate(stdin)
    if process.returncode != 0:
        raise SystemExit(f"mintmark {' '.join(arguments)} failed")


async def traffic(url: str) -> None:
    """What a small shop does, without an end: tokens of services and people, now more, now less, and some mistakes."""
    async with aiohttp.ClientSession() as http:

        async def token(client_id: str, secret: str, **form: str) -> str:
            headers = {"Authorization": aiohttp.encode_basic_auth(client_id, secret)}
            async with http.post(f"{url}/token", data=form, headers=headers) as response:
                body: dict[str, str] = await response.json()
                return body.get("access_token", "")

        loop = asyncio.get_running_loop()
        begun = loop.time()
        for turn in itertools.count():
            for _ in range(4 + int(3 * math.sin((loop.time() - begun) / 12))):
                client_id = SHARES[turn % len(SHARES)]
                made = await token(client_id, "a-secret", grant_type="client_credentials", scope="read")
                headers = {"Authorization": aiohttp.encode_basic_auth(client_id, "a-secret")}
                await (await http.post(f"{url}/introspect", data={"token": made}, headers=headers)).read()
            if turn % 4 == 0:
                await token("demo", "demo-secret", **BY_PASSWORD)
            if turn % 25 == 7:
                await token("billing", "an-old-secret", grant_type="client_credentials")
            if turn % 40 == 11:
                await token("demo", "demo-secret", **UNKNOWN)
            await asyncio.sleep(0.15)


async def take(demo: dict[str, Any]) -> None:
    """Sign in at the console as an operator does, and take the picture."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": 1280, "height": 800}, color_scheme="light")
        await page.goto(demo["console_url"])
        await page.fill("#token", demo["console_token"])
        await page.keyboard.press("Enter")
        await page.wait_for_load_state("networkidle")
        await page.screenshot(path=PICTURE)
        await browser.close()


async def main() -> None:
    """Start a demo, let it work, and take the picture."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "service",
            "demo",
            "--port",
            "8190",
            "--json",
            cwd=folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            demo = json.loads(await process.stdout.readline()) if process.stdout else {}
            for client_id in CLIENTS:
                words = ("client", "create", client_id, "--grant-type", "client_credentials", "--scope", "read")
                await mintmark(folder, *words, "--secret-stdin", stdin=b"a-secret\n")
            busy = asyncio.create_task(traffic(demo["url"]))
            await asyncio.sleep(SECONDS)
            await take(demo)
            busy.cancel()
        finally:
            process.terminate()
            await process.wait()
    print(f"{PICTURE}: {PICTURE.stat().st_size} bytes")


if __name__ == "__main__":
    asyncio.run(main())
