"""Probes and metrics: /livez, /readyz, /metrics."""

import asyncio

from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families

from service.app import open_issuer
from service.fronts.health import Health
from service.fronts.operators import make_application
from tests.patience import PATIENCE
from tests.world import World, error_of, in_process, settings_for


async def test_a_service_that_works_is_alive_and_ready(world: World) -> None:
    for path in ("/livez", "/readyz"):
        response = await world.http.get(path)
        assert (response.status, await response.json()) == (200, {"status": "ok"})


async def test_without_redis_it_is_alive_but_not_ready(world: World) -> None:
    """P7: a restart would not bring Redis back; tokens are 503, never invalid_client."""
    await world.client()
    node, impatient = world.redis.nodes[0], settings_for(world.redis.url, redis_timeout=1)
    async with open_issuer(impatient) as issuer, world.with_part(store=issuer.store) as alone:
        assert (await alone.http.get("/readyz")).status == 200
        world.redis.pause(node)
        try:
            assert (await alone.http.get("/livez")).status == 200
            response = await alone.http.get("/readyz")
            assert (response.status, response.headers["Retry-After"]) == (503, "1")
            assert await response.json() == {"status": "redis unavailable"}
            refused = await alone.token(grant_type="client_credentials")
            assert await error_of(refused) == (503, "temporarily_unavailable")
            assert refused.headers["Retry-After"] == "1"
        finally:
            world.redis.resume(node)
        async with asyncio.timeout(PATIENCE):
            while (await alone.http.get("/readyz")).status != 200:
                await asyncio.sleep(0.02)


async def test_a_service_that_was_told_to_stop_is_not_ready_but_still_answers(world: World) -> None:
    health = Health(world.issuer)
    async with in_process(world.issuer, health) as http:
        assert (await http.get("/readyz")).status == 200
        health.accepting = False
        response = await http.get("/readyz")
        assert (response.status, await response.json()) == (503, {"status": "stopping"})
        assert (await http.get("/livez")).status == 200
        assert (await http.get("/.well-known/oauth-authorization-server")).status == 200


async def test_metrics_are_in_prometheus_format(world: World) -> None:
    await world.client()
    await world.token(grant_type="client_credentials")
    response = await world.http.get("/metrics")
    assert response.status == 200
    assert response.headers["Content-Type"].startswith("text/plain")
    families = {family.name: family for family in text_string_to_metric_families(await response.text())}
    assert {"mintmark_token_requests", "mintmark_requests", "mintmark_security_events"} <= set(families)
    counted = {
        (sample.labels["grant_type"], sample.labels["outcome"]): sample.value
        for sample in families["mintmark_token_requests"].samples
        if sample.name.endswith("_total")
    }
    assert counted == {("client_credentials", "ok"): 1.0}


async def test_metrics_move_to_the_operators_port_where_there_is_one(world: World) -> None:
    settings = settings_for(world.redis.url, admin_port=0)
    async with open_issuer(settings) as issuer:
        health = Health(issuer)
        async with (
            in_process(issuer, health) as http,
            TestClient(TestServer(make_application(issuer, health))) as operators,
        ):
            assert [(await http.get(path)).status for path in ("/livez", "/readyz", "/metrics")] == [200, 200, 404]
            assert [(await operators.get(path)).status for path in ("/livez", "/readyz", "/metrics")] == [200] * 3
            response = await operators.get("/token")
            assert (response.status, response.headers["Server"]) == (404, "mintmark")
