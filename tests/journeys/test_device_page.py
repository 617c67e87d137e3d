"""What docs/how-to/device.md tells operators and devices to type does what it says there."""

import asyncio
import json
import os
import re
import sys
from pathlib import Path

import pytest

from service.app import open_issuer
from tests.devices import connect
from tests.patience import PATIENCE
from tests.person import Person
from tests.polling import after_the_pause
from tests.redis_shapes import Shape
from tests.server_process import free_port
from tests.test_house import ROOT
from tests.world import World, in_process, settings_for

pytestmark = pytest.mark.slow
PAGE = (ROOT / "docs" / "how-to" / "device.md").read_text()


async def test_the_examples_do_what_they_say(redis: Shape, tmp_path: Path) -> None:
    create, begin, poll, login = re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    settings = settings_for(redis.url, issuer=f"http://127.0.0.1:{free_port()}", device_poll_interval=1)
    program = tmp_path / "mintmark"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m service "$@"\n')
    program.chmod(0o755)
    variables = {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "MINTMARK_REDIS_URL": redis.url,
        "PYTHONPATH": str(ROOT),
        "XDG_CONFIG_HOME": str(tmp_path / "kept"),
    }

    async def start(script: str) -> asyncio.subprocess.Process:
        script = script.replace("http://127.0.0.1:8080", settings.issuer)
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            "/bin/sh", "-ec", script, env=variables, cwd=ROOT, stdout=pipe, stderr=pipe
        )

    async def run(script: str) -> str:
        process = await start(script)
        out, err = await asyncio.wait_for(process.communicate(), PATIENCE)
        assert process.returncode == 0, err
        return out.decode()

    port = int(settings.issuer.rpartition(":")[2])
    async with open_issuer(settings) as issuer, in_process(issuer, port=port) as http:
        world = World(issuer, http, redis)
        await world.user()
        await run(create)
        begun = json.loads(await run(begin))
        (example,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
        assert begun.keys() == json.loads(example).keys()
        polled = poll.replace("mm_dc_…", begun["device_code"])
        assert json.loads(await run(polled))["error"] == "authorization_pending"
        assert json.loads(await run(polled))["error"] == "slow_down"
        await connect(Person(world), begun["user_code"])
        after_the_pause(world)
        assert json.loads(await run(polled)).keys() >= {"access_token", "refresh_token", "id_token"}

        process = await start(login)
        assert process.stderr
        async with asyncio.timeout(PATIENCE):
            while not (found := re.search(rb"Enter +(\S+)", await process.stderr.readline())):
                pass
        await connect(Person(world), found[1].decode())
        await asyncio.wait_for(process.communicate(), PATIENCE)
        assert process.returncode == 0
        (kept,) = os.listdir(tmp_path / "kept" / "mintmark")
        assert kept == f"127.0.0.1_{port}.json"
