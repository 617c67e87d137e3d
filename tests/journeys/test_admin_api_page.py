"""What docs/how-to/admin-api.md and console.md tell operators to type does what it says there, on other ports."""

import json
import re
from pathlib import Path

import pytest
from aiohttp import ClientSession

from tests.pages import Page, Shell
from tests.redis_shapes import Shape
from tests.server_process import free_port

pytestmark = pytest.mark.slow


async def test_the_commands_do_what_they_say(redis: Shape, tmp_path: Path) -> None:
    serve, *operate = Page("how-to/admin-api.md").blocks("console")
    port, admin = free_port(), free_port()
    shell = Shell(tmp_path, {"8081": admin}, MINTMARK_REDIS_URL=redis.url, MINTMARK_PORT=port)
    async with shell.running(serve, f"http://127.0.0.1:{port}"):
        said = await shell.run("\n".join(operate), MINTMARK_REDIS_URL="redis://127.0.0.1:1")
    assert "Client billing is registered." in said
    for action in ("client.create", "client.disable"):
        assert re.search(rf"me +admin_api +127.0.0.1 +{action} +client:billing +ok", said), said
    changed, outdated = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert changed["access_token_lifetime"] == 600
    assert (outdated["status"], outdated["code"]) == (412, "outdated")
    assert (tmp_path / "operator.token").stat().st_mode & 0o077 == 0


async def test_the_console_is_there_as_soon_as_somebody_may_use_it(redis: Shape, tmp_path: Path) -> None:
    port, admin = free_port(), free_port()
    shell = Shell(tmp_path, {"8081": admin}, MINTMARK_REDIS_URL=redis.url, MINTMARK_PORT=port)
    async with (
        shell.running(Page("how-to/console.md").block("console"), f"http://127.0.0.1:{port}"),
        ClientSession() as http,
        http.get(f"http://127.0.0.1:{admin}/console") as response,
    ):
        assert (response.status, "Sign in" in await response.text()) == (200, True)
    assert (tmp_path / "alice.token").read_text().startswith("mm_ot_")
