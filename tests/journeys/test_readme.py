"""The README's commands, run as they stand there by bash and curl against a demo (another port, another folder)."""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.patience import PATIENCE
from tests.server_process import free_port, is_ready

pytestmark = pytest.mark.slow

README = (Path(__file__).parents[2] / "README.md").read_text()
COMMANDS = "\n".join(re.findall(r"^```sh\n(.*?)^```", README, re.MULTILINE | re.DOTALL))


@pytest.fixture
async def demo(tmp_path: Path) -> AsyncIterator[int]:
    """``make run``, with this environment in the place of ``.venv``."""
    command = tmp_path / ".venv" / "bin" / "mintmark"
    command.parent.mkdir(parents=True)
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m service "$@"\n')
    command.chmod(0o755)
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        str(command), "demo", "--port", str(port), cwd=tmp_path, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        assert await is_ready(f"http://127.0.0.1:{port}", process), "the demo did not become ready"
        yield port
    finally:
        if process.returncode is None:
            process.terminate()
        assert await asyncio.wait_for(process.wait(), PATIENCE) == 0


async def test_the_readme_s_commands_do_what_it_says(demo: int, tmp_path: Path) -> None:
    script = COMMANDS.replace("127.0.0.1:8080", f"127.0.0.1:{demo}")
    bash = await asyncio.create_subprocess_exec(
        "bash",
        "-euo",
        "pipefail",
        "-c",
        script,
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(bash.communicate(), PATIENCE)
    assert bash.returncode == 0, output.decode()
    answers = [json.loads(line) for line in output.decode().splitlines() if line.startswith("{")]
    alone, alice, redeemed, active, inactive = answers
    assert (alone["scope"], "refresh_token" in alone) == ("read", False)
    assert "refresh_token" in alice
    assert redeemed["scope"] == "read write"
    assert (active["active"], active["username"], active["client_id"]) == (True, "alice", "demo")
    assert inactive == {"active": False}
