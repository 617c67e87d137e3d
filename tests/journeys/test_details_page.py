"""What docs/how-to/authorization-details.md tells an operator to write and type does what it says there."""

import asyncio
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.redis_shapes import Shape
from tests.server_process import ServerProcess
from tests.test_house import ROOT

pytestmark = pytest.mark.slow
PAGE = (ROOT / "docs" / "how-to" / "authorization-details.md").read_text()


async def test_the_example_does_what_it_says(redis: Shape, tmp_path: Path) -> None:
    (settings,), (commands,) = (re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL) for kind in ("toml", "sh"))
    (tmp_path / "mintmark.toml").write_text(settings)
    program = tmp_path / "mintmark"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m service "$@"\n')
    program.chmod(0o755)
    async with ServerProcess(tmp_path, redis_url=redis.url, config=tmp_path / "mintmark.toml") as server:
        variables = {
            "PATH": f"{tmp_path}:{os.environ['PATH']}",
            "MINTMARK_REDIS_URL": redis.url,
            "PYTHONPATH": str(ROOT),
        }
        script = commands.replace("http://127.0.0.1:8080", server.url).replace("curl ", "curl -w '\\n' ")
        done = await asyncio.to_thread(
            subprocess.run,
            ["/bin/sh", "-ec", script],
            env=variables,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    issued, refused = (json.loads(line) for line in done.stdout.splitlines()[-2:])
    assert issued["authorization_details"] == [{"type": "account_information", "actions": ["list"]}]
    assert refused["error"] == "invalid_authorization_details"
