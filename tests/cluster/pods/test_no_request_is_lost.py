"""A release in use: upgraded from the last one, rolled back, its pods deleted, scaled, and an upgrade that fails."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.cluster.api_server import Cluster, Object, wait_until
from tests.cluster.installing import (
    Release,
    chart_of_last_release,
    chart_of_next_release,
    everything,
    name_of_last_release,
)
from tests.cluster.pods.asking import Asking, registered, until_ready, url_of

WAITING = ("--wait", "--timeout", "4m")
BUNDLED = ("--set", "redis.bundled.enabled=true", "--set", "image.pullPolicy=Never")


def _image(tag: str) -> tuple[str, ...]:
    return (*BUNDLED, "--set", f"image.tag={tag}")


async def test_through_upgrade_rollback_deletion_scaling_and_a_failed_upgrade(
    cluster: Cluster, release: Release, tmp_path: Path
) -> None:
    before = everything(cluster)
    last = chart_of_last_release(tmp_path)
    release.install(*_image("before"), *WAITING, chart=last)
    redis = _uids(release.pods("redis"))
    asking = Asking(url_of(release), registered(release, "load"))
    async with asking.going_on():
        async with _step(asking, f"upgrade from {name_of_last_release()}"):
            await asyncio.to_thread(release.install, *_image("now"), *WAITING)
        async with _step(asking, "rollback"):
            await asyncio.to_thread(release.does, "rollback", "1", *WAITING)
        async with _step(asking, "upgrade to a chart of another version"):
            await asyncio.to_thread(release.install, *_image("now"), *WAITING, chart=chart_of_next_release(tmp_path))
        async with _step(asking, "deletion of each pod"):
            for pod in release.pods("server"):
                await asyncio.to_thread(_delete, release, pod)
        async with _step(asking, "one more pod, autoscaling, and one less"):
            more = (*_image("now"), "--set", "replicas=3")
            await asyncio.to_thread(release.install, *more, *WAITING)
            three = _uids(release.pods("server"))
            await asyncio.to_thread(release.install, *more, "--set", "autoscaling.enabled=true", *WAITING)
            assert _uids(release.pods("server")) == three, "the scaler begins with the pods that there are"
            await asyncio.to_thread(release.install, *_image("now"), *WAITING)
            await asyncio.to_thread(until_ready, release, 2)
        async with _step(asking, "an upgrade that fails"):
            broken = (*_image("nowhere"), "--atomic", "--timeout", "30s")
            assert "deadline exceeded" in await asyncio.to_thread(release.refused, *broken, "--install")
        async with _step(asking, "helm test"):
            assert "Succeeded" in await asyncio.to_thread(release.does, "test")
    assert not asking.lost
    assert _uids(release.pods("redis")) == redis, "the bundled Redis was left alone"
    release.does("uninstall", "--wait")
    # Pods finish what is under way before they go.
    wait_until(lambda: not everything(cluster) - before, "uninstalling leaves nothing", cluster.folder)


@asynccontextmanager
async def _step(asking: Asking, name: str) -> AsyncIterator[None]:
    answered, lost = asking.answered.total(), len(asking.lost)
    yield
    found = asking.answered.total() - answered
    print(f"{name}: {found} requests answered, {len(asking.lost) - lost} lost {asking.lost[lost:][:3] or ''}")
    assert found, f"{name}: nobody asked meanwhile"


def _uids(pods: list[Object]) -> set[str]:
    return {pod["metadata"]["uid"] for pod in pods}


def _delete(release: Release, pod: Object) -> None:
    release.cluster.kubectl("delete", "pod", pod["metadata"]["name"], "--namespace", release.namespace)
    until_ready(release, 2)
