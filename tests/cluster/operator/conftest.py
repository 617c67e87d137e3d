"""An API server with the definitions of our kinds, and for each test a namespace and a service of its own."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.cluster.api_server import Cluster
from tests.cluster.operator.watched import Watched, declaring
from tests.redis_shapes import Shape


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """An API server of its own, for the definitions belong to the whole cluster."""
    with declaring(tmp_path_factory.mktemp("operator")) as made:
        yield made


@pytest.fixture
async def watched(
    request: pytest.FixtureRequest, cluster: Cluster, tmp_path: Path, redis: Shape
) -> AsyncIterator[Watched]:
    """A namespace named after the test, and a service that runs."""
    name = request.node.name.replace("_", "-")[:50].strip("-")
    made = Watched(cluster, cluster.namespace(name), tmp_path, redis)
    async with made.server:
        yield made
