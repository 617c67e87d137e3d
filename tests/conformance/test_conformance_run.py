"""The runner says of each module what came of it, and ends as the worst of them."""

import asyncio
import json
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.conformance.run import main

PLAN = {"key": "one", "plan": "a-test-plan", "variant": {"openid": "plain_oauth"}, "config": "one.json"}


def suite_with(results: dict[str, str]) -> web.Application:
    """An API such as the suite's, whose modules end so, each at the second look."""
    looks: dict[str, int] = {}

    async def plan(request: web.Request) -> web.Response:
        assert await request.json() == {"alias": "one"}
        assert json.loads(request.query["variant"]) == PLAN["variant"]
        return web.json_response({"id": "p", "modules": [{"testModule": name} for name in results]})

    async def start(request: web.Request) -> web.Response:
        return web.json_response({"id": request.query["test"]})

    async def info(request: web.Request) -> web.Response:
        name = request.match_info["id"]
        looks[name] = looks.get(name, 0) + 1
        ended = {"status": "FINISHED", "result": results[name]}
        return web.json_response(ended if looks[name] > 1 else {"status": "RUNNING"})

    async def log(request: web.Request) -> web.Response:
        name = request.match_info["id"]
        return web.json_response([{"result": "SUCCESS", "msg": "fine"}, {"result": "WARNING", "src": "A", "msg": name}])

    application = web.Application()
    application.router.add_post("/api/plan", plan)
    application.router.add_post("/api/runner", start)
    application.router.add_get("/api/info/{id}", info)
    application.router.add_get("/api/log/{id}", log)
    return application


@pytest.mark.parametrize(
    ("results", "code"),
    [
        ({"first": "PASSED", "second": "REVIEW", "third": "SKIPPED"}, 0),
        ({"first": "PASSED", "second": "WARNING"}, 1),
        ({"first": "FAILED", "second": "PASSED"}, 1),
    ],
)
async def test_it_ends_as_the_worst_module(
    results: dict[str, str], code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "plans.json").write_text(json.dumps([PLAN]))
    (tmp_path / "one.json").write_text(json.dumps({"alias": "one"}))
    async with TestServer(suite_with(results)) as server:
        url = str(server.make_url("")).rstrip("/")
        assert await asyncio.to_thread(main, [str(tmp_path), "one", "--suite", url]) == code
    said = capsys.readouterr().out
    for name, result in results.items():
        assert f"{result:<11} {name}\n    WARNING A: {name}\n" in said
    assert "fine" not in said
    assert set(json.loads((tmp_path / "results" / "one.json").read_text())) == set(results)
