"""A backup is restored as docs/how-to/operations.md says, on every server that is here; what it brings back is ended."""

import asyncio
import os
import shutil
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from service.admin import users
from service.app import open_issuer
from tests.kept_redis import kept_redis, servers
from tests.patience import PATIENCE
from tests.person import Person
from tests.redis_shapes import Node, Shape
from tests.test_house import ROOT
from tests.world import World, in_process, settings_for

pytestmark = pytest.mark.slow

CURED = ("off", "~*", "&*", "+@all")
EVERY = servers()


@asynccontextmanager
async def world_on(shape: Shape):  # type: ignore[no-untyped-def]
    async with open_issuer(settings_for(shape.url)) as issuer, in_process(issuer) as http:
        yield World(issuer, http, shape)


def restored(shape: Shape, dump: Path, *, appendonly: str) -> Node:
    """The server after a crash that took its disk, with a snapshot in its folder."""
    (node,) = shape.nodes
    shape.kill(node)
    for left in (*node.home.glob("appendonly*"), *node.home.glob("dump.rdb")):
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    shutil.copy(dump, node.home / "dump.rdb")
    node.arguments[node.arguments.index("--appendonly") + 1] = appendonly
    shape.restart(node)
    return node


async def written_to_the_file(node: Node) -> None:
    """Step 2 of the page."""
    node.admin.config_set("appendonly", "yes")
    async with asyncio.timeout(PATIENCE):
        while True:
            told = node.admin.info("persistence")
            if not told["aof_rewrite_in_progress"] and not told["aof_rewrite_scheduled"]:
                break
            await asyncio.sleep(0.02)
    assert told["aof_last_bgrewrite_status"] == "ok"


async def mintmark(shape: Shape, *arguments: str) -> str:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MINTMARK_")}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "service",
        *arguments,
        cwd=ROOT,
        env=inherited | {"MINTMARK_REDIS_URL": shape.url},
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await process.communicate()
    assert process.returncode == 0
    return told.decode()


async def gets_a_fresh_code(phone: Person) -> bool:
    return "code" in (await phone.authorize()).answer


@pytest.mark.parametrize("server", EVERY.values(), ids=EVERY)
async def test_a_lost_phone_gets_no_fresh_code_after_a_restore(server: Path, tmp_path: Path) -> None:
    with kept_redis(server, default=CURED) as shape:
        async with world_on(shape) as world:
            client = await world.openid_client()
            await world.user()
            phone = Person(world)
            assert "code" in (await phone.sign_in()).answer
            tokens = await world.tokens(client)
            shape.nodes[0].admin.save()
            dump = Path(shutil.copy(shape.nodes[0].home / "dump.rdb", tmp_path))
            await users.sign_out_user(world.issuer, "alice")
            assert not await gets_a_fresh_code(phone)

        node = restored(shape, dump, appendonly="yes")
        assert node.admin.dbsize() == 0, "a snapshot is not read where there is to be an append-only file"
        node = restored(shape, dump, appendonly="no")
        assert node.admin.dbsize() > 0
        await written_to_the_file(node)
        node.arguments[node.arguments.index("--appendonly") + 1] = "yes"
        shape.restart(node)
        assert node.admin.dbsize() > 0, "as usual from now on"

        async with world_on(shape) as world:
            phone.world = world
            assert await gets_a_fresh_code(phone), "what was ended since is alive"
            assert await world.is_active(tokens["access_token"])
            counted = await mintmark(shape, "end-everything", "--dry-run", "--json")
            assert await mintmark(shape, "end-everything", "--yes", "--json") == counted.replace("true", "false")
            assert (await phone.authorize()).heading == "Sign in"
            assert not await world.is_active(tokens["access_token"])
            assert (await world.refresh(tokens["refresh_token"])).status == 400
        shape.restart(node)
        async with world_on(shape) as world:
            phone.world = world
            assert not await gets_a_fresh_code(phone)
            assert "code" in (await phone.log_in(await phone.authorize())).answer, "and is asked for no consent again"
