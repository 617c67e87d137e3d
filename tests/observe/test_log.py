"""Log lines: JSON that parses, whatever is in it; and no credential, wherever it came from."""

import json
import logging
import sys
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.observe.log import JsonFormatter, TextFormatter, configure
from service.protocol.credentials import Kind
from service.protocol.redaction import redacted
from tests.wire import form_post, send
from tests.world import SECRET, World, basic

CREDENTIALS = [kind.value + "aB-_9" * 13 for kind in Kind]


pytestmark = pytest.mark.usefixtures("own_log")


def _record(event: str, **facts: Any) -> logging.LogRecord:
    given = {"name": "service.x", "msg": event, "levelname": "WARNING", "created": 0.25, "msecs": 250}
    return logging.makeLogRecord(given | facts)


def test_a_line_is_one_json_object_with_the_event_and_its_facts() -> None:
    """AU-34: stable names for machines."""
    line = orjson.loads(JsonFormatter().format(_record("refresh_token_reused", client_id="app", seconds=3)))
    assert line == {
        "time": "1970-01-01T00:00:00.250Z",
        "level": "warning",
        "event": "refresh_token_reused",
        "logger": "service.x",
        "client_id": "app",
        "seconds": 3,
    }


ANY_TEXT = st.text(st.characters(exclude_categories=()))


@given(st.dictionaries(st.text(min_size=1).map("fact_{}".format), ANY_TEXT | st.integers() | st.none() | st.floats()))
def test_whatever_the_facts_are_it_stays_one_line_of_json(facts: dict[str, Any]) -> None:
    """Nobody breaks the log or writes a line of their own into it: not with half a character, not with a huge number."""
    text = JsonFormatter().format(_record("event\nanother", **facts))
    assert "\n" not in text
    text.encode()
    assert json.loads(text)["event"] == "event\nanother"


def test_what_json_does_not_know_is_told_in_words() -> None:
    line = orjson.loads(JsonFormatter().format(_record("x", error=ValueError("why"), numbers={1: "one"})))
    assert (line["error"], line["numbers"]) == ("why", {"1": "one"})


def _trace_of(message: str) -> Any:
    try:
        raise RuntimeError(message)
    except RuntimeError:
        return sys.exc_info()


def test_a_trace_is_a_member_of_the_line() -> None:
    text = JsonFormatter().format(_record("incident", exc_info=_trace_of("in the cellar")))
    assert "\n" not in text
    assert orjson.loads(text)["trace"].endswith("RuntimeError: in the cellar")


@pytest.mark.parametrize("credential", CREDENTIALS)
@pytest.mark.parametrize("formatter", [JsonFormatter(), TextFormatter()])
def test_a_credential_of_ours_is_cut_after_its_prefix(formatter: logging.Formatter, credential: str) -> None:
    """Should one ever get near: in the event, a fact or a trace."""
    record = _record(f"got {credential}.", fact=f'"{credential}"', inside=[credential], exc_info=_trace_of(credential))
    text = formatter.format(record)
    assert text.count(credential[:6] + "…") >= 4
    assert credential[6:] not in text


def test_what_is_no_credential_stays() -> None:
    assert redacted("mm_at and mm:client:app and mm_xx_abc") == "mm_at and mm:client:app and mm_xx_abc"


def test_text_is_for_people() -> None:
    text = TextFormatter().format(_record("refresh_token_reused", client_id="app"))
    assert text.endswith("warning refresh_token_reused client_id=app")


def test_text_leaves_out_facts_that_are_empty() -> None:
    text = TextFormatter().format(_record("admin_serving", url="http://127.0.0.1:8081", hint="", failures=0))
    assert text.endswith("warning admin_serving url=http://127.0.0.1:8081 failures=0")


@given(ANY_TEXT)
def test_no_fact_looks_like_a_line_or_moves_the_cursor(fact: str) -> None:
    text = TextFormatter().format(_record("x", client_id=fact))
    assert text.isprintable()


@pytest.mark.parametrize(
    ("level", "style", "lines"),
    [
        pytest.param("WARNING", "json", ['"event":"loud"'], id="json, warnings"),
        pytest.param("INFO", "json", ['"event":"quiet"', '"event":"loud"'], id="json, everything"),
        pytest.param("INFO", "text", ["info quiet", "warning loud"], id="text"),
    ],
)
def test_the_settings_choose_level_and_style(
    capsys: pytest.CaptureFixture[str], level: str, style: str, lines: list[str]
) -> None:
    configure(level, style)
    logging.getLogger("service.x").info("quiet")
    logging.getLogger("service.x").warning("loud")
    found = capsys.readouterr().err.splitlines()
    assert [line in text for line, text in zip(lines, found, strict=True)] == [True] * len(lines)


async def test_no_credential_of_a_whole_day_gets_into_the_log(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """P5 for logs, at the most talkative level: codes, tokens, secrets, passwords, good and bad, and an incident."""
    configure("DEBUG", "json")
    await world.user()
    client = await world.client()
    code = await world.code(client)
    tokens = await (await world.redeem(code)).json()
    again = await (await world.refresh(tokens["refresh_token"])).json()
    own = await (await world.token(grant_type="password", username="alice", password="wonderland")).json()
    await world.token(grant_type="password", username="alice", password="hunter2hunter2")
    await world.token(grant_type="password", username=tokens["access_token"], password="x")
    await world.token(grant_type=tokens["access_token"])
    await world.token(grant_type="client_credentials", scope=again["access_token"])
    await world.post("/token", {"grant_type": "client_credentials"}, secret="mistyped" + SECRET)
    await world.introspect(tokens["access_token"])
    await world.redeem(code)
    await world.revoke(own["refresh_token"])
    async with world.with_part(random_text=lambda _: _raise(again["refresh_token"])) as broken:
        await broken.token(grant_type="client_credentials")
    text = capsys.readouterr().err
    events = [orjson.loads(line)["event"] for line in text.splitlines()]
    assert {"token_issued", "refused", "code_replayed", "incident"} <= set(events)
    issued = [code, *(body[kind] for body in (tokens, again, own) for kind in ("access_token", "refresh_token"))]
    for secret in (*(credential[28:] for credential in issued), SECRET, "wonderland", "hunter2hunter2"):
        assert secret not in text


def _raise(message: str) -> bytes:
    raise RuntimeError(message)


async def test_a_request_that_is_no_http_is_not_quoted_in_the_log(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    """aiohttp's trace would show the line it stumbled over: an Authorization header, a URL with a code."""
    configure("DEBUG", "json")
    await world.client()
    header = b"Authorization: " + basic("app")["Authorization"].encode() + b"\x00"
    assert (await send(world.http, form_post(b"/token", b"grant_type=client_credentials", header))).status == 400
    text = capsys.readouterr().err
    lines = [orjson.loads(line) for line in text.splitlines()]
    assert [line for line in lines if line["event"] == "malformed_request"]
    assert not any("trace" in line for line in lines)
    assert basic("app")["Authorization"].removeprefix("Basic ") not in text
