"""``mintmark hook``: listed without secrets, tried with made-up events, and a secret that can be used."""

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.cli.command_line import CommandLine
from tests.cli.running_service import only_here
from tests.hooks.receiver import ALL_EVENTS, HOOK_SECRET

BOTH_WAYS = True
"""Here and by the URL of a running service."""
ANSWERS = {"claims": {"id_token": {"tier": "gold"}}, "refresh": {"allow": True}, "login": {"allow": True}}


@pytest.fixture
def webhook() -> Iterator[HTTPServer]:
    """A webhook on a thread of its own, for the command has the event loop; ``heard``: whose signature was good."""

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            event: dict[str, Any] = Webhook(HOOK_SECRET).verify(body, {k.lower(): v for k, v in self.headers.items()})
            heard.append(event)
            answer = ANSWERS.get(event["type"])
            self.send_response(200 if answer else 204)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode() if answer else b"")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    heard: list[dict[str, object]] = []
    server = HTTPServer(("127.0.0.1", 0), Hook)
    server.heard = heard  # type: ignore[attr-defined]
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def named(mintmark: CommandLine, webhook: HTTPServer) -> Callable[..., None]:
    """Puts a hook into the settings."""

    def put(events: tuple[str, ...] = ALL_EVENTS, query: str = "") -> None:
        url = f"http://127.0.0.1:{webhook.server_port}/hook{query}"
        mintmark.variables["MINTMARK_HOOKS"] = json.dumps({"risk": {"url": url, "events": events}})
        mintmark.variables["MINTMARK_HOOK_SECRETS"] = json.dumps({"risk": HOOK_SECRET})

    return put


def test_hooks_are_listed_without_secrets(mintmark: CommandLine, named: Callable[..., None]) -> None:
    named(query="?key=hunter2")
    for done in (mintmark("hook", "list"), mintmark("hook", "list", "--json"), mintmark("settings", "--json")):
        assert "whsec_" not in done.out + done.err
    done = mintmark("hook", "list", "--json")
    assert "hunter2" not in done.out
    assert done.json["hooks"][0]["events"] == list(ALL_EVENTS)


def test_a_hook_is_tried_with_every_event_that_it_is_for(
    mintmark: CommandLine, named: Callable[..., None], webhook: HTTPServer
) -> None:
    named()
    tried = mintmark("hook", "test", "risk", "--json").json["events"]
    assert [one["event"] for one in tried] == list(ALL_EVENTS)
    assert [one["answer"] for one in tried] == [*ANSWERS.values(), None, None, None]
    assert all(one["milliseconds"] > 0 and one["fault"] == "" for one in tried)
    heard = webhook.heard  # type: ignore[attr-defined]
    assert [one["type"] for one in heard] == list(ALL_EVENTS)
    assert all(one["data"]["test"] for one in heard)
    assert "gold" in mintmark("hook", "test", "risk").out


def test_what_would_not_count_is_told(
    mintmark: CommandLine, named: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ANSWERS, "claims", {"idtoken": {}})
    monkeypatch.delitem(ANSWERS, "refresh")
    named(("claims", "refresh"))
    claims, refresh = mintmark("hook", "test", "risk", "--json", code=1).json["events"]
    assert "idtoken" in claims["fault"]
    assert "allow" in refresh["fault"]


def test_what_is_nested_too_deep_to_be_shown_is_told(
    mintmark: CommandLine, named: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(ANSWERS, "claims", {"id_token": {"tier": json.loads("[" * 300 + "]" * 300)}})
    named(("claims",))
    (tried,) = mintmark("hook", "test", "risk", "--json", code=1).json["events"]
    assert (tried["answer"], "nested" in tried["fault"]) == (None, True)


def test_a_hook_that_is_down_is_told(mintmark: CommandLine) -> None:
    mintmark.variables["MINTMARK_HOOKS"] = (
        '{"risk": {"url": "http://127.0.0.1:1/hook?key=hunter2", "events": ["claims"]}}'
    )
    mintmark.variables["MINTMARK_HOOK_SECRETS"] = json.dumps({"risk": HOOK_SECRET})
    (tried,) = mintmark("hook", "test", "risk", "--json", code=1).json["events"]
    assert tried["fault"] == "http://127.0.0.1:1 cannot be reached: connection refused", (
        "the rest of a URL may be a secret"
    )


def test_a_hook_that_is_not_there(mintmark: CommandLine) -> None:
    assert "mintmark hook list" in mintmark("hook", "test", "nobody", code=1).err
    assert mintmark("hook", "list", "--json").json == {"hooks": []}


@only_here
def test_a_secret_that_is_made_can_be_used(mintmark: CommandLine) -> None:
    first, second = mintmark("hook", "secret").out.strip(), mintmark("hook", "secret", "--json").json["secret"]
    assert first != second
    for secret in (first, second):
        Webhook(secret)
        mintmark.variables["MINTMARK_HOOKS"] = '{"risk": {"url": "https://hooks.example/", "events": ["claims"]}}'
        mintmark.variables["MINTMARK_HOOK_SECRETS"] = json.dumps({"risk": secret})
        assert mintmark("settings", "--json").json["hooks"]["source"] == "environment"


@only_here
def test_a_hook_that_cannot_be_loaded_is_a_faulty_setting(mintmark: CommandLine) -> None:
    """Told at the start, not at the first token."""
    mintmark.variables["MINTMARK_HOOKS"] = '{"risk": {"entry_point": "nowhere", "events": ["claims"]}}'
    assert "hooks.risk: no installed package offers 'nowhere'" in mintmark("serve", "--port", "0", code=4).err
