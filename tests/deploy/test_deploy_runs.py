"""nginx, Redis and a Sentinel from the files of examples/deploy, with the service behind and before them."""

import asyncio
import re
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import aiohttp
import pytest
from redis import Redis, RedisError

from service.dev.embedded_redis import find_redis_server
from tests.nginx import NGINX, needs_nginx
from tests.patience import PATIENCE
from tests.redis_tls import issue_certificates
from tests.server_process import ServerProcess, free_port
from tests.world import CALLBACK, World, basic

DEPLOY = Path(__file__).parents[2] / "examples" / "deploy"
pytestmark = pytest.mark.slow


def _written(name: str, folder: Path, *places: tuple[str, str]) -> Path:
    """A file of the examples, with what is elsewhere here."""
    text = (DEPLOY / name).read_text()
    for old, new in places:
        assert old in text, old
        text = text.replace(old, new)
    file = folder / name
    file.write_text(text)
    return file


@contextmanager
def _running(*command: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


def _until(what: str, holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.1)


@needs_nginx
async def test_servers_behind_nginx_are_upgraded_without_an_error(world: World, tmp_path: Path) -> None:
    await world.client()
    certificates = issue_certificates(tmp_path)
    plain, secure = free_port(), free_port()
    settings: dict[str, Any] = {
        "redis_url": world.redis.url,
        "issuer": "https://tokens.example.com",
        "trusted_proxies": "127.0.0.1/32",
    }
    servers = [ServerProcess(tmp_path, f"server-{number}", **settings) for number in (1, 2)]
    conf = _written(
        "nginx.conf",
        tmp_path,
        ("127.0.0.1:8080", f"127.0.0.1:{servers[0].port}"),
        ("127.0.0.1:8082", f"127.0.0.1:{servers[1].port}"),
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("listen 443 ssl;", f"listen 127.0.0.1:{secure} ssl;"),
        ("http2 on;", ""),  # newer than the oldest nginx that this is tried with
        ("/etc/nginx/tokens.example.com.crt", str(certificates.server_certificate)),
        ("/etc/nginx/tokens.example.com.key", str(certificates.server_key)),
        ("http {", f"pid {tmp_path}/nginx.pid;\ndaemon off;\nhttp {{"),
    )
    url = f"https://127.0.0.1:{secure}"
    anybody = ssl._create_unverified_context()
    with _running(str(NGINX), "-p", str(tmp_path), "-c", str(conf), "-e", "stderr"):
        for server in servers:
            await server.start()
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=anybody)) as http:
            statuses: list[int] = []
            over = asyncio.Event()
            loads = [asyncio.create_task(_ask(http, url, statuses, over)) for _ in range(8)]
            for server in servers:
                before = len(statuses)
                async with asyncio.timeout(PATIENCE):
                    while len(statuses) < before + 200:
                        await asyncio.sleep(0.02)
                await server.terminate()
                assert await server.exit_code() == 0
                await server.start()
            over.set()
            await asyncio.gather(*loads)
            assert statuses.count(200) == len(statuses) > 400
            async with http.get(f"{url}/metrics") as response:
                assert response.status == 404
            async with http.get(f"http://127.0.0.1:{plain}/token") as response:
                assert response.status == 403
            await _a_long_state_comes_back(http, url)
        for server in servers:
            await server.stop()


async def _ask(http: aiohttp.ClientSession, url: str, statuses: list[int], over: asyncio.Event) -> None:
    headers = {"Host": "tokens.example.com", **basic("app")}
    while not over.is_set():
        async with http.post(f"{url}/token", data={"grant_type": "client_credentials"}, headers=headers) as response:
            statuses.append(response.status)


async def _a_long_state_comes_back(http: aiohttp.ClientSession, url: str) -> None:
    state = "s" * 4000
    query = {"response_type": "code", "client_id": "app", "redirect_uri": CALLBACK, "scope": "openid", "state": state}
    async with http.get(
        f"{url}/authorize",
        params={**query, "prompt": "none", "code_challenge": "c" * 43, "code_challenge_method": "S256"},
        headers={"Host": "tokens.example.com"},
        allow_redirects=False,
    ) as response:
        assert response.status == 303
        assert state in response.headers["Location"]


@contextmanager
def _redis(folder: Path, port: int, *more: str) -> Iterator[None]:
    """A server from redis.conf and users.acl."""
    folder.mkdir()
    acl = _written("users.acl", folder)
    conf = _written(
        "redis.conf",
        folder,
        ("bind 127.0.0.1 ::1", "bind 127.0.0.1"),
        ("port 6379", f"port {port}"),
        ("/var/lib/redis", str(folder)),
        ("/etc/redis/users.acl", str(acl)),
    )
    with _running(str(find_redis_server()), str(conf), *more):
        yield


async def test_the_service_finds_nothing_to_complain_about_in_redis(tmp_path: Path) -> None:
    port = free_port()
    url = f"redis://127.0.0.1:{port}"
    login: dict[str, Any] = {"redis_username": "mintmark", "redis_password": "change-this-password"}
    with _redis(tmp_path / "redis", port):
        async with ServerProcess(tmp_path, redis_url=url, **login) as server:
            pass
    assert not re.findall(r'"redis_\w+"', server.log.read_text()), server.log.read_text()


async def test_a_sentinel_fails_over_with_the_rights_that_it_has(tmp_path: Path) -> None:
    first, second, third = free_port(), free_port(), free_port()
    (tmp_path / "sentinel").mkdir()
    conf = _written(
        "sentinel.conf",
        tmp_path / "sentinel",
        ("port 26379", f"port {third}"),
        ("/var/lib/redis", str(tmp_path / "sentinel")),
        ("127.0.0.1 6379 2", f"127.0.0.1 {first} 1"),
    )
    settings: dict[str, Any] = {"redis_username": "mintmark", "redis_password": "change-this-password"}
    settings |= {"redis_url": f"redis+sentinel://127.0.0.1:{third}/tokens/0"}
    sentinel = Redis(port=third)
    with (
        _redis(tmp_path / "replica", second, "--replicaof", f"127.0.0.1 {first}"),
        _running(str(find_redis_server()), str(conf), "--sentinel"),
    ):
        with _redis(tmp_path / "primary", first):
            _until("the Sentinel knows the replica", lambda: _replicas(sentinel) == 1)
            server = ServerProcess(tmp_path, **settings)
            await server.start()
        try:
            _until("it has failed over", lambda: _primary(sentinel) == second)
            async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as http:
                while True:
                    async with http.get(f"{server.url}/readyz") as response:
                        if response.status == 200:
                            break
                    await asyncio.sleep(0.1)
        finally:
            await server.stop()


def _replicas(sentinel: Redis) -> int:
    try:
        found = sentinel.sentinel_slaves("tokens")
    except RedisError:
        return 0
    return sum(1 for one in found if not one["is_disconnected"] and one["slave-repl-offset"])


def _primary(sentinel: Redis) -> int:
    _, port = cast("tuple[str, int]", sentinel.sentinel_get_master_addr_by_name("tokens"))
    return port
