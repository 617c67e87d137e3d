"""A backend that calls the decision API: with Authlete's own SDK, unmodified, or with bare requests."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer
from authlete.api import AuthleteApiImpl
from authlete.conf import AuthleteConfiguration

from service.fronts.health import Health
from service.fronts.operators import make_application
from tests.world import World, basic, settings_for

API_KEY, API_SECRET = "shop", "s" * 43
OTHER_KEY, OTHER_SECRET = "kiosk", "k" * 43
KEYS = {API_KEY: API_SECRET, OTHER_KEY: OTHER_SECRET}


class Backend:
    """A backend: ``sdk`` is Authlete's Python SDK for the operators' port, ``http`` makes bare requests to it."""

    def __init__(self, world: World, http: TestClient[Any, Any]) -> None:
        self.world = world
        self.http = http
        self.url = str(http.make_url("/")).rstrip("/")
        self.sdk = self.sdk_of(API_KEY, API_SECRET)

    def sdk_of(self, key: str, secret: str, *, version: str | None = None) -> AuthleteApiImpl:
        """Return the SDK with other credentials, or in the version of Authlete 3."""
        configuration = AuthleteConfiguration({})
        configuration.baseUrl, configuration.apiVersion = self.url, version
        configuration.serviceApiKey, configuration.serviceApiSecret = key, secret
        configuration.serviceAccessToken = secret
        return AuthleteApiImpl(configuration)

    async def ask(self, call: str, *arguments: Any, sdk: AuthleteApiImpl | None = None, **members: Any) -> Any:
        """Call the SDK, in a thread as it blocks. ``members`` are those of the request object if it is the only argument."""
        return await asyncio.to_thread(getattr(sdk or self.sdk, call), *arguments, **members)

    async def post(self, path: str, members: Any, key: str = API_KEY, secret: str = API_SECRET) -> ClientResponse:
        """Make a bare call with a JSON body."""
        return await self.http.post("/api" + path, json=members, headers=basic(key, secret))

    async def answer(self, path: str, /, **members: Any) -> dict[str, Any]:
        """Make a bare call, and return its answer."""
        response = await self.post(path, members)
        assert response.status == 200, await response.text()
        body: dict[str, Any] = json.loads(await response.text())
        return body


@asynccontextmanager
async def backend(world: World, **settings: Any) -> AsyncIterator[Backend]:
    """Yield a backend of a service with these settings."""
    changed = settings_for(world.redis.url, **{"admin_port": 0, "decision_api_keys": KEYS} | settings)
    issuer = replace(world.issuer, settings=changed, url=changed.issuer)
    async with (
        world.with_part(settings=changed, url=changed.issuer) as served,
        TestClient(TestServer(make_application(issuer, Health(issuer)))) as http,
    ):
        yield Backend(served, http)
