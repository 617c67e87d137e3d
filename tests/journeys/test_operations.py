"""What docs/how-to/operations.md tells an operator to type does what it says there."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_house import ROOT
from tests.world import World

pytestmark = pytest.mark.slow


def _run(commands: str, variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["/bin/sh", "-c", commands], env=variables, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )


async def test_after_a_restore_everything_is_ended_that_it_brought_back(world: World, tmp_path: Path) -> None:
    tokens = [await world.tokens(await world.client(name)) for name in ("app", "other")]
    program = tmp_path / "mintmark"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m service "$@"\n')
    program.chmod(0o755)
    (commands,) = re.findall(
        r"```console\n(.*?)```", (ROOT / "docs" / "how-to" / "operations.md").read_text(), re.DOTALL
    )
    variables = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "MINTMARK_REDIS_URL": world.redis.url}
    done = await asyncio.to_thread(_run, commands, variables)
    assert done.returncode == 0, done.stderr
    for name, issued in zip(("app", "other"), tokens, strict=True):
        assert not await world.is_active(issued["access_token"], name)
        assert (await world.refresh(issued["refresh_token"], name)).status == 400
        assert (await world.token(name, grant_type="client_credentials")).status == 200
