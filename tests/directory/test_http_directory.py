"""People that somebody else's webhook knows."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from service.directory import BlockedError, HttpDirectory, Person, http_directory
from service.observe.events import Event
from service.observe.sampling import Sampled
from service.outbound.http_client import HttpClient
from service.protocol.errors import TemporarilyUnavailable
from tests.patience import PATIENCE
from tests.person import Person as Somebody
from tests.world import VERIFIER, World, settings_for


@dataclass
class Webhook:
    """``answer``: in the place of the usual one; ``heard``: what it was asked."""

    url: str = ""
    answer: web.Response | None = None
    wait: float = 0.0
    heard: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    wrong: int = 404
    """The status for a wrong password."""
    refuses: int = 0
    """The status for whatever is asked; 0 = nothing is refused."""

    async def handle(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == "Bearer hook-secret"
        asked = await request.json()
        self.heard.append((request.path, asked))
        await asyncio.sleep(self.wait)
        if self.refuses:
            return web.Response(status=self.refuses)
        if self.answer is not None:
            return self.answer
        if request.path.endswith("/verify"):
            right = (asked["username"], asked["password"]) == ("carol", "sesame")
            if not right:
                return web.json_response({}, status=self.wrong)
            return web.json_response({"sub": "sub-9", "username": "carol"})
        if request.path.endswith("/find"):
            found = asked in ({"username": "carol"}, {"sub": "sub-9"})
            return web.json_response({"sub": "sub-9", "username": "carol"}, status=200 if found else 404)
        return web.json_response({"claims": {"name": "Carol"}})


@pytest.fixture
async def webhook() -> AsyncIterator[Webhook]:
    hook = Webhook()
    app = web.Application()
    app.router.add_post("/people/{what}", hook.handle)
    async with TestServer(app) as server:
        hook.url = f"http://127.0.0.1:{server.port}/people"
        yield hook


@pytest.fixture
async def directory(world: World, webhook: Webhook) -> AsyncIterator[HttpDirectory]:
    settings = settings_for(
        world.redis.url,
        directory_url=webhook.url,
        directory_secret="hook-secret",
        directory_timeout=PATIENCE,
        user_failures_allowed=1,
    )
    http_client = HttpClient(settings)
    yield HttpDirectory(world.issuer.store, http_client, settings)
    await http_client.close()


async def test_the_webhook_says_who_it_is(directory: HttpDirectory, webhook: Webhook) -> None:
    assert await directory.verify("carol", "sesame", "192.0.2.1") == Person("sub-9", "carol")
    assert await directory.verify("carol", "wrong", "192.0.2.1") is None
    assert await directory.claims("sub-9", ["openid"]) == {"name": "Carol"}
    assert webhook.heard[0] == (
        "/people/verify",
        {"username": "carol", "password": "sesame", "address": "192.0.2.1"},
    )
    assert webhook.heard[2] == ("/people/claims", {"sub": "sub-9", "scopes": ["openid"]})


async def test_the_webhook_finds_whom_a_client_names(directory: HttpDirectory, webhook: Webhook) -> None:
    """By the name or the subject; without a password, for nobody signs in by that (CIBA)."""
    assert await directory.find("carol") == await directory.find_subject("sub-9") == Person("sub-9", "carol")
    assert await directory.find("dave") is await directory.find_subject("sub-1") is None
    assert webhook.heard[0] == ("/people/find", {"username": "carol"})
    webhook.answer = web.json_response({"sub": "sub-10"})
    with pytest.raises(TemporarilyUnavailable):
        await directory.find_subject("sub-9")


@pytest.mark.parametrize("wrong", [404, 401, 403])
async def test_failures_are_counted_here(directory: HttpDirectory, webhook: Webhook, wrong: int) -> None:
    """Also of a webhook of 0.1.0's time, which answers 401 to a wrong password: nobody may guess at it without end."""
    webhook.wrong = wrong
    for _ in range(2):
        assert await directory.verify("carol", "wrong", "192.0.2.1") is None
    with pytest.raises(BlockedError):
        await directory.verify("carol", "sesame", "192.0.2.1")
    asked = [path for path, _ in webhook.heard].count("/people/verify")
    assert asked == 2, "who is blocked is not even asked about"


@pytest.mark.parametrize(("said", "seconds"), [("17", 17), ("²", 1), ("Wed, 21 Oct 2026 07:28:00 GMT", 1)])
async def test_the_webhook_may_block_by_itself(
    directory: HttpDirectory, webhook: Webhook, said: str, seconds: int
) -> None:
    webhook.answer = web.Response(status=429, headers={"Retry-After": said})
    with pytest.raises(BlockedError) as blocked:
        await directory.verify("carol", "sesame", "192.0.2.1")
    assert blocked.value.seconds == seconds


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 500},
        {"status": 302, "headers": {"Location": "http://127.0.0.1:1/"}},
        {"body": b"<html>"},
        {"body": b"[]"},
        {"body": b'{"sub": ""}'},
        {"body": b'{"sub": "a b"}'},
        {"body": b'{"sub": 7}'},
        {"body": b"x" * 300_000},
        {"body": b"{}", "headers": {"Content-Encoding": "gzip"}},
    ],
    ids=str,
)
async def test_what_is_no_answer_is_unavailable(
    directory: HttpDirectory, webhook: Webhook, answer: dict[str, Any]
) -> None:
    webhook.answer = web.Response(**answer)
    with pytest.raises(TemporarilyUnavailable) as caught:
        await directory.verify("carol", "sesame", "192.0.2.1")
    assert "sesame" not in str(caught.value) + caught.value.log


@pytest.mark.parametrize("status", [401, 403])
async def test_a_refused_secret_is_no_wrong_password(
    directory: HttpDirectory,
    webhook: Webhook,
    status: int,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two failures would block the user; the operator reads what to do, once a second at most."""
    monkeypatch.setattr(http_directory, "_REFUSAL", Sampled(http_directory.log, Event.DIRECTORY_REFUSED))
    calls = (directory.verify("carol", "wrong", "192.0.2.1"), directory.claims("sub-9", []), directory.find("carol"))
    for call in (*calls, directory.verify("carol", "wrong", "192.0.2.1")):
        webhook.refuses = status
        with pytest.raises(TemporarilyUnavailable, match="directory_secret"):
            await call
    (first, *later) = [record for record in caplog.records if record.message == Event.DIRECTORY_REFUSED]
    assert (first.levelname, vars(first)["call"], vars(first)["status"]) == ("ERROR", "claims", status)
    assert len(later) < 3
    webhook.refuses = 0
    assert await directory.verify("carol", "sesame", "192.0.2.1") == Person("sub-9", "carol")


async def test_slow_or_away_is_unavailable(webhook: Webhook, world: World) -> None:
    webhook.wait = 2.0
    for changes in ({"directory_url": webhook.url, "directory_timeout": 0.3}, {"directory_url": "http://127.0.0.1:1"}):
        settings = settings_for(world.redis.url, directory_secret="hook-secret", **changes)
        http_client = HttpClient(settings)
        with pytest.raises(TemporarilyUnavailable):
            await HttpDirectory(world.issuer.store, http_client, settings).claims("sub-9", [])
        await http_client.close()


async def test_a_person_of_the_webhook_signs_in(world: World, directory: HttpDirectory, webhook: Webhook) -> None:
    """A wrong password, the directory down, and then in: nothing is lost meanwhile."""
    async with world.with_part(directory=directory) as other:
        await other.openid_client()
        somebody = Somebody(other)
        shown = await somebody.log_in(await somebody.authorize(scope="openid profile"), "carol", "wrong")
        assert "wrong" in shown.text
        webhook.answer = web.Response(status=503)
        away = await somebody.log_in(shown, "carol", "sesame")
        assert (away.status, away.heading) == (503, "Please try again")
        webhook.answer = None
        shown = await somebody.get(f"/login?ticket={shown.form['ticket']}")
        shown = await somebody.agree(await somebody.log_in(shown, "carol", "sesame"))
        body = await (await other.redeem(shown.answer["code"], code_verifier=VERIFIER)).json()
        bearer = {"Authorization": f"Bearer {body['access_token']}"}
        assert await (await other.http.get("/userinfo", headers=bearer)).json() == {"sub": "sub-9", "name": "Carol"}
