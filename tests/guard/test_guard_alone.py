"""``mintmark-guard`` as people install it: its wheel alone, in an empty environment; and in processes that fork."""

import asyncio
import os
import subprocess
import sys
from email.parser import Parser
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement

from service.protocol.names import AccessTokenFormat
from tests.guard.guarding import API, token_of
from tests.patience import PATIENCE
from tests.world import SECRET, World

pytestmark = pytest.mark.slow

GUARD = Path(__file__).parents[2] / "guard"
LOCK = (Path(__file__).parents[2] / "requirements" / "test.txt").read_text()

CHECK = """
import asyncio, sys
from importlib.metadata import distributions
from mintmark_guard import Guard, Refused

issuer, audience, token, secret = sys.argv[1:]
names = {one.name for one in distributions()}
assert "mintmark-guard" in names and not names & {"mintmark", "redis", "starlette", "flask", "django", "fastapi", "mcp"}, names
frameworks = {"starlette", "fastapi", "flask", "django", "mcp", "redis", "service"}
assert not frameworks & sys.modules.keys()

async def main():
    for guard in (Guard(issuer, audience), Guard(issuer, audience, client_id="api", client_secret=secret)):
        request = {"method": "GET", "url": audience, "scopes": "read"}
        found = await guard.check(headers={"Authorization": f"Bearer {token}"}, **request)
        print(found.subject)
        try:
            await guard.check(headers={"Authorization": f"Bearer {token}x"}, **request)
        except Refused as refused:
            print(refused.status)
        await guard.close()

asyncio.run(main())
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built by hatchling as ``pip wheel ./guard`` does, by the one that is here."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=GUARD, check=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_is_typed_and_needs_little(wheel: Path) -> None:
    with ZipFile(wheel) as file:
        names = file.namelist()
        metadata = Parser().parsestr(file.read(next(name for name in names if name.endswith("/METADATA"))).decode())
    assert "mintmark_guard/py.typed" in names
    assert {name.partition("/")[0] for name in names if ".dist-info" not in name} == {"mintmark_guard"}
    needed = {Requirement(line).name for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line}
    assert needed == {"aiohttp", "cryptography", "pyjwt"}
    assert metadata["Name"] == "mintmark-guard"


async def test_alone_in_an_empty_environment(served: World, wheel: Path, tmp_path: Path) -> None:
    """With what it asks for in the versions of the lock, and nothing else: it checks tokens of a server that runs."""
    token = await token_of(served, access_token_format=AccessTokenFormat.JWT)
    constraints = tmp_path / "constraints.txt"
    pinned = [line.split(" ")[0] for line in LOCK.splitlines() if "==" in line and not line.startswith(" ")]
    constraints.write_text("\n".join(line for line in pinned if "[" not in line))
    python = tmp_path / "alone" / "bin" / "python"
    await run(sys.executable, "-m", "venv", str(python.parents[1]))
    await run(str(python), "-m", "pip", "install", "-q", "--no-compile", "-c", str(constraints), str(wheel))
    printed = await run(str(python), "-I", "-c", CHECK, served.issuer.url, API, token, SECRET)
    assert printed.split() == ["alice", "401", "alice", "401"]


FORK = """
import os, sys, threading
from mintmark_guard import Guard, Refused
from mintmark_guard.blocking import BlockingGuard
from mintmark_guard.dpop import SentRequest

issuer, audience, token, secret, redis_url = sys.argv[1:]
guard = BlockingGuard(Guard(issuer, audience, client_id="api", client_secret=secret, redis_url=redis_url))
sent = SentRequest("GET", audience, [("authorization", f"Bearer {token}")])

def check(results):
    results.append(guard.check(sent).subject)

def checks():
    results = []
    threads = [threading.Thread(target=check, args=(results,)) for _ in range(8)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    return results == ["alice"] * 8

assert checks()
children = []
for _ in range(3):
    pid = os.fork()
    if pid == 0:
        os._exit(0 if checks() and checks() else 1)
    children.append(pid)
assert [os.waitpid(pid, 0)[1] for pid in children] == [0, 0, 0]
assert checks()
guard.close()
print("good")
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
async def test_workers_that_are_forked_off_after_the_first_check(served: World) -> None:
    """As by gunicorn with --preload: threads, connections and memory of the parent are not theirs."""
    token = await token_of(served)
    path = {"PYTHONPATH": str(GUARD)}
    arguments = (served.issuer.url, API, token, SECRET, served.redis.url)
    assert await run(sys.executable, "-c", FORK, *arguments, env=path) == "good\n"


async def run(*words: str, env: dict[str, str] | None = None) -> str:
    process = await asyncio.create_subprocess_exec(
        *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, env=env
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), 4 * PATIENCE)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, err.decode()
    return out.decode()
