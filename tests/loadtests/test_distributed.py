"""Locust as it is run by many machines: a master and two workers, against three service processes on a Redis Cluster."""

import asyncio
import csv
import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from service.app import open_issuer
from tests import redis_shapes
from tests.server_process import ServerProcess, free_port
from tests.world import ALL_GRANT_TYPES, SECRET, World, settings_for

ROOT = Path(__file__).parents[2]
KINDS = {"client_credentials", "code", "refresh", "introspect", "revoke", "introspect, revoked"}
ENOUGH = 100
"""Requests."""
pytestmark = pytest.mark.skipif(find_spec("locust") is None, reason="no locust here: make .venv/.load")


async def _locust(arguments: list[str], settings: dict[str, str], log: Path) -> asyncio.subprocess.Process:
    with log.open("ab") as out:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "locust",
            "-f",
            "loadtests/locustfile.py",
            "--headless",
            *arguments,
            cwd=ROOT,
            env=os.environ | settings,
            stdout=out,
            stderr=out,
        )


async def _load(url: str, known: dict[str, str], seconds: int, home: Path) -> dict[str, dict[str, str]]:
    """What the master counted, by the names of requests."""
    port, log = str(free_port()), home / "locust.log"
    lead = ["--master", "--master-bind-port", port, "--expect-workers", "2", "--csv", str(home / "load")]
    users, times = ["Mixed", "AuthorizationCode"], ["-u", "8", "-r", "8", "-t", f"{seconds}s", "--host", url]
    master = await _locust([*lead, *times, *users], known, log)
    workers = [await _locust(["--worker", "--master-port", port, *users], known, log) for _ in range(2)]
    async with asyncio.timeout(seconds + 120):
        codes = [await process.wait() for process in (master, *workers)]
    assert codes == [0, 0, 0], log.read_text()
    return {row["Name"]: row for row in csv.DictReader((home / "load_stats.csv").open())}


@pytest.mark.parametrize("codes_from", ["process", "admin API"])
async def test_a_master_and_two_workers_load_three_processes_on_a_cluster(
    cluster_shape: redis_shapes.Shape, tmp_path: Path, codes_from: str
) -> None:
    """Every kind of request is there, and not one answer is wrong; codes come from beside the service, or from afar."""
    cluster_shape.heal()
    cluster_shape.flush()
    async with open_issuer(settings_for(cluster_shape.url), listen=False) as issuer:
        world = World(issuer, None, cluster_shape)  # type: ignore[arg-type]
        await world.client(grant_types=ALL_GRANT_TYPES, introspect=True)
    operators, token = free_port(), "t" * 32
    settings: dict[str, Any] = {"admin_port": operators, "admin_tokens": json.dumps({"load": token}), "workers": 3}
    async with ServerProcess(tmp_path, redis_url=cluster_shape.url, **settings) as server:
        known = {"LOAD_CLIENT_ID": "app", "LOAD_CLIENT_SECRET": SECRET, "LOAD_PAUSE": "0.05"}
        if codes_from == "process":
            known["MINTMARK_REDIS_URL"] = cluster_shape.url
        else:
            known |= {"LOAD_ADMIN_URL": f"http://127.0.0.1:{operators}", "LOAD_ADMIN_TOKEN": token}
        for seconds in (6, 30, 90):  # a busy machine takes longer until there were enough, and one of each
            rows = await _load(server.url, known, seconds, tmp_path)
            if rows.keys() >= KINDS and int(rows["Aggregated"]["Request Count"]) > ENOUGH:
                break
    assert rows.keys() >= KINDS
    assert {name: row["Failure Count"] for name, row in rows.items()} == dict.fromkeys(rows, "0")
    assert int(rows["Aggregated"]["Request Count"]) > ENOUGH
