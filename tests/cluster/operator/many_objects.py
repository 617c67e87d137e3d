"""What thousands of objects cost, on a real API server and a real service: time, requests, memory, processor; then a restart.

``sh tests/cluster/alone.sh python -m tests.cluster.operator.many_objects 3000`` prints the table of
docs/how-to/kubernetes-objects.md. A second number says for how many seconds the looks are counted.
"""

import asyncio
import os
import ssl
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import yaml  # type: ignore[import-untyped]

from service.declared import API_VERSION
from tests import redis_shapes
from tests.cluster.api_server import ADMIN_TOKEN, Cluster
from tests.cluster.operator.watched import SPEC, Watched, declaring
from tests.observe.exposition import samples

RESYNC, RESYNCS = 300, 300
"""Seconds between two looks at an object, and for which looks are counted."""
LONGEST = 3600.0
_OF_OPERATOR = ("oauth2clients", "secrets", "events", "selfsubjectrulesreviews", "selfsubjectaccessreviews")


@dataclass(frozen=True)
class Numbers:
    """What was used until now."""

    at: float
    processor: float
    """Seconds."""
    to_service: float
    to_api_server: float


class Measured:
    """An operator that runs, and what it uses."""

    def __init__(self, watched: Watched, process: asyncio.subprocess.Process) -> None:
        self._watched, self._pid = watched, process.pid

    async def numbers(self) -> Numbers:
        to_service = sum(await self._watched.metrics("mintmark_operator_requests_total", target="service"))
        return Numbers(time.monotonic(), self._processor(), to_service, _requests(self._watched.cluster))

    def _processor(self) -> float:
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self, name: str = "VmHWM") -> float:
        """Mebibytes; the most until now, unless another member of /proc/…/status is asked for."""
        lines = Path(f"/proc/{self._pid}/status").read_text().splitlines()
        (line,) = (line for line in lines if line.startswith(f"{name}:"))
        return int(line.split()[1]) / 1024

    async def until_declared(self, count: int) -> None:
        """Until so many clients are Ready, and nothing waits."""

        async def are_declared() -> bool:
            found = await self._watched.metrics("mintmark_operator_objects", kind="OAuth2Client", reason="Declared")
            queued = await self._watched.metrics("mintmark_operator_reconciliations_queued")
            return found == [count] and queued == [0]

        await _until(are_declared)

    def report(self, what: str, before: Numbers, after: Numbers) -> None:
        seconds = after.at - before.at
        service, cluster = after.to_service - before.to_service, after.to_api_server - before.to_api_server
        asked = (f"{number:.0f} ({number / seconds:.1f}/s)" for number in (service, cluster))
        processor, memory = (
            after.processor - before.processor,
            f"{self.memory('VmRSS'):.0f} MiB, at most {self.memory():.0f}",
        )
        print(f"| {what} | {seconds:.0f} s | {' | '.join(asked)} | {processor:.1f} s | {memory} |", flush=True)


def _requests(cluster: Cluster) -> float:
    """How many requests for what the operator is about the API server has answered; watches count when they end."""
    asked = urllib.request.Request(f"{cluster.url}/metrics", headers={"Authorization": f"Bearer {ADMIN_TOKEN}"})
    with urllib.request.urlopen(asked, context=ssl.create_default_context(cafile=cluster.certificate)) as answer:
        text = answer.read().decode()
    counted = [line for line in text.splitlines() if line.startswith("apiserver_request_total")]
    return sum(sum(samples("\n".join(counted), "apiserver_request_total", resource=one)) for one in _OF_OPERATOR)


async def _until(is_so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(LONGEST):
        while True:
            try:
                if await is_so():
                    return
            except aiohttp.ClientError:
                pass  # it starts
            await asyncio.sleep(0.5)


def _objects(count: int) -> list[dict[str, Any]]:
    return [
        {
            "apiVersion": API_VERSION,
            "kind": "OAuth2Client",
            "metadata": {"name": f"web-{number}"},
            "spec": SPEC | {"secret": {"name": f"web-{number}-oauth"}},
        }
        for number in range(count)
    ]


def _versions(watched: Watched) -> Counter[tuple[str, str]]:
    found = watched.cluster.get("oauth2clients", "--namespace", watched.namespace, "--chunk-size=0")
    return Counter((one["metadata"]["name"], one["metadata"]["resourceVersion"]) for one in found)


@asynccontextmanager
async def _operating(watched: Watched) -> AsyncIterator[tuple[Measured, Numbers]]:
    began = Numbers(time.monotonic(), 0, 0, _requests(watched.cluster))
    async with watched.operating(resync=RESYNC) as process:
        yield Measured(watched, process), began


async def main(count: int, folder: Path, seconds: int = RESYNCS) -> None:
    """Print the table."""
    with declaring(folder) as cluster, redis_shapes.standalone() as redis:
        watched = Watched(cluster, cluster.namespace("many"), folder, redis)
        async with watched.server:
            for first in range(0, count, 500):
                watched.kubectl(
                    "create", "--filename", "-", stdin=yaml.safe_dump_all(_objects(count)[first : first + 500])
                )
            print(f"| {count} objects | time | requests to the admin API | to the API server | processor | memory |")
            print("|---|---|---|---|---|---|", flush=True)
            async with _operating(watched) as (operator, began):
                await operator.until_declared(count)
                operator.report("from nothing until all are Ready", began, await operator.numbers())
                await asyncio.sleep(10)
            before = _versions(watched)
            async with _operating(watched) as (operator, began):
                await operator.until_declared(count)
                operator.report("a restart, until all were looked at", began, await operator.numbers())
                began = await operator.numbers()
                await asyncio.sleep(seconds)
                operator.report(f"{seconds} s with `--resync {RESYNC}`", began, await operator.numbers())
                assert _versions(watched) == before, "nothing was written"
                began = await operator.numbers()
                watched.kubectl("delete", "oauth2client", "--all", "--wait=false")
                await operator.until_declared(0)
                operator.report("all are deleted", began, await operator.numbers())


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        asyncio.run(main(int(sys.argv[1]), Path(place), *map(int, sys.argv[2:])))
