"""Every kind of work gets right answers from a real server, and every limit of the issue is on it."""

import asyncio
import shutil
import sys
from pathlib import Path

import pytest
import uvloop

from loadtests import cpu, servers
from loadtests.generator import drive, spare_for
from loadtests.supplies import supplier
from loadtests.work import WORKS, empty
from tests.patience import PATIENCE
from tests.redis_shapes import Shape

REQUESTS, CONNECTIONS = 500, 4


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
async def test_every_work_is_answered_rightly(redis: Shape) -> None:
    async with (
        supplier(redis) as supplies,
        servers.mintmark(redis) as mintmark,
        servers.mintmark(redis, **servers.PROXIED) as proxied,
    ):
        for work in WORKS.values():
            orders = await work.orders(supplies, REQUESTS + spare_for(CONNECTIONS))
            driven = await drive((proxied if work.proxied else mintmark).url, orders, CONNECTIONS, REQUESTS)
            assert driven.wrong == 0, (work.name, driven.example)


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
async def test_the_empty_handler_answers(redis: Shape) -> None:
    async with supplier(redis) as supplies, servers.empty_handler() as handler:
        assert (await drive(handler.url, await empty(supplies), CONNECTIONS, REQUESTS)).wrong == 0


async def test_a_server_that_does_not_come_up_says_why() -> None:
    with pytest.raises(servers.ServerFailedError, match="invalid literal"):
        async with servers.process([sys.executable, "-c", "int('x')"], {}, "http://127.0.0.1:9", "/"):
            pass


def test_a_cluster_of_three_primaries_serves() -> None:
    async def works() -> None:
        async with supplier(shape) as supplies:
            assert len(await supplies.codes(20)) == 20

    with servers.redis_cluster() as shape:
        assert len(shape.primaries()) == 3
        uvloop.run(works())


def test_the_limits_are_those_that_were_promised() -> None:
    promised = {name: work.limits.times_empty for name, work in WORKS.items() if work.limits.times_empty}
    assert promised == {
        "client_credentials": 1.8,
        "private_key_jwt": 5.5,
        "dpop": 5.5,
        "jwt_es256": 3.4,
        "introspect_active": 1.7,
        "introspect_bound": 2.8,
        "redeem": 2.9,
        "redeem_es256": 4.2,
        "redeem_rs256": 14.0,
        "refresh": 2.8,
        "revoke": 1.7,
        "push": 3.5,
        "device_poll": 2.2,
    }


@pytest.mark.skipif(shutil.which("wrk") is None, reason="wrk is not installed")
async def test_workers_of_the_empty_handler_end_with_it(redis: Shape) -> None:
    async with supplier(redis) as supplies, servers.empty_handler(workers=2) as handler:
        (worker,) = cpu.descendants(handler.pid)
        assert (await drive(handler.url, await empty(supplies), CONNECTIONS, REQUESTS)).wrong == 0
    async with asyncio.timeout(PATIENCE):
        while _runs(worker):
            await asyncio.sleep(0.02)


def _runs(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()
