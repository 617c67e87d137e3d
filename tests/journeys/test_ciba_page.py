"""What docs/how-to/ciba.md tells operators and clients to type does what it says there."""

import json
from pathlib import Path

import pytest

from service.app import open_issuer
from tests.backchannel import approvals, decide
from tests.pages import Page, Shell
from tests.person import Person
from tests.polling import after_the_pause
from tests.redis_shapes import Shape
from tests.server_process import free_port
from tests.world import World, in_process, settings_for

pytestmark = pytest.mark.slow
PAGE = Page("how-to/ciba.md")


async def test_the_examples_do_what_they_say(redis: Shape, tmp_path: Path) -> None:
    create, ping = PAGE.blocks("sh")
    ask, poll, _ = PAGE.blocks("console")
    port = free_port()
    settings = settings_for(redis.url, issuer=f"http://127.0.0.1:{port}")
    shell = Shell(tmp_path, {"127.0.0.1:8080": f"127.0.0.1:{port}"}, MINTMARK_REDIS_URL=redis.url)
    async with open_issuer(settings) as issuer, in_process(issuer, port=port) as http:
        world = World(issuer, http, redis)
        await world.user()
        await shell.run(create)
        begun = await shell.read(ask)
        assert begun == json.loads(PAGE.block("json")) | {"auth_req_id": begun["auth_req_id"]}
        polled = poll.replace("mm_bc_…", begun["auth_req_id"])
        assert (await shell.read(polled))["error"] == "authorization_pending"
        person = Person(world)
        shown = await approvals(person)
        assert "The till" in shown.text
        assert "W4SCT" in shown.text
        await decide(person, "allow", shown)
        after_the_pause(world)
        assert (await shell.read(polled)).keys() >= {"access_token", "refresh_token", "id_token"}
        await shell.run(ping)
