"""IPv4 and IPv6 side by side: both listeners, several workers, the health check of the image."""

import asyncio
import os
import socket
import sys
from pathlib import Path

import pytest
from aiohttp import ClientConnectionError, ClientSession

from service.protocol.addresses import in_url
from tests.patience import PATIENCE
from tests.redis_shapes import Shape
from tests.server_process import START_SECONDS, ServerProcess, free_port

pytestmark = pytest.mark.slow


def _has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not _has_ipv6(), reason="this machine has no IPv6: enable it (net.ipv6.conf)")
BOTH = {"127.0.0.1", "::1"}


async def _answering(port: int) -> set[str]:
    """The loopback addresses that answer at this port."""
    found = set()
    async with ClientSession() as http:
        for host in BOTH:
            try:
                async with http.get(f"http://{in_url(host)}:{port}/livez") as response:
                    found |= {host} if response.status == 200 else set()
            except ClientConnectionError:
                pass
    return found


@pytest.mark.parametrize(
    ("host", "answering"),
    [
        pytest.param("::", BOTH, marks=needs_ipv6),
        pytest.param("0.0.0.0,::", BOTH, marks=needs_ipv6),
        pytest.param("127.0.0.1, [::1]", BOTH, marks=needs_ipv6),
        pytest.param("::1", {"::1"}, marks=needs_ipv6),
        ("0.0.0.0", {"127.0.0.1"}),
    ],
)
@pytest.mark.parametrize("workers", [1, 2])
async def test_it_listens_where_it_is_told(
    tmp_path: Path, redis: Shape, host: str, answering: set[str], workers: int
) -> None:
    admin_port = free_port()
    server = ServerProcess(
        tmp_path, redis_url=redis.url, host=host, workers=workers, admin_host=host, admin_port=admin_port
    )
    await server.start(wait=False)
    try:
        async with asyncio.timeout(START_SECONDS):
            while not await _answering(server.port) >= answering:  # one listener after the other
                await asyncio.sleep(0.05)
        assert await _answering(server.port) == answering
        assert await _answering(admin_port) == answering
        assert await _probe(host, server.port) == 0
    finally:
        await server.stop()
    assert await _probe(host, server.port) == 1


async def _probe(host: str, port: int) -> int:
    """What the image's HEALTHCHECK runs."""
    environment = {"PATH": os.environ["PATH"], "MINTMARK_HOST": host, "MINTMARK_PORT": str(port)}
    environment["http_proxy"] = "http://127.0.0.1:9"
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "service.fronts.probe", env=environment, stderr=asyncio.subprocess.DEVNULL
    )
    return await asyncio.wait_for(child.wait(), START_SECONDS)


async def test_the_health_check_reads_the_settings_where_they_are(tmp_path: Path, redis: Shape) -> None:
    """A file may say host and port, too."""
    async with ServerProcess(tmp_path, redis_url=redis.url) as server:
        config = tmp_path / "mintmark.toml"
        config.write_text(f'host = "0.0.0.0"\nport = {server.port}\n')
        for port, code in ((server.port, 0), (free_port(), 1)):
            config.write_text(f'host = "0.0.0.0"\nport = {port}\n')
            child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "service.fronts.probe",
                env={"PATH": os.environ["PATH"], "MINTMARK_CONFIG": str(config)},
                stderr=asyncio.subprocess.DEVNULL,
            )
            assert await asyncio.wait_for(child.wait(), PATIENCE) == code
