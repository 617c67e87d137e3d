"""The programs of docs/how-to/mcp.md, run as they stand there, against ``mintmark demo --mcp``."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from mintmark_guard.asgi import AsgiGuard
from tests.free_ports import free_ports
from tests.pages import Page

ROOT = Path(__file__).parents[2]
PROGRAMS = Page("how-to/mcp.md").blocks("python")
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
assert b"signed in" in submit(consent, decision="allow").read()
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
    browser, (port,) = tmp_path / "browser.py", free_ports(1)
    browser.write_text(BROWSER)
    program = PROGRAMS[0].replace("http://127.0.0.1:8082/mcp", demo["mcp_url"]).replace("33418", str(port))
    variables = os.environ | {"BROWSER": f"{sys.executable} {browser} %s"}
    for _ in range(2):
        run = await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, env=variables, stdout=asyncio.subprocess.PIPE
        )
        said, _ = await asyncio.wait_for(run.communicate(), 90)
        assert (run.returncode, said) == (0, b"5\n")


async def test_the_server() -> None:
    names: dict[str, object] = {}
    exec(PROGRAMS[1], names)
    assert isinstance(names["app"], AsgiGuard)
