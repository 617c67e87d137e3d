"""Signing keys and many real processes: they agree when they start at once, and rotate while people sign in."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import jwt
import pytest
from aiohttp import ClientSession

from service.app import open_issuer
from service.crypto import key_schedule
from service.issuer import Issuer
from service.records.authorization_code import AuthorizationCode
from service.records.grant import Grant
from service.tokens.authorization_codes import issue_code
from tests.redis_shapes import Shape
from tests.server_process import ServerProcess
from tests.world import SECRET, World, basic, settings_for

pytestmark = pytest.mark.slow

MASTER_KEY = "m" * 43
PROCESSES = 20
LOGINS = 5000
CACHED_FOR = 2
"""Seconds that the JWKS may be kept in the rotation below (``jwks_lifetime``)."""
ALGORITHMS = json.dumps(["ES256", "RS256"])


async def test_twenty_processes_started_at_once_have_one_key(redis: Shape, tmp_path: Path) -> None:
    """On an empty Redis; all of them publish the same JWK set, with one key for each algorithm."""
    issuer = "http://127.0.0.1:8080"
    made = [
        ServerProcess(tmp_path, f"server-{number}", redis_url=redis.url, master_key=MASTER_KEY, issuer=issuer)
        for number in range(PROCESSES)
    ]
    async with AsyncExitStack() as stack:
        for process in made:
            stack.push_async_callback(process.stop)
        await asyncio.gather(*(process.start(wait=False) for process in made))
        await asyncio.wait_for(asyncio.gather(*(process._ready() for process in made)), 120)
        async with ClientSession() as session:
            sets = {await (await session.get(f"{process.url}/jwks")).text() for process in made}
    assert len(sets) == 1
    assert sorted(key["alg"] for key in json.loads(sets.pop())["keys"]) == ["ES256", "ES384", "EdDSA", "PS256", "RS256"]


@pytest.fixture
async def issuer(redis: Shape) -> AsyncIterator[Issuer]:
    """To issue codes with, as the pages do; its keys are those of the processes."""
    settings = settings_for(redis.url, master_key=MASTER_KEY, signing_algorithms=("ES256", "RS256"))
    async with open_issuer(settings) as made:
        yield made


async def test_a_rotation_under_load_is_noticed_by_nobody(redis: Shape, issuer: Issuer, tmp_path: Path) -> None:
    """Two processes, 5,000 logins, keys rotated meanwhile: every ID token verifies against the JWK set as it is when the
    token comes, and against one that was fetched before and kept for as long as its Cache-Control allows.
    """
    settings: dict[str, Any] = {
        **{"redis_url": redis.url, "master_key": MASTER_KEY, "issuer": issuer.url, "jwks_lifetime": CACHED_FOR},
        **{"signing_algorithms": ALGORITHMS, "log_level": "WARNING"},
    }
    world = World(issuer, None, redis)  # type: ignore[arg-type]
    await world.openid_client(id_token_signed_response_alg="ES256")
    async with (
        ServerProcess(tmp_path, "one", **settings) as one,
        ServerProcess(tmp_path, "two", **settings) as two,
        ClientSession() as session,
    ):
        watch = _Watch(session, (one.url, two.url))
        signed = asyncio.Event()
        logins = asyncio.gather(*(_sign_in_often(watch, issuer, signed) for _ in range(8)))
        await asyncio.sleep(1)
        assert issuer.keyring is not None
        # What `mintmark key rotate` does; the pause before it signs is shortened to the bound that is to be shown.
        begins = time.time()
        await issuer.keyring.signing.rotate(issuer.settings.signing_algorithms, at_once=True)
        assert key_schedule.SETTLING > CACHED_FOR + 6, "published long enough before it signs"
        await asyncio.sleep(key_schedule.SETTLING + CACHED_FOR + 6)
        signed.set()
        await logins
    assert watch.count >= LOGINS, f"only {watch.count} logins in {time.time() - begins:.0f} s"
    assert len(watch.kids) == 2, "both keys have signed"
    assert watch.failures == []


class _Watch:
    """Verifies each ID token twice: by the JWK set of now, and by one that may be ``CACHED_FOR`` seconds old."""

    def __init__(self, session: ClientSession, urls: tuple[str, ...]) -> None:
        self.session, self.urls = session, urls
        self.count = 0
        self.kids: set[str] = set()
        self.failures: list[str] = []
        self._cached: dict[str, tuple[float, dict[str, Any]]] = {}

    async def check(self, id_token: str) -> None:
        self.count += 1
        kid = jwt.get_unverified_header(id_token)["kid"]
        self.kids.add(kid)
        url = self.urls[self.count % 2]  # not always the process that signed
        fetched_at, keys = self._cached.get(url, (0.0, {}))
        if time.monotonic() - fetched_at >= CACHED_FOR:
            keys = await self._fetch(url)
            self._cached[url] = (time.monotonic(), keys)
        self._verify("cached", kid, keys, id_token)
        if self.count % 50 == 0:
            self._verify("fresh", kid, await self._fetch(url), id_token)

    async def _fetch(self, url: str) -> dict[str, Any]:
        async with self.session.get(f"{url}/jwks") as response:
            return {key.key_id or "": key for key in jwt.PyJWKSet.from_dict(await response.json()).keys}

    def _verify(self, which: str, kid: str, keys: dict[str, Any], id_token: str) -> None:
        try:
            jwt.decode(id_token, keys[kid].key, algorithms=["ES256"], audience="app")
        except (KeyError, jwt.PyJWTError) as error:
            self.failures.append(f"{which}: {error!r}")


async def _sign_in_often(watch: _Watch, issuer: Issuer, enough: asyncio.Event) -> None:
    client = await issuer.store.clients.get("app")
    assert client is not None
    record = AuthorizationCode(redirect_uri="https://app.example/callback")
    while not enough.is_set() or watch.count < LOGINS:
        grant = Grant("app", f"user-{watch.count % 100}", scope="openid", issued_at=int(time.time()))
        code = await issue_code(issuer, client, grant, record)
        form = {"grant_type": "authorization_code", "code": code.code}
        url = watch.urls[watch.count % 2]
        async with watch.session.post(f"{url}/token", data=form, headers=basic("app", SECRET)) as response:
            body = await response.json()
        assert response.status == 200, body
        await watch.check(body["id_token"])
        await asyncio.sleep(0.05 if watch.count >= LOGINS else 0)  # enough of them: now only as long as keys change
