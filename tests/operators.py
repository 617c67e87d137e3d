"""The operators' listener of a service, to call the admin API."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiohttp import ClientResponse, web
from aiohttp.test_utils import TestClient, TestServer

from service.app import open_issuer
from service.fronts.health import Health
from service.fronts.operators import make_application
from service.issuer import Issuer
from tests.world import settings_for

TOKEN = "an-operator-token-for-tests-" + "t" * 20
TOKENS = {"ci": TOKEN, "other": "o" * 40}


@dataclass
class Operator:
    """An operator with a token; ``issuer`` is for looking into the service directly."""

    issuer: Issuer
    http: TestClient[Any, Any]
    token: str = TOKEN

    async def __call__(
        self, method: str, path: str, json: Any = None, *, status: int | None = None, **headers: str
    ) -> Any:
        """Call ``/admin/v1`` and return the JSON of the response, which must have this status if one is given."""
        response = await self.send(method, path, json, **headers)
        body = await response.json(content_type=None)
        assert status is None or response.status == status, (response.status, body)
        return body

    async def send(self, method: str, path: str, json: Any = None, **headers: str) -> ClientResponse:
        """Call ``/admin/v1`` and return the response. In ``headers`` the name ``if_match`` stands for If-Match."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        authorization = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return await self.http.request(
            method, f"/admin/v1{path}", json=json, headers={**authorization, **named}, allow_redirects=False
        )


@asynccontextmanager
async def operating(redis_url: str, **settings: Any) -> AsyncIterator[Operator]:
    """Yield an operator of a service with an admin API on this Redis."""
    wished = {"admin_port": 0, "admin_tokens": TOKENS, **settings}
    async with open_issuer(settings_for(redis_url, **wished)) as issuer:
        application: web.Application = make_application(issuer, Health(issuer))
        async with TestClient(TestServer(application)) as http:
            yield Operator(issuer, http)
