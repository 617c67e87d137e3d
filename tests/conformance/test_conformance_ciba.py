"""The FAPI-CIBA plans: their clients can be registered, and who decides in them is heard."""

import json
import shlex
from pathlib import Path

import jwt
import pytest
from aiohttp.test_utils import TestClient, TestServer

from tests.as_tested import VARIABLES
from tests.backchannel import asked, backchannel_client, poll
from tests.cli.command_line import CommandLine
from tests.conformance.ciba_approvals import ACR, approvals_application, decision
from tests.conformance.ciba_plans import CibaPlaces, write
from tests.deciding import API_KEY, API_SECRET, backend
from tests.redis_shapes import Shape
from tests.world import World

SECRET = "a-secret-of-an-api-0123456789-abcdefghij"
PLACES = CibaPlaces(
    "https://op.example", "https://mtls.op.example", "https://suite.example", "https://op.example/approve"
)


@pytest.mark.slow
def test_settings_and_clients_are_taken(
    tmp_path: Path, redis: Shape, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, PLACES, SECRET)
    listed = json.loads((tmp_path / "plans.json").read_text())
    assert [one["key"] for one in listed] == ["ciba-jwt-poll", "ciba-jwt-ping", "ciba-mtls-poll", "ciba-mtls-ping"]
    lines = (tmp_path / "ciba.env").read_text().splitlines()
    told = dict(shlex.split(line)[1].split("=", 1) for line in lines)
    here = {"MINTMARK_MASTER_KEY": "m" * 43, "MINTMARK_REDIS_URL": redis.url}
    mintmark = CommandLine(monkeypatch, capsys, VARIABLES | told | here)
    _, *clients = (tmp_path / "ciba.sh").read_text().splitlines()
    assert len(clients) == 8
    for line in clients:
        mintmark(*shlex.split(line)[1:])
    shown = mintmark("client", "show", "ciba-mtls-ping-1", "--json").json
    assert shown["backchannel_token_delivery_mode"] == "ping"
    configuration = json.loads((tmp_path / "ciba-mtls-ping.json").read_text())
    assert shown["backchannel_client_notification_endpoint"].split("/")[-2] == configuration["alias"]


async def test_who_decides_is_heard(world: World) -> None:
    async with backend(world) as caller:
        await backchannel_client(caller.world)
        await caller.world.user()
        application = approvals_application(caller.url, API_KEY, API_SECRET)
        async with TestClient(TestServer(application)) as http:
            for action, outcome in (("allow", "tokens"), ("deny", "access_denied")):
                auth_req_id = await asked(caller.world)
                answer = await http.post("/approve", params={"auth_req_id": auth_req_id, "action": action})
                assert answer.status == 200, await answer.text()
                response = await poll(caller.world, auth_req_id)
                tokens = await response.json()
                assert tokens.get("error", "tokens") == outcome
                if outcome == "tokens":
                    claims = jwt.decode(tokens["id_token"], options={"verify_signature": False})
                    assert claims["acr"] == ACR, "the suite looks for what it asked for"
    with pytest.raises(ValueError, match="no auth_req_id"):
        decision("x", "allow")
