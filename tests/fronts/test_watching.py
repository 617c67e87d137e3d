"""What every request leaves behind: an id, a duration, and where it is wanted a line in the access log."""

import re
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from service.fronts.health import Health
from service.fronts.operators import make_application
from service.observe.log import configure
from tests.observe.exposition import counts
from tests.world import SECRET, World

pytestmark = pytest.mark.usefixtures("own_log")

MADE = re.compile(r"[0-9a-f]{16}")


async def _id(world: World, *given: str) -> str:
    headers = [("X-Request-Id", one) for one in given]
    response = await world.http.get("/.well-known/oauth-authorization-server", headers=headers)
    return response.headers["X-Request-Id"]


async def test_an_answer_names_the_request_by_the_caller_s_id(world: World) -> None:
    assert await _id(world, "a-request.of_07") == "a-request.of_07"


@pytest.mark.parametrize("given", ["", " ", "x" * 65, "two words", "a;b", "ümlaut", '"quoted"', "{{7*7}}", "a\tb"])
async def test_an_id_that_is_long_or_not_plain_is_replaced(world: World, given: str) -> None:
    """Nobody writes into our log, or into whoever reads our headers."""
    assert MADE.fullmatch(await _id(world, given))


async def test_made_ids_differ(world: World) -> None:
    assert len({await _id(world) for _ in range(50)}) == 50


@pytest.mark.parametrize(
    ("path", "status"), [("/nowhere", 404), ("/login", 400), ("/token", 405), ("/applications", 303)]
)
async def test_every_answer_has_one(world: World, path: str, status: int) -> None:
    response = await world.http.get(path, allow_redirects=False)
    assert response.status == status
    assert MADE.fullmatch(response.headers["X-Request-Id"])


async def test_every_log_line_of_a_request_has_it(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    configure("DEBUG", "json")
    await world.client()
    tokens = await world.tokens(await world.client())
    headers = {"X-Request-Id": "mine"}
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"] + "x"}
    await world.http.post("/token", data=form, headers=headers)
    world.issuer.store.clients.hear(b"nonsense")  # nobody's request
    lines = [orjson.loads(line) for line in capsys.readouterr().err.splitlines()]
    (refused,) = [line for line in lines if line["event"] == "refused"]
    assert refused["request_id"] == "mine"
    (other,) = [line for line in lines if line["event"] == "client_change_unreadable"]
    assert "request_id" not in other


async def test_without_tracing_the_caller_s_trace_is_still_in_the_log(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("INFO", "json")
    trace = "0af7651916cd43dd8448eb211c80319c"
    await world.http.post("/revoke", data={"token": "x"}, headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    (line,) = [orjson.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert (line["event"], line["trace_id"]) == ("refused", trace)


# the access log


def _accesses(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    lines = [orjson.loads(line) for line in capsys.readouterr().err.splitlines()]
    return [line for line in lines if line["logger"] == "service.access"]


async def test_there_is_no_access_log_unless_it_is_wanted(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    configure("DEBUG", "json")
    await world.client()
    await world.token(grant_type="client_credentials")
    await world.http.get("/nowhere")
    assert _accesses(capsys) == []


async def test_a_line_of_it_says_what_happened_and_no_secret(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    configure("INFO", "json")
    await world.client()
    async with world.having(access_log_sample=1.0) as logged:
        response = await logged.token(grant_type="client_credentials")
        token = (await response.json())["access_token"]
        await logged.http.get(f"/token?code={token}&client_secret={SECRET}")
        await logged.http.get(f"/{token}/{SECRET}")
        await logged.http.get("/livez")
    text = capsys.readouterr().err
    assert token[28:] not in text
    assert SECRET not in text
    issued, refused, nowhere = (
        line for line in map(orjson.loads, text.splitlines()) if line["logger"] == "service.access"
    )
    assert issued["request_id"] == response.headers["X-Request-Id"]
    assert issued["milliseconds"] > 0
    wanted = {"event": "request", "endpoint": "token", "method": "POST", "path": "/token", "status": 200}
    wanted |= {"grant_type": "client_credentials", "address": "127.0.0.1"}
    assert wanted.items() <= issued.items()
    assert (refused["path"], refused["status"]) == ("/token", 405)
    assert (nowhere["endpoint"], nowhere["path"], nowhere["status"]) == ("not_found", "", 404)


async def test_what_went_wrong_is_there_however_small_the_sample(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    configure("INFO", "json")
    await world.client()
    async with world.having(access_log_sample=1e-300) as logged:
        for _ in range(20):
            await logged.token(grant_type="client_credentials")
            await logged.token("ghost", grant_type="client_credentials")
    assert [line["status"] for line in _accesses(capsys)] == [401] * 20


# durations


async def test_durations_are_counted_by_endpoint_and_grant_type(world: World) -> None:
    await world.client()
    await world.token(grant_type="client_credentials")
    await world.token(grant_type="client_credentials")
    await world.token(grant_type="made-up")
    await world.introspect("x")
    for path in (
        "/jwks",
        "/.well-known/openid-configuration",
        "/login",
        "/nowhere",
        "/elsewhere",
        "/livez",
        "/metrics",
    ):
        await world.http.get(path)
    assert counts(world.issuer.metrics, "mintmark_request_duration_seconds_count") == {
        ("token", "client_credentials"): 2.0,
        ("token", "unknown"): 1.0,
        ("introspect", ""): 1.0,
        ("jwks", ""): 1.0,
        ("metadata", ""): 1.0,
        ("login", ""): 1.0,
        ("not_found", ""): 2.0,
    }


async def test_the_operators_port_is_watched_by_patterns_of_routes(world: World) -> None:
    """However many things they ask for, there is one label."""

    async def show(_: web.Request) -> web.Response:
        return web.Response()

    application = make_application(world.issuer, Health(world.issuer))
    below = web.Application()
    below.router.add_get("/things/{name}", show)
    resources = application.router._resources
    last = resources.pop()  # everything else, which must be asked last
    application.add_subapp("/shop", below)
    resources.append(last)
    async with TestClient(TestServer(application)) as http:
        for path in ("/shop/things/1", "/shop/things/2", "/nowhere", "/readyz", "/metrics"):
            response = await http.get(path)
            assert ("X-Request-Id" in response.headers) == (path[1:] not in ("readyz", "metrics"))
        refused = await http.post("/shop/things/1")
        assert (refused.status, bool(MADE.fullmatch(refused.headers["X-Request-Id"]))) == (405, True)
    counted = counts(world.issuer.metrics, "mintmark_request_duration_seconds_count")
    assert counted == {("/shop/things/{name}", ""): 2.0, ("not_found", ""): 2.0}


async def test_a_handler_that_breaks_is_an_error_in_the_log_and_is_measured(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """A page hook of the operator's is where even the fronts' own net has a hole."""
    configure("INFO", "json")
    async with world.having(access_log_sample=1e-300, page_hook="tests.fronts.test_watching:broken_hook") as logged:
        assert (await logged.http.get("/login")).status == 500
    (line,) = _accesses(capsys)
    assert (line["endpoint"], line["status"]) == ("login", 500)
    assert counts(world.issuer.metrics, "mintmark_request_duration_seconds_count")["login", ""] == 1.0


async def broken_hook(*_: object) -> None:
    """A hook that raises."""
    raise RuntimeError("in the cellar")
