"""The README's commands, run as they stand there by bash and curl against a demo (another port, another folder)."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.pages import Page, Shell
from tests.server_process import free_port

pytestmark = pytest.mark.slow


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[int]:
    """``make run``, with this environment in the place of ``.venv``."""
    port = free_port()
    async with Shell(tmp_path).running(f".venv/bin/mintmark demo --port {port}", f"http://127.0.0.1:{port}") as process:
        yield port
    assert process.returncode == 0


async def test_the_readme_s_commands_do_what_it_says(demo: int, tmp_path: Path) -> None:
    output = await Shell(tmp_path, {"127.0.0.1:8080": f"127.0.0.1:{demo}"}).run(
        "\n".join(Page("README.md").blocks("sh"))
    )
    answers = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    alone, alice, redeemed, active, inactive = answers
    assert (alone["scope"], "refresh_token" in alone) == ("read", False)
    assert "refresh_token" in alice
    assert redeemed["scope"] == "read write"
    assert (active["active"], active["username"], active["client_id"]) == (True, "alice", "demo")
    assert inactive == {"active": False}
