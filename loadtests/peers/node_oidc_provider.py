"""node-oidc-provider on the Redis of the benchmark, in one process: with ioredis by default, and with its auto-pipelining.

Auto-pipelining shares round trips between requests, as Mintmark's connection does.
"""

import json
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from loadtests import servers
from loadtests.peers.peer import PEERS, Peer, RunningPeer, made_by, output_of, peer_environment
from loadtests.servers import Server, ServerFailedError
from loadtests.supplies import Supplier
from tests.free_ports import free_ports
from tests.redis_shapes import Shape

HOME = PEERS / "node"
INSTALLED = HOME / "node_modules"
OLDEST_REDIS = 7
"""The oldest major version of Redis, as the adapter needs EXPIRE with NX and GT."""
REQUESTS, WARM_UP = 2_000, 5_000
"""Requests of a round, and of the warm-up, in which V8 compiles the hot code."""


def _starting(*, auto_pipelining: bool) -> Callable[[Shape, Supplier], AbstractAsyncContextManager[RunningPeer]]:
    @asynccontextmanager
    async def start(redis: Shape, supplies: Supplier) -> AsyncIterator[RunningPeer]:
        await _install()
        _check_redis(redis)
        url = f"http://127.0.0.1:{free_ports(1)[0]}"
        environment = peer_environment(supplies, url) | {
            "NODE_ENV": "production",
            "REDIS_URL": redis.url,
            "AUTO_PIPELINING": "yes" if auto_pipelining else "no",
        }
        async with servers.process(["node", str(HOME / "serve.js")], environment, url, "/nothing") as pid:
            yield RunningPeer(
                Server("node-oidc-provider", url, pid, servers.redis_pids(redis)),
                made_by(["node", str(HOME / "supply.js")], environment),
                await _versions(),
                supplies.secret,
                token="/token",
                introspection="/token/introspection",
                revocation="/token/revocation",
                audience=url,
                pushed="/request",
            )

    return start


def _find_missing() -> str:
    return "" if shutil.which("node") and shutil.which("npm") else "Node.js is not installed: ≥ 20, with npm"


async def _install() -> None:
    """Run ``npm ci``, unless the packages of the lock file are installed."""
    done, lock = INSTALLED / ".package-lock.json", HOME / "package-lock.json"
    if not done.exists() or done.stat().st_mtime < lock.stat().st_mtime:
        await output_of("npm", "ci", "--no-audit", "--no-fund", "--loglevel=error", cwd=HOME)


async def _versions() -> dict[str, str]:
    installed = {
        name: json.loads((INSTALLED / name / "package.json").read_text())["version"]
        for name in ("oidc-provider", "ioredis")
    }
    return installed | {"Node.js": (await output_of("node", "--version")).strip().removeprefix("v")}


def _check_redis(redis: Shape) -> None:
    version = redis.primaries()[0].admin.info("server")["redis_version"]
    if int(version.partition(".")[0]) < OLDEST_REDIS:
        raise ServerFailedError(f"its adapter needs Redis {OLDEST_REDIS}, this one is {version}: install redis-server")


PLAIN = Peer(
    name="node-oidc-provider",
    title="node-oidc-provider",
    start=_starting(auto_pipelining=False),
    find_missing=_find_missing,
    requests=REQUESTS,
    warm_up=WARM_UP,
    note="with a Redis adapter of ours that makes fewer round trips than its example; features that no row uses are off",
)
PIPELINING = Peer(
    name="node-oidc-provider-pipelining",
    title="node-oidc-provider, auto-pipelining",
    start=_starting(auto_pipelining=True),
    find_missing=_find_missing,
    requests=REQUESTS,
    warm_up=WARM_UP,
    note="the same with ioredis' auto-pipelining, which shares round trips between requests as Mintmark does",
)
