"""A node that is drained as its keeper does it: without a flag for volumes, one pod at a time, and no request is lost."""

import asyncio
import json
from collections.abc import Iterator
from subprocess import CompletedProcess

import pytest

from tests.cluster.api_server import Cluster, wait_until
from tests.cluster.installing import Release
from tests.cluster.pods.asking import Asking, registered, until_ready, url_of
from tests.cluster.pods.node import NAME

OPTIONS = ("image.tag=now", "image.pullPolicy=Never", "redis.bundled.enabled=true", "settings.workers=2")
SECONDS = 280
"""How long the drain may take."""


@pytest.fixture(autouse=True)
def the_node_takes_pods_again(cluster: Cluster) -> Iterator[None]:
    yield
    cluster.kubectl("uncordon", NAME)


async def test_a_drain_waits_for_the_pods_that_take_over(cluster: Cluster, release: Release) -> None:
    """With several workers, whose metrics are files: they are in memory, and no volume stops it."""
    given = [word for option in OPTIONS for word in ("--set", option)]
    release.install(*given, "--wait", "--timeout", "4m")
    before = _names(release)
    asking = Asking(url_of(release), registered(release, "load"))
    async with asking.going_on():
        ours = f"app.kubernetes.io/component=server,app.kubernetes.io/instance={release.name}"
        within = ("--pod-selector", ours, f"--timeout={SECONDS}s")
        drain = asyncio.create_task(asyncio.to_thread(cluster.run, "drain", NAME, *within))
        # Nothing can start on the only node, so that the pod that goes first is not replaced.
        await asyncio.to_thread(wait_until, lambda: len(before & _names(release)) == 1, "a pod goes", cluster.folder)
        (last,) = before & _names(release)
        refused = await asyncio.to_thread(_evict, release, last)
        assert "TooManyRequests" in refused.stderr, refused
        assert "disruption budget" in refused.stderr
        assert not drain.done()
        await asyncio.to_thread(cluster.kubectl, "uncordon", NAME)
        done = await drain
        assert done.returncode == 0, done.stderr
        assert "will retry" in done.stderr, "the drain itself was refused until then"
        await asyncio.to_thread(until_ready, release, 2)
    print(f"drain: {asking.answered.total()} requests answered, {len(asking.lost)} lost {asking.lost[:3] or ''}")
    assert not before & _names(release)
    assert asking.answered
    assert not asking.lost


def _names(release: Release) -> set[str]:
    return {one["metadata"]["name"] for one in release.pods("server")}


def _evict(release: Release, pod: str) -> CompletedProcess[str]:
    """Ask for an eviction as an autoscaler of nodes does."""
    metadata = {"name": pod, "namespace": release.namespace}
    asked = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata}
    path = f"/api/v1/namespaces/{release.namespace}/pods/{pod}/eviction"
    return release.cluster.run("create", "--raw", path, "--filename", "-", stdin=json.dumps(asked))
