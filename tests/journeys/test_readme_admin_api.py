"""The README's "The admin API", run as it stands there (other ports, a Redis of the suite)."""

import asyncio
import json
import os
import re
import sys
from pathlib import Path

import pytest

from tests.patience import PATIENCE
from tests.redis_shapes import Shape
from tests.server_process import free_port, is_ready

pytestmark = pytest.mark.slow

README = (Path(__file__).parents[2] / "README.md").read_text()
SECTION = README.partition("## The admin API")[2].partition("\n## ")[0]
SERVE, *OPERATE = re.findall(r"^```console\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)


async def test_the_commands_of_the_admin_api_do_what_it_says(redis: Shape, tmp_path: Path) -> None:
    command = tmp_path / "bin" / "mintmark"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m service "$@"\n')
    command.chmod(0o755)
    others = {name: value for name, value in os.environ.items() if not name.startswith("MINTMARK_")}
    path = f"{command.parent}:{others['PATH']}"
    root = str(Path(__file__).parents[2])
    port, admin = free_port(), free_port()
    environment = {**others, "PATH": path, "PYTHONPATH": root}

    async def bash(script: str, **variables: str) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            "bash",
            "-euo",
            "pipefail",
            "-c",
            re.sub("8081", str(admin), script),
            cwd=tmp_path,
            env={**environment, **variables},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    where = {"MINTMARK_REDIS_URL": redis.url, "MINTMARK_PORT": str(port)}
    server = await bash(SERVE.replace("mintmark serve", "exec mintmark serve"), **where)
    try:
        assert await is_ready(f"http://127.0.0.1:{port}", server), "the service did not become ready"
        operating = await bash("\n".join(OPERATE))
        output, _ = await asyncio.wait_for(operating.communicate(), 90)
    finally:
        server.terminate()
        await asyncio.wait_for(server.communicate(), PATIENCE)
    said = output.decode()
    assert operating.returncode == 0, said
    assert "Client billing is registered." in said
    for action in ("client.create", "client.disable"):
        assert re.search(rf"me +admin_api +127.0.0.1 +{action} +client:billing +ok", said), said
    changed, outdated = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    assert changed["access_token_lifetime"] == 600
    assert (outdated["status"], outdated["code"]) == (412, "outdated")
    assert (tmp_path / "operator.token").stat().st_mode & 0o077 == 0
