"""What nobody foresaw, and what is told of it: an incident for the client, the trace for the log."""

import logging
from dataclasses import replace

import orjson
import pytest

from service.endpoints import ENDPOINTS, introspect
from service.issuer import Issuer
from service.observe.log import JsonFormatter
from service.protocol.decision import NO_STORE, Action, Decision
from service.protocol.request import Request
from tests.world import World, error_of

GRANT = {"grant_type": "client_credentials"}

# incidents (IT-23, IT-27, AU-05)


def _explode(_: int) -> str:
    raise RuntimeError("mm_at_" + "s" * 65 + " in the cellar")


async def test_an_unforeseen_exception_is_500_with_an_incident_id_and_the_trace_is_in_the_log_only(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """IT-23, IT-27, AU-05, AU-34."""
    await world.client()
    async with world.with_part(random_text=_explode) as broken:
        response = await broken.token(**GRANT)
        body = await response.json()
    assert (response.status, set(body), body["error"]) == (
        500,
        {"error", "error_description", "incident"},
        "server_error",
    )
    assert response.headers["Cache-Control"] == "no-store"
    assert "cellar" not in str(body)
    assert "Traceback" not in str(body)
    (record,) = [record for record in caplog.records if record.getMessage() == "incident"]
    line = orjson.loads(JsonFormatter().format(record))
    assert (line["level"], line["path"], line["incident"]) == ("error", "/token", body["incident"])
    assert "RuntimeError: mm_at_… in the cellar" in line["trace"]
    assert body["incident"] in body["error_description"]


async def test_every_incident_has_its_own_id_and_the_next_request_is_served(world: World) -> None:
    await world.client()
    async with world.with_part(random_text=_explode) as broken:
        incidents = {(await (await broken.token(**GRANT)).json())["incident"] for _ in range(3)}
        assert len(incidents) == 3
        assert (await broken.post("/introspect", {"token": "x"})).status == 200


async def test_a_record_that_cannot_be_read_is_an_incident_and_no_crash(world: World) -> None:
    """Somebody else wrote into our Redis."""
    await world.client()
    token = (await (await world.token(**GRANT)).json())["access_token"]
    ((key, _),) = world.ends(":access:").items()
    world.redis.nodes[0].admin.set(key, b"\xff not ours")
    response = await world.post("/introspect", {"token": token})
    assert await error_of(response) == (500, "server_error")


# decisions become answers (IT-28)


async def test_an_endpoint_decides_status_headers_and_body_before_anything_is_sent(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IT-28, AU-14: cookies, headers and content type are the Decision's, and it may take the place of the usual answer."""

    async def decide(_: Issuer, asked: Request) -> Decision:
        headers = {
            **NO_STORE,
            "Content-Type": "text/plain",
            "Set-Cookie": "seen=1",
            "X-Asked": asked.parameters["token"],
        }
        return Decision(Action.OK, 203, b"something else", headers)

    monkeypatch.setitem(ENDPOINTS, "introspect", replace(introspect.ENDPOINT, handle=decide))
    async with world.having() as changed:
        response = await changed.http.post("/introspect", data={"token": "x"})
        assert (response.status, await response.read()) == (203, b"something else")
        assert (response.headers["Set-Cookie"], response.headers["X-Asked"]) == ("seen=1", "x")
        assert response.headers["Content-Type"].startswith("text/plain")


async def test_why_a_request_was_refused_is_in_the_log_and_not_in_the_answer(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """AU-34: stable codes for machines, reasons for operators."""
    caplog.set_level(logging.INFO)
    await world.client()
    await world.client("thief")
    tokens = await world.tokens(await world.client())
    response = await world.refresh(tokens["refresh_token"], "thief")
    assert "another client, or" not in await response.text()
    (record,) = [record for record in caplog.records if record.getMessage() == "refused"]
    line = orjson.loads(JsonFormatter().format(record))
    assert (line["error"], line["status"], line["path"]) == ("invalid_grant", 400, "/token")
    assert line["reason"] == "refresh token was issued to another client, or the client's grants were ended"
