"""A release is rolled out under load, and back: two releases serve the same clients and the same people at once."""

from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, DummyCookieJar, TCPConnector
from aiohttp.client import _RequestContextManager

from service.app import open_issuer
from tests.person import Person
from tests.records import kept
from tests.redis_shapes import Shape
from tests.server_process import ServerProcess
from tests.steady_load import Load
from tests.world import VERIFIER, World, settings_for

pytestmark = pytest.mark.slow

SETTINGS: dict[str, Any] = {"master_key": "m" * 43, "issuer": "http://127.0.0.1:8080", "audit_length": 1000}


class TakingTurns:
    """An HTTP client each of whose requests goes to the next server, as behind a load balancer."""

    def __init__(self, session: ClientSession, urls: list[str]) -> None:
        self.session, self._urls, self._turns = session, urls, count()

    def request(self, method: str, path: str, **options: Any) -> _RequestContextManager:
        return self.session.request(method, self._urls[next(self._turns) % len(self._urls)] + path, **options)

    def post(self, path: str, **options: Any) -> _RequestContextManager:
        return self.request("POST", path, **options)


@pytest.fixture(params=kept.releases_with_code())
def before(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """The folder of a kept release."""
    kept.extract_code(request.param, tmp_path / "before")
    return tmp_path / "before"


async def test_rolled_out_and_back_under_load(before: Path, redis: Shape, tmp_path: Path) -> None:
    """Two processes of the release before; each is replaced by one of today's; then both are again what they were."""
    async with AsyncExitStack() as stack:
        issuer = await stack.enter_async_context(open_issuer(settings_for(redis.url, **SETTINGS)))
        connector = TCPConnector(limit=64, force_close=True)  # as where each connection may be to another process
        session = await stack.enter_async_context(ClientSession(connector=connector, cookie_jar=DummyCookieJar()))

        async def started(release: Path | None) -> ServerProcess:
            return await stack.enter_async_context(
                ServerProcess(tmp_path, release=release, redis_url=redis.url, **SETTINGS)
            )

        replicas = [await started(before), await started(before)]
        urls = [one.url for one in replicas]
        world = World(issuer, TakingTurns(session, urls), redis)  # type: ignore[arg-type]
        await world.openid_client("web")
        await world.user()
        load = Load(world, urls, session)
        async with load.running():
            for release in (None, before):
                for place in (0, 1):
                    leaving, replicas[place] = replicas[place], await started(release)
                    urls[place] = replicas[place].url
                    await load.until_left(leaving.url)
                    await leaving.stop()
                    await load.until_well(200)
                    await _comes_in(world)
        await load.no_grant_is_lost()
        assert {status for _, status in load.answers} <= {200, 400}, load.answers


async def _comes_in(world: World) -> None:
    """Somebody signs in, allows, gets tokens and ends them: each page and request at the other process than the one before."""
    shown = await Person(world).sign_in("web", prompt="consent", scope="openid read offline_access")
    assert set(shown.answer) >= {"code", "state"}, shown
    tokens = await (await world.redeem(shown.answer["code"], "web", code_verifier=VERIFIER)).json()
    assert {"access_token", "refresh_token", "id_token"} <= set(tokens), tokens
    refreshed = await (await world.refresh(tokens["refresh_token"], "web")).json()
    for token in (tokens["access_token"], refreshed["access_token"]):
        assert (await world.introspect(token, "web"))["active"]
    assert (await world.revoke(refreshed["refresh_token"], "web")).status == 200
    assert not (await world.introspect(refreshed["access_token"], "web"))["active"]
