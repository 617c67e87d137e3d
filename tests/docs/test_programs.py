"""Programs of the how-to pages, run as they stand there, against a service in this process that has their clients."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import pytest
from aiohttp import web

from mintmark_guard import Guard
from mintmark_guard.aiohttp import TOKEN, aiohttp_guard, guarding
from service.app import open_issuer
from tests.devices import connect
from tests.pages import Page, Shell, until_it_listens
from tests.patience import PATIENCE
from tests.person import Person
from tests.redis_shapes import Shape
from tests.server_process import free_port
from tests.world import World, in_process, settings_for

pytestmark = pytest.mark.slow
AUDIENCE = "https://api.example.com"


class Service(NamedTuple):
    """A service with the user alice, and a shell beside it."""

    world: World
    shell: Shell
    url: str


@pytest.fixture
async def service(redis: Shape, tmp_path: Path) -> AsyncIterator[Service]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings = settings_for(redis.url, issuer=url, master_key="m" * 43, device_poll_interval=1)
    shell = Shell(tmp_path, {"127.0.0.1:8080": f"127.0.0.1:{port}"}, MINTMARK_REDIS_URL=redis.url)
    shell.variables["MINTMARK_MASTER_KEY"] = "m" * 43
    async with open_issuer(settings) as issuer, in_process(issuer, port=port) as http:
        world = World(issuer, http, redis)
        await world.user()
        yield Service(world, shell, url)


async def test_a_service_calls_another_one(service: Service) -> None:
    page = Page("how-to/machine-to-machine.md")

    async def orders(request: web.Request) -> web.Response:
        return web.Response(text=f"hello {request[TOKEN].client_id}")

    guard = Guard(service.url, AUDIENCE)
    app = web.Application(middlewares=[aiohttp_guard(guard, {"read"})])
    app.router.add_get("/", orders)
    app.cleanup_ctx.append(guarding(guard))
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        await service.shell.run(page.block("sh", having="client create"))
        said = await service.shell.run(_program_of(page, service.shell).replace("127.0.0.1:9000", f"127.0.0.1:{port}"))
    finally:
        await runner.cleanup()
    assert said == "hello invoices\n"


def _program_of(page: Page, shell: Shell) -> str:
    """Save the page's program under its name, and return the command that runs it, without its environment."""
    [*_, command] = page.block("console", having="venv").splitlines()
    (shell.folder / command.rpartition(" ")[2]).write_text(shell.here(page.block("python")))
    return command.replace("app-venv/bin/", "")


async def test_an_app_whose_answer_was_lost_gets_it_again(service: Service) -> None:
    said = await service.shell.run("\n".join(Page("how-to/mobile-app.md").blocks("sh")))
    assert "the same answer: {" in said


async def test_a_program_in_a_terminal(service: Service) -> None:
    page = Page("how-to/command-line.md")
    create, _ = page.block("console", having="client create").splitlines()
    await service.shell.run(create)
    process = await service.shell.start(_program_of(page, service.shell))
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        found = re.search(r"user_code=(\S+)", (await process.stdout.readline()).decode())
        assert found is not None
        await connect(Person(service.world), found[1])
        said, _ = await process.communicate()
    assert b"Signed in." in said
    assert b"id_token" in said


async def test_users_who_are_kept_elsewhere(redis: Shape, tmp_path: Path) -> None:
    (tmp_path / "directory.py").write_text(Page("how-to/users-elsewhere.md").block("python"))
    port = free_port()
    url, secret = f"http://127.0.0.1:{port}", "a-secret-of-the-webhook"
    shell = Shell(tmp_path, MINTMARK_DIRECTORY_SECRET=secret, MINTMARK_DIRECTORY_URL=url, MINTMARK_REDIS_URL=redis.url)
    settings = settings_for(redis.url, directory_url=url, directory_secret=secret)
    async with (
        shell.running(f"flask --app directory run --port {port}"),
        open_issuer(settings) as issuer,
        in_process(issuer) as http,
    ):
        await until_it_listens(port)
        world = World(issuer, http, redis)
        await world.client(grant_types=("password",), scopes=("openid", "email"))
        form = {"grant_type": "password", "username": "alice", "scope": "openid email"}
        assert (await world.token(**form, password="wrong")).status == 400
        tokens = await (await world.token(**form, password="wonderland")).json()
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        told = await (await world.http.get("/userinfo", headers=headers)).json()
        assert told == {"sub": "4711", "email": "alice@example.com", "email_verified": True}
        listed = await shell.read("mintmark grant list --client app --json")
        assert "4711" in str(listed)
        (grant_id,) = {one["grant_id"] for one in listed["grants"]}
        await shell.run(f"mintmark grant revoke {grant_id} --yes")
        assert not await world.is_active(tokens["access_token"])
        for command in ("mintmark grant revoke --user 4711 --yes", "mintmark user sign-out 4711 --yes"):
            tokens = await (await world.token(**form, password="wonderland")).json()
            assert len((await shell.read("mintmark grant list --user 4711 --json"))["grants"]) == 1
            await shell.run(command)
            assert not await world.is_active(tokens["access_token"])
        assert (await shell.read("mintmark session list --user 4711 --json"))["sessions"] == []
