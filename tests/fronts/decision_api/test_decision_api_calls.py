"""How the decision API is called: credentials, bodies, paths; and what becomes of calls that are none."""

import logging
from base64 import b64encode
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from authlete.api import AuthleteApiException

from service.app import open_issuer
from service.fronts.decision_api import ROUTES
from service.fronts.health import Health
from service.fronts.operators import make_application
from tests.deciding import API_KEY, API_SECRET, KEYS, OTHER_KEY, OTHER_SECRET, Backend, backend
from tests.world import World, basic, settings_for

CONFIGURATION = "/service/configuration"


async def test_without_api_keys_there_is_no_decision_api(world: World) -> None:
    settings = settings_for(world.redis.url, admin_port=0)
    async with (
        open_issuer(settings) as issuer,
        TestClient(TestServer(make_application(issuer, Health(issuer)))) as http,
    ):
        for path in ("/api", "/api" + CONFIGURATION, "/api/1234567/auth/token"):
            response = await http.post(path, headers=basic("", ""))
            body = await response.json()
            assert (response.status, body["resultCode"]) == (404, "M000013")
            assert "decision_api_keys" in body["resultMessage"]


async def test_it_is_at_the_operators_port_only(caller: Backend) -> None:
    assert (await caller.world.http.post("/api" + CONFIGURATION, headers=basic(API_KEY, API_SECRET))).status == 404


def _basic(text: str) -> str:
    return "Basic " + b64encode(text.encode()).decode()


RIGHT = [
    ("/api", _basic(f"{API_KEY}:{API_SECRET}")),
    ("/api", f"Bearer {API_SECRET}"),
    (f"/api/{API_KEY}", f"Bearer {API_SECRET}"),
    (f"/api/{API_KEY}", _basic(f"{API_KEY}:{API_SECRET}")),
    (f"/api/{OTHER_KEY}", f"bearer {OTHER_SECRET}"),
]
WRONG = [
    ("/api", ""),
    ("/api", _basic(f"{API_KEY}:{OTHER_SECRET}")),
    ("/api", _basic(f":{API_SECRET}")),
    ("/api", _basic(f"nobody:{API_SECRET}")),
    ("/api", _basic(API_KEY)),
    ("/api", _basic(f"{API_KEY}:")),
    ("/api", "Basic !!!"),
    ("/api", "Basic " + b64encode(b"\xff\xfe:x").decode()),
    ("/api", "Bearer "),
    ("/api", "Bearer " + "x" * 5000),
    ("/api", f"Digest {API_SECRET}"),
    (f"/api/{OTHER_KEY}", f"Bearer {API_SECRET}"),
    (f"/api/{OTHER_KEY}", _basic(f"{API_KEY}:{API_SECRET}")),
]


@pytest.mark.parametrize(("prefix", "authorization"), RIGHT)
async def test_an_api_key_and_its_secret_open_it(caller: Backend, prefix: str, authorization: str) -> None:
    response = await caller.http.post(prefix + CONFIGURATION, headers={"Authorization": authorization})
    assert response.status == 200


@pytest.mark.parametrize(("prefix", "authorization"), WRONG)
async def test_nothing_else_does(caller: Backend, prefix: str, authorization: str) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    response = await caller.http.post(prefix + CONFIGURATION, headers=headers)
    assert response.status == 401
    assert response.headers["WWW-Authenticate"].startswith("Basic ")
    assert response.headers["Cache-Control"] == "no-store"
    assert (await response.json())["resultCode"] == "M000001"


async def test_guessing_a_secret_is_slowed_down_and_keeps_nobody_out(world: World) -> None:
    async with backend(world, client_failures_allowed=3) as caller:
        statuses = [(await caller.post(CONFIGURATION, {}, API_KEY, f"{n:032}")).status for n in range(5)]
        assert statuses == [401, 401, 401, 429, 429]
        assert (await caller.post(CONFIGURATION, {})).status == 200


BAD = [
    (b"{", "application/json", 400),
    (b"[]", "application/json", 400),
    (b'"x"', "application/json", 400),
    (b"[" * 60_000, "application/json", 400),
    (b'{"pretty": {"a": 1}}', "application/json", 400),
    (b"\xff", "application/json", 400),
    (b"pretty=1&pretty=2", "application/x-www-form-urlencoded", 400),
    (b"<pretty/>", "application/xml", 415),
    (b"x" * 70_000, "application/json", 413),
]


@pytest.mark.parametrize(("content", "kind", "status"), BAD)
async def test_what_cannot_be_read_is_told_so(caller: Backend, content: bytes, kind: str, status: int) -> None:
    response = await caller.http.post(
        "/api" + CONFIGURATION, data=content, headers={"Content-Type": kind, **basic(API_KEY, API_SECRET)}
    )
    body = await response.json()
    assert (response.status, sorted(body)) == (status, ["resultCode", "resultMessage"])


async def test_json_and_forms_say_the_same(caller: Backend) -> None:
    headers = basic(API_KEY, API_SECRET)
    by_json = await caller.http.post(
        "/api" + CONFIGURATION, json={"pretty": False, "futureMember": [1]}, headers=headers
    )
    by_form = await caller.http.post("/api" + CONFIGURATION, data={"pretty": "false"}, headers=headers)
    assert await by_json.read() == await by_form.read()


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.path)
async def test_every_call_wants_credentials_and_its_method(caller: Backend, route: Any) -> None:
    path = "/api" + route.path.replace("{", "").replace("}", "")
    assert (await caller.http.request(route.methods[0], path)).status == 401
    response = await caller.http.request("PATCH", path, headers=basic(API_KEY, API_SECRET))
    assert response.status == 405
    assert set(route.methods) <= set(response.headers["Allow"].split(", "))


async def test_an_unforeseen_exception_is_an_incident(
    caller: Backend, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """AU-05: 500, with an id that is in the log and nothing of what happened."""
    monkeypatch.setattr("service.fronts.decision_api.services.discovery", lambda _: 1 / 0)
    with caplog.at_level(logging.INFO):
        response = await caller.post(CONFIGURATION, {})
    body = await response.json()
    assert (response.status, body["action"]) == (500, "INTERNAL_SERVER_ERROR")
    assert "division" not in str(body)
    incident = next(record.__dict__["incident"] for record in caplog.records if record.getMessage() == "incident")
    assert incident in body["responseContent"]


async def test_the_sdk_in_the_way_of_authlete_3(caller: Backend) -> None:
    sdk = caller.sdk_of(API_KEY, API_SECRET, version="V3")
    assert '"issuer"' in await caller.ask("getServiceConfiguration", sdk=sdk)
    with pytest.raises(AuthleteApiException):
        await caller.ask("getServiceConfiguration", sdk=caller.sdk_of(OTHER_KEY, API_SECRET, version="V3"))


@pytest.mark.parametrize(
    ("address", "scheme", "status"),
    [("192.0.2.1", "http", 400), ("192.0.2.1", "https", 200), ("127.0.0.1", "http", 200)],
)
async def test_from_another_machine_it_takes_https(world: World, address: str, scheme: str, status: int) -> None:
    """API secrets travel encrypted, or do not leave the machine."""
    settings = {"issuer": "https://id.example", "trusted_proxies": ("127.0.0.0/8",)}
    async with backend(world, **settings) as caller:
        forwarded = {"X-Forwarded-For": address, "X-Forwarded-Proto": scheme}
        headers = basic(API_KEY, API_SECRET) | forwarded
        assert (await caller.http.post("/api" + CONFIGURATION, headers=headers)).status == status


async def test_two_authorization_headers_are_none(caller: Backend) -> None:
    shown = [("Authorization", basic(key, secret)["Authorization"]) for key, secret in KEYS.items()]
    assert (await caller.http.post("/api" + CONFIGURATION, headers=shown)).status == 401
