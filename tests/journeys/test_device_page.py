"""What docs/how-to/device.md tells operators and devices to type does what it says there."""

import asyncio
import json
import os
import re
from pathlib import Path

import pytest

from service.app import open_issuer
from tests.devices import connect
from tests.pages import PIPE, Page, Shell
from tests.patience import PATIENCE
from tests.person import Person
from tests.polling import after_the_pause
from tests.redis_shapes import Shape
from tests.server_process import free_port
from tests.world import World, in_process, settings_for

pytestmark = pytest.mark.slow
PAGE = Page("how-to/device.md")


async def test_the_examples_do_what_they_say(redis: Shape, tmp_path: Path) -> None:
    create, begin, poll, login = PAGE.blocks("console")
    settings = settings_for(redis.url, issuer=f"http://127.0.0.1:{free_port()}", device_poll_interval=1)
    here = {"http://127.0.0.1:8080": settings.issuer}
    shell = Shell(tmp_path, here, MINTMARK_REDIS_URL=redis.url, XDG_CONFIG_HOME=tmp_path / "kept")

    port = int(settings.issuer.rpartition(":")[2])
    async with open_issuer(settings) as issuer, in_process(issuer, port=port) as http:
        world = World(issuer, http, redis)
        await world.user()
        await shell.run(create)
        begun = await shell.read(begin)
        assert begun.keys() == json.loads(PAGE.block("json")).keys()
        polled = poll.replace("mm_dc_…", begun["device_code"])
        assert (await shell.read(polled))["error"] == "authorization_pending"
        assert (await shell.read(polled))["error"] == "slow_down"
        await connect(Person(world), begun["user_code"])
        after_the_pause(world)
        assert (await shell.read(polled)).keys() >= {"access_token", "refresh_token", "id_token"}

        process = await shell.start(login, errors=PIPE)
        assert process.stderr
        async with asyncio.timeout(PATIENCE):
            while not (found := re.search(rb"Enter +(\S+)", await process.stderr.readline())):
                pass
        await connect(Person(world), found[1].decode())
        await asyncio.wait_for(process.communicate(), PATIENCE)
        assert process.returncode == 0
        (kept,) = os.listdir(tmp_path / "kept" / "mintmark")
        assert kept == f"127.0.0.1_{port}.json"
