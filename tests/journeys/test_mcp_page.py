"""The programs of docs/how-to/mcp.md, run as they stand there, against ``mintmark demo --mcp``."""

import asyncio
import json
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from mintmark_guard.asgi import AsgiGuard
from tests.free_ports import free_ports
from tests.pages import Page, Shell, until_it_listens

ROOT = Path(__file__).parents[2]
PAGE = Page("how-to/mcp.md")
CLIENT, SERVER, BEHIND_ASGI = PAGE.blocks("python")
BROWSER = """
import re, sys
from urllib.parse import urlencode, urljoin
from urllib.request import HTTPCookieProcessor, build_opener

browser = build_opener(HTTPCookieProcessor())


def submit(page, **fields):
    text = page.read().decode()
    form = dict(re.findall('<input type="hidden" name="([^"]+)" value="([^"]*)"', text)) | fields
    action = re.search('<form method="post" action="([^"]*)"', text)[1]
    return browser.open(urljoin(page.url, action), urlencode(form).encode())


consent = submit(browser.open(sys.argv[1]), username="alice", password="wonderland")
assert b"signed in" in submit(consent, decision=DECISION).read()
"""


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[dict[str, Any]]:
    """What a demo with an MCP server prints."""
    (port,) = free_ports(1)
    variables = {name: value for name, value in os.environ.items() if not name.startswith("MINTMARK_")}
    command = (sys.executable, "-m", "service", "demo", "--mcp", "--json", "--port", str(port))
    process = await asyncio.create_subprocess_exec(
        *command, cwd=tmp_path, env=variables | {"PYTHONPATH": str(ROOT)}, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield json.loads(await asyncio.wait_for(process.stdout.readline(), 90))
    finally:
        process.terminate()
        await process.wait()


@pytest.mark.slow
async def test_the_client(demo: dict[str, Any], tmp_path: Path) -> None:
    """It finds, registers, signs in by a browser, and calls a tool; and once more, when it is known no more than before."""
    program = CLIENT.replace("http://127.0.0.1:8082/mcp", demo["mcp_url"])
    for _ in range(2):
        assert (await _said(program, tmp_path)).splitlines()[1:] == ["5"]


@pytest.mark.slow
async def test_the_client_says_why_nobody_signed_in(demo: dict[str, Any], tmp_path: Path) -> None:
    code, said, errors = await _run(CLIENT.replace("http://127.0.0.1:8082/mcp", demo["mcp_url"]), tmp_path, "deny")
    assert said.startswith(f"Sign in: {demo['url']}/authorize?")
    assert (code, errors.splitlines()[-1]) == (1, "The user denied the request.")


@pytest.mark.slow
async def test_a_server_of_your_own(demo: dict[str, Any], tmp_path: Path) -> None:
    (port,) = free_ports(1)
    here = {"127.0.0.1:9000": f"127.0.0.1:{port}", "http://127.0.0.1:8080": demo["url"]}
    shell = Shell(tmp_path, here, MINTMARK_SECRETS_DIR=tmp_path / ".mintmark")
    await shell.run(PAGE.block("sh"))
    (tmp_path / "server.py").write_text(shell.here(SERVER))
    own, call = re.findall(r"`(SERVER = \S+)` and `(call_tool\(.*?\))`", PAGE.text)[0]
    program = CLIENT.replace('SERVER = "http://127.0.0.1:8082/mcp"', shell.here(own))
    program = program.replace('call_tool("add", {"first": 2, "second": 3})', call)
    async with shell.running(f"python -m uvicorn server:app --port {port}"):
        await until_it_listens(port)
        said = await _said(program, tmp_path)
    assert said.splitlines()[1:] == ["Hello, alice"]


async def _said(program: str, folder: Path) -> str:
    """What the page's client prints to whom alice signs in."""
    code, said, errors = await _run(program, folder, "allow")
    assert code == 0, errors
    return said


async def _run(program: str, folder: Path, decision: str) -> tuple[int | None, str, str]:
    """Run the page's client, whose browser is a program that signs alice in; its exit code, output and errors."""
    browser, (port,) = folder / "browser.py", free_ports(1)
    browser.write_text(BROWSER.replace("DECISION", repr(decision)))
    run = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program.replace("33418", str(port)),
        env=os.environ | {"BROWSER": f"{sys.executable} {browser} %s"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, errors = await asyncio.wait_for(run.communicate(), 90)
    return run.returncode, said.decode(), errors.decode()


async def test_the_server_behind_the_guard() -> None:
    names: dict[str, object] = {}
    exec(BEHIND_ASGI, names)
    assert isinstance(names["app"], AsgiGuard)
