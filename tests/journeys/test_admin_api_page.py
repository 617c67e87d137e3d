"""What docs/how-to/admin-api.md tells operators to type does what it says there (other ports, a Redis of the suite)."""

import json
import re
from pathlib import Path

import pytest

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
