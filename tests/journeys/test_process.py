"""A server process from start to end: ready, drain, exit; Redis killed in the middle; not one credential in its logs."""

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import ClientSession

from service.app import open_issuer
from tests import redis_groups, redis_shapes
from tests.patience import until
from tests.server_process import ServerProcess
from tests.world import CALLBACK, FORM, SECRET, VERIFIER, World, basic, settings_for


async def _post(session: ClientSession, url: str, form: dict[str, str], secret: str = SECRET) -> tuple[int, Any]:
    headers = {"Content-Type": FORM, **basic("app", secret)}
    async with session.post(url, data=urlencode(form), headers=headers) as response:
        text = await response.text()
        return response.status, json.loads(text) if text else None


async def test_sigterm_lets_requests_under_way_finish_and_exits_0(world: World, tmp_path: Path) -> None:
    """Requests that hash passwords are under way when the signal comes; each gets its answer."""
    await world.client()
    await world.user()
    slow: dict[str, Any] = {"argon2_memory": 65536, "argon2_iterations": 4, "argon2_threads": 1}
    async with ServerProcess(tmp_path, redis_url=world.redis.url, **slow) as server, ClientSession() as session:
        form = {"grant_type": "password", "username": "alice", "password": "wonderland"}
        under_way = [asyncio.ensure_future(_post(session, f"{server.url}/token", form)) for _ in range(5)]
        await asyncio.sleep(0.2)
        await server.terminate()
        answers = await asyncio.gather(*under_way)
        assert [status for status, _ in answers] == [200] * 5
        assert await server.exit_code() == 0
    assert "stopped" in server.log.read_text()


async def test_readiness_goes_off_before_the_door_closes(world: World, tmp_path: Path) -> None:
    await world.client()
    async with (
        ServerProcess(tmp_path, redis_url=world.redis.url, drain_delay=6.0) as server,
        ClientSession() as session,
    ):
        await server.terminate()

        async def is_not_ready() -> bool:
            async with session.get(f"{server.url}/readyz") as response:
                return response.status == 503

        await until(is_not_ready, 0.01)
        status, _ = await _post(session, f"{server.url}/token", {"grant_type": "client_credentials"})
        assert status == 200, "still serving while load balancers look elsewhere"
        assert await server.exit_code() == 0


async def test_redis_killed_and_started_again(tmp_path: Path) -> None:
    """503 while it is away, then service again, by itself; what Redis lost is invalid_grant, not an error of ours."""
    with redis_shapes.standalone() as shape:
        async with ServerProcess(tmp_path, redis_url=shape.url, redis_timeout=1) as server, ClientSession() as session:
            await _register(shape)
            token = f"{server.url}/token"
            assert (await _post(session, token, {"grant_type": "client_credentials"}))[0] == 200
            shape.kill(shape.nodes[0])
            for _ in range(3):
                status, body = await _post(session, token, {"grant_type": "client_credentials"})
                assert (status, body["error"]) == (503, "temporarily_unavailable")
            async with session.get(f"{server.url}/readyz") as response:
                assert response.status == 503
            async with session.get(f"{server.url}/livez") as response:
                assert response.status == 200
            shape.restart(shape.nodes[0])
            await _register(shape)

            async def serves_again() -> bool:
                status, _ = await _post(session, token, {"grant_type": "client_credentials"})
                assert status in (200, 401, 503), "401 while the empty Redis is read, until the client is there again"
                return status == 200

            await until(serves_again, 0.05)


@pytest.mark.slow
async def test_a_primary_killed_under_sentinel_is_replaced(tmp_path: Path) -> None:
    with redis_groups.sentinel() as shape:
        await _register(shape)
        async with ServerProcess(tmp_path, redis_url=shape.url, redis_timeout=1) as server, ClientSession() as session:
            shape.kill(shape.primaries()[0])

            async def serves_again() -> bool:
                status, _ = await _post(session, f"{server.url}/token", {"grant_type": "client_credentials"})
                assert status in (200, 503)
                return status == 200

            await until(serves_again, 0.05)


@pytest.mark.slow
async def test_a_primary_killed_in_a_cluster_is_replaced(tmp_path: Path) -> None:
    with redis_groups.cluster() as shape:
        await _register(shape)
        async with ServerProcess(tmp_path, redis_url=shape.url, redis_timeout=1) as server, ClientSession() as session:
            shape.kill(shape.primaries()[0])
            well = 0

            async def serves_again() -> bool:
                nonlocal well
                status, _ = await _post(session, f"{server.url}/token", {"grant_type": "client_credentials"})
                assert status in (200, 503)
                well = well + 1 if status == 200 else 0
                return well == 30  # tokens go to every third of the slots

            await until(serves_again)


async def test_not_one_credential_is_in_the_logs(world: World, tmp_path: Path) -> None:
    """A whole run at the most talkative level, errors and all; then every credential is looked for."""
    client = await world.client()
    await world.user()
    async with (
        ServerProcess(tmp_path, redis_url=world.redis.url, log_level="DEBUG") as server,
        ClientSession() as session,
    ):
        made = await _everything_that_can_happen(world, client, session, server.url)
        os.kill(server.pid, signal.SIGTERM)
        await server.exit_code()
    logs = server.log.read_text()
    for credential in made:
        assert credential not in logs
        assert not credential.startswith("mm_") or credential[28:71] not in logs, "nor its secret half"
    events = {line["event"] for line in map(json.loads, filter(lambda line: line.startswith("{"), logs.splitlines()))}
    assert {"serving", "refused", "token_issued", "code_replayed", "refresh_token_reused"} <= events


async def _everything_that_can_happen(world: World, client: Any, session: ClientSession, url: str) -> list[str]:
    token, made = f"{url}/token", [SECRET, "wonderland", "wrong-password-of-alice", "wrong-secret-of-app", VERIFIER]
    code = await world.code(client, verifier=VERIFIER)
    redeem = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    _, tokens = await _post(session, token, redeem)
    _, refreshed = await _post(
        session, token, {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    )
    person = {"grant_type": "password", "username": "alice", "password": "wonderland"}
    _, mine = await _post(session, token, person)
    await _post(session, token, person | {"password": "wrong-password-of-alice"})
    await _post(session, token, {"grant_type": "client_credentials"}, "wrong-secret-of-app")
    await _post(session, token, redeem)
    for node in world.redis.primaries():
        node.admin.delete(*node.admin.keys("*:reply:*"))
    other = await world.code(client)
    _, more = await _post(session, token, {"grant_type": "authorization_code", "code": other, "redirect_uri": CALLBACK})
    again = {"grant_type": "refresh_token", "refresh_token": more["refresh_token"]}
    _, last = await _post(session, token, again)
    for node in world.redis.primaries():
        node.admin.delete(*node.admin.keys("*:reply:*"))
    assert (await _post(session, token, again))[0] == 400
    for key in [key for key in world.redis.dump() if b":access:" in key]:
        world.redis.nodes[0].admin.set(key, "not a record")  # an exception that nobody foresaw
    assert (await _post(session, f"{url}/introspect", {"token": mine["access_token"]}))[0] == 500
    responses = (tokens, refreshed, mine, more, last)
    made += [response[name] for response in responses for name in ("access_token", "refresh_token")]
    return [*made, code, other]


async def _register(shape: redis_shapes.Shape) -> None:
    """The usual client, in a Redis that has just come up."""
    async with open_issuer(settings_for(shape.url), listen=False) as issuer:
        await World(issuer, None, shape).client()  # type: ignore[arg-type]
    if len(shape.nodes) > 1:
        for node in shape.primaries():
            node.admin.execute_command("WAIT", 1, 2000)  # the replica that will take over must have it
