"""A backend whose word could not be carried out just now may give it again: the ticket is not lost."""

import json
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import pytest
from aiohttp.test_utils import TestClient, TestServer

from service.fronts.health import Health
from service.fronts.operators import make_application
from tests.deciding import KEYS, Backend
from tests.hooks.receiver import Receiver, hooked, saying
from tests.person import usual_request
from tests.redis_shapes import Shape
from tests.world import SECRET


@pytest.fixture
async def caller(redis: Shape, receiver: Receiver) -> AsyncIterator[Backend]:
    hook = {"url": receiver.url, "events": ["claims"], "on_failure": "refuse"}
    async with hooked(redis, {"crm": hook}, admin_port=0, decision_api_keys=KEYS) as world:
        await world.openid_client(response_types=("code", "id_token"))
        port = TestServer(make_application(world.issuer, Health(world.issuer)))
        async with TestClient(port) as http:
            yield Backend(world, http)


AUTHORIZATION = usual_request(response_type="id_token", code_challenge="", code_challenge_method="")
PASSWORD = {"grant_type": "password", "username": "alice", "password": "x"}
CLIENT = {"clientId": "app", "clientSecret": SECRET}


@pytest.mark.parametrize(
    ("path", "asked", "client"),
    [("/auth/authorization", AUTHORIZATION, {}), ("/auth/token", PASSWORD, CLIENT)],
    ids=["authorization", "password"],
)
async def test_a_ticket_outlives_a_failure(
    caller: Backend, receiver: Receiver, path: str, asked: dict[str, str], client: dict[str, str]
) -> None:
    ticket = (await caller.answer(path, parameters=urlencode(asked), **client))["ticket"]
    receiver.turn = saying(500)
    for _ in range(2):
        refused = await caller.post(f"{path}/issue", {"ticket": ticket, "subject": "alice"})
        assert (refused.status, json.loads(await refused.text())["resultCode"]) == (503, "M000009")
    receiver.turn = None
    assert (await caller.answer(f"{path}/issue", ticket=ticket, subject="alice"))["action"] in ("LOCATION", "OK")
    again = await caller.answer(f"{path}/issue", ticket=ticket, subject="alice")
    assert again["action"] not in ("LOCATION", "OK"), "once"
