"""The programs of docs/how-to/dpop.md, run as they stand there."""

import asyncio
import sys
from pathlib import Path

import pytest

from service.protocol.names import ClientAuthMethod
from tests.pages import Page
from tests.patience import PATIENCE
from tests.server_process import ServerProcess
from tests.world import SECRET, World

PROGRAMS = Page("how-to/dpop.md").blocks("python")


@pytest.mark.slow
async def test_the_client(world: World, tmp_path: Path) -> None:
    await world.user()
    await world.client("demo", scopes=("openid",), auth_method=ClientAuthMethod.CLIENT_SECRET)
    async with ServerProcess(tmp_path, redis_url=world.redis.url, master_key="m" * 43) as server:
        program = PROGRAMS[0].replace("http://127.0.0.1:8080", server.url).replace("demo-secret", SECRET)
        run = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stdout=asyncio.subprocess.PIPE)
        said, _ = await asyncio.wait_for(run.communicate(), PATIENCE)
    assert (run.returncode, said) == (0, b"alice\n")


async def test_the_api() -> None:
    names: dict[str, object] = {}
    exec(PROGRAMS[1], names)
    assert names["guard"].headers().keys() == {"DPoP-Nonce"}  # type: ignore[attr-defined]
