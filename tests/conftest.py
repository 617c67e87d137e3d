"""Fixtures: Redis in its shapes, a world (an issuer on a real Redis with an HTTP client), and real server processes.

Every Redis is started by the suite itself from the redis-server binary that is there; none is mocked.
"""

import asyncio
import fcntl
import json
import logging
import os
import shutil
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Generator, Iterator, Mapping
from pathlib import Path

import pytest
import uvloop
from hypothesis import settings

from service.app import open_issuer
from tests import collecting, proofs, redis_groups, redis_shapes
from tests.cutting_proxy import CuttingProxy
from tests.kept_between_tests import kept_between_tests
from tests.kept_redis import NO_REDIS_6
from tests.longest_first import longest_first
from tests.world import World, in_process, settings_for

TESTS = Path(__file__).parent
CLIENTS = TESTS / "clients"
NODE = CLIENTS / "node"

# Started in the background, what tests start would not hear Ctrl-C.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("mintmark", deadline=None)  # no verdict hangs on a clock
settings.load_profile("mintmark")


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Tests run on the event loop that the service runs on."""
    return {"uvloop": uvloop.new_event_loop}


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out files without a selected test."""
    return None if collecting.may_hold(collection_path, config.option.markexpr) else True


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    with collecting.without_garbage_collection():
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None, None, None]:
    """Mark tests that need a browser, Sentinel or Cluster, which `make test` leaves out; put the longest tests first."""
    for item in items:
        needed = set(getattr(item, "fixturenames", ()))
        if needed & {"browser", "page"} or "tests/browser" in item.nodeid:
            item.add_marker(pytest.mark.browser)
        if needed & {"sentinel_shape", "cluster_shape"}:
            item.add_marker(pytest.mark.topologies)
    collecting.check(items)
    yield
    if workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")):
        items[:] = longest_first(items, [item.path.relative_to(TESTS).as_posix() for item in items], workers)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let skipped tests fail with MINTMARK_TEST_SKIP_NOTHING=1, which continuous integration sets."""
    report = yield
    if report.skipped and os.environ.get("MINTMARK_TEST_SKIP_NOTHING") and NO_REDIS_6 not in str(report.longrepr):
        report.outcome = "failed"
        report.longrepr = f"skipped, where nothing may be: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """Check that a test that proves a behaviour runs the code of that behaviour."""
    with proofs.checked(item.nodeid):
        yield


@pytest.fixture(scope="session", autouse=True)
def kept() -> Iterator[None]:
    """Share objects between tests that every issuer needs and no test is about."""
    with kept_between_tests():
        yield


@pytest.fixture
def own_log() -> Iterator[None]:
    """Restore the logging of the process, which ``log.configure`` replaces."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(scope="session")
def standalone_shape() -> Iterator[redis_shapes.Shape]:
    with redis_shapes.standalone() as shape:
        yield shape


@pytest.fixture(scope="session")
def sentinel_shape() -> Iterator[redis_shapes.Shape]:
    with redis_groups.sentinel() as shape:
        yield shape


@pytest.fixture(scope="session")
def cluster_shape() -> Iterator[redis_shapes.Shape]:
    with redis_groups.cluster() as shape:
        yield shape


@pytest.fixture
def redis(standalone_shape: redis_shapes.Shape) -> redis_shapes.Shape:
    """One empty Redis server."""
    standalone_shape.flush()
    return standalone_shape


@pytest.fixture
async def proxy(redis: redis_shapes.Shape, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[CuttingProxy]:
    """A proxy in front of the Redis server."""
    # What need not leave at once leaves with the next command: by itself it would be counted with whatever is slow.
    monkeypatch.setattr("service.redis.link.LINGER", 3600.0)
    async with CuttingProxy(redis.nodes[0].host, redis.nodes[0].port) as made:
        yield made


@pytest.fixture(
    params=[
        "standalone",
        pytest.param("sentinel", marks=pytest.mark.topologies),
        pytest.param("cluster", marks=pytest.mark.topologies),
    ]
)
def any_redis(request: pytest.FixtureRequest) -> redis_shapes.Shape:
    """An empty Redis in each shape that Mintmark runs on."""
    shape: redis_shapes.Shape = request.getfixturevalue(f"{request.param}_shape")
    shape.heal()
    shape.flush()
    return shape


@pytest.fixture
async def world(redis: redis_shapes.Shape) -> AsyncIterator[World]:
    """A service on one Redis server."""
    async for made in _world(redis):
        yield made


@pytest.fixture
async def any_world(any_redis: redis_shapes.Shape) -> AsyncIterator[World]:
    """A service on Redis in each shape."""
    async for made in _world(any_redis):
        yield made


async def _world(shape: redis_shapes.Shape) -> AsyncIterator[World]:
    async with (
        open_issuer(settings_for(shape.url)) as issuer,
        in_process(issuer) as http,
    ):
        yield World(issuer, http, shape)


def _packages(lock: Path) -> list[tuple[str, str]]:
    """Return the packages of a lock file with their versions, or nothing where there is no such file."""
    packages = json.loads(lock.read_text())["packages"] if lock.exists() else {}
    return sorted((name, package["version"]) for name, package in packages.items() if name)


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The packages of the JavaScript clients, installed by the first of several test processes that needs them."""
    with (NODE / "package-lock.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _packages(NODE / "node_modules" / ".package-lock.json") != _packages(Path(lock.name)):
            if not shutil.which("npm"):
                pytest.skip("no Node.js with npm here: apt-get install nodejs npm")
            command = ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"]
            subprocess.run(command, cwd=NODE, check=True, timeout=240)
    return NODE / "node_modules"
