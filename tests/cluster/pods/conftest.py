"""A cluster with a node, where pods run; tests that need none are a folder above."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.api_server import ADVERTISED, Cluster
from tests.cluster.control_plane import control_plane
from tests.cluster.installing import Release
from tests.cluster.pods.images import ALL, archive
from tests.cluster.pods.node import network, node, skip_where_pods_cannot_run


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """With the images of this checkout and of the last release."""
    skip_where_pods_cannot_run()
    folder = Path(tempfile.mkdtemp(prefix="mintmark-node-"))
    images = [archive(name) for name in ALL]
    try:
        with (
            network(),
            control_plane(folder, ADVERTISED) as made,
            node(made, folder, images),
        ):
            yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def release(cluster: Cluster, namespace: str) -> Iterator[Release]:
    """A release whose pods go with the test: the node has room for a few only."""
    yield Release(cluster, namespace)
    cluster.kubectl("delete", "namespace", namespace, "--wait=false")
