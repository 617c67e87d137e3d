"""One cluster for all tests; each has a namespace of its own, where the Pod Security standard "restricted" is enforced."""

import itertools
from collections.abc import Iterator

import pytest

from tests.cluster.api_server import Cluster, wait_until
from tests.cluster.control_plane import control_plane, filled_namespace
from tests.cluster.installing import Release
from tests.helm import tools
from tests.helm.kubernetes_schemas import EXTENSIONS

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A control plane that knows the kinds of Prometheus, KEDA and the Gateway API."""
    with control_plane(tmp_path_factory.mktemp("cluster")) as made:
        for path_and_version, files in EXTENSIONS.items():
            for file in files:
                described = str(tools.module(path_and_version) / file)
                made.kubectl("apply", "--server-side", "--filename", described)
        # kubectl ends with an error where one has no conditions yet.
        served = ("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
        wait_until(lambda: made.run(*served).returncode == 0, "the kinds are served", made.folder)
        yield made


@pytest.fixture
def namespace(cluster: Cluster) -> str:
    """An empty namespace."""
    return filled_namespace(cluster, f"test-{next(_numbers)}")


@pytest.fixture
def release(cluster: Cluster, namespace: str) -> Release:
    """A release that is not installed yet, in a namespace of its own."""
    return Release(cluster, namespace)
