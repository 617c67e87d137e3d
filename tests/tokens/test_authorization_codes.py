"""A redemption whose client was not told: the same request gets the same answer, anything else ends the grant (P1)."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from aiohttp import ClientResponse

from service.app import open_issuer
from service.protocol.binding import Binding
from service.protocol.credentials import hashed
from service.records.authorization_code import AuthorizationCode
from service.records.client import Client
from service.records.grant import Grant
from service.tokens import redeemed_once
from service.tokens.authorization_codes import issue_code
from tests import redis_shapes
from tests.cutting_proxy import CuttingProxy
from tests.dpop import Prover
from tests.patience import PATIENCE
from tests.world import CALLBACK, VERIFIER, World, basic, error_of, in_process, settings_for

BOTH = ("https://a.example", "https://b.example")
REFUSED, AWAY = (400, "invalid_grant"), (503, "temporarily_unavailable")


@pytest.fixture(autouse=True)
def short_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redeemed_once, "MOMENT", 0.05)


@pytest.fixture
async def world(proxy: CuttingProxy, redis: redis_shapes.Shape) -> AsyncIterator[World]:
    """Its Redis takes commands, and the proxy loses the replies that it is told to."""
    async with (
        open_issuer(settings_for(proxy.url), listen=False) as issuer,
        in_process(issuer) as http,
    ):
        proxy.shorten(issuer.store.connection.address)
        yield World(issuer, http, redis)


async def _redeem_untold(world: World, proxy: CuttingProxy, code: str, **form: str) -> None:
    """Redis spends the code, and every reply that says so is lost: the client is told 503."""
    proxy.cut_after(_is_redemption, times=100)
    assert await error_of(await world.redeem(code, **form)) == AWAY
    proxy.heal()
    assert b"spent:" in b"".join(entry.value for entry in world.redis.dump().values() if entry.type == "string")


def _is_redemption(command: list[bytes]) -> bool:
    return command[0] in (b"EVALSHA", b"EVAL") and any(b":code:" in word for word in command)


async def _answer(response: ClientResponse) -> dict[str, Any]:
    assert response.status == 200, await response.text()
    body: dict[str, Any] = await response.json()
    return body


async def test_the_same_request_again_gets_the_answer_that_was_lost(
    world: World, proxy: CuttingProxy, caplog: pytest.LogCaptureFixture
) -> None:
    code = await world.code(await world.client())
    await _redeem_untold(world, proxy, code)
    tokens = await _answer(await world.redeem(code))
    assert await world.is_active(tokens["access_token"])
    assert len(world.ends(":access:")) == len(world.ends(":refresh:")) == 1, "nothing was issued twice"
    (event,) = [record for record in caplog.records if record.getMessage() == "code_repeated"]
    assert (event.levelno, event.client_id, event.address) == (logging.WARNING, "app", "127.0.0.1")  # type: ignore[attr-defined]
    assert b'mintmark_security_events_total{event="code_repeated"} 1.0' in world.issuer.metrics.exposition()


async def test_redis_that_stands_still_for_a_second_costs_nobody_their_login(redis: redis_shapes.Shape) -> None:
    """P7: 503 while it takes no writes, and then what was asked for."""
    async with (
        open_issuer(settings_for(redis.url, redis_timeout=1), listen=False) as issuer,
        in_process(issuer) as http,
    ):
        world = World(issuer, http, redis)
        code = await world.code(await world.client())
        admin = redis.nodes[0].admin
        admin.execute_command("CLIENT", "PAUSE", 60_000, "WRITE")
        assert await error_of(await world.redeem(code)) == AWAY
        admin.execute_command("CLIENT", "UNPAUSE")
        tokens = await _answer(await world.redeem(code))
        assert await world.is_active(tokens["refresh_token"])


async def test_a_client_that_hung_up_gets_what_it_did_not_wait_for(world: World, redis: redis_shapes.Shape) -> None:
    """It is less patient than we are: the answer came, and nobody was there to read it."""
    code = await world.code(await world.client())
    redis.nodes[0].admin.execute_command("CLIENT", "PAUSE", 150, "WRITE")
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    asking = asyncio.ensure_future(world.http.post("/token", data=form, headers=basic("app")))
    await asyncio.sleep(0.05)
    asking.cancel()
    async with asyncio.timeout(PATIENCE):
        while not world.ends(":access:"):
            await asyncio.sleep(0.01)
    tokens = await _answer(await world.redeem(code))
    assert await world.is_active(tokens["access_token"])


@pytest.mark.parametrize(
    "other",
    [
        pytest.param({"code_verifier": "w" * 43}, id="another verifier"),
        pytest.param({"code_verifier": ""}, id="no verifier"),
        pytest.param({"redirect_uri": "https://evil.example"}, id="another redirect_uri"),
        pytest.param({"redirect_uri": ""}, id="no redirect_uri"),
        pytest.param({"resource": BOTH[1]}, id="another resource"),
    ],
)
async def test_another_request_gets_nothing_and_ends_the_grant(
    world: World, proxy: CuttingProxy, other: dict[str, str]
) -> None:
    code = await world.code(await world.client(audiences=BOTH), verifier=VERIFIER, audience=BOTH)
    right = {"code_verifier": VERIFIER, "resource": BOTH[0]}
    await _redeem_untold(world, proxy, code, **right)
    assert await error_of(await world.redeem(code, **right | other)) == REFUSED
    assert not (await world.issuer.store.grants.list_of_user("alice")).grants
    assert await error_of(await world.redeem(code, **right)) == REFUSED


async def _bound_code(world: World, client: Client, binding: Binding) -> str:
    """A code that its authorization request bound to a key (RFC 9449 section 10)."""
    now = int(world.issuer.clock())
    grant = Grant(client.client_id, "alice", "read", client_generation=client.generation, issued_at=now, auth_time=now)
    record = AuthorizationCode(redirect_uri=CALLBACK, redirect_uri_given=True, binding=binding)
    return (await issue_code(world.issuer, client, grant, record)).code


async def _redeem_by(world: World, prover: Prover, code: str) -> ClientResponse:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    return await world.http.post("/token", data=form, headers=basic("app") | prover.headers())


@pytest.mark.parametrize("is_bound", [True, False])
async def test_the_answer_is_for_the_key_that_asked(world: World, proxy: CuttingProxy, is_bound: bool) -> None:
    """Another key gets nothing; it ends nothing where the code was bound, for then it cannot have been first."""
    prover = Prover()
    code = await _bound_code(world, await world.client(), Binding(jkt=prover.jkt if is_bound else ""))
    proxy.cut_after(_is_redemption, times=100)
    assert await error_of(await _redeem_by(world, prover, code)) == AWAY
    proxy.heal()
    assert await error_of(await _redeem_by(world, Prover(), code)) == REFUSED
    mine = await _redeem_by(world, prover, code)
    assert mine.status == (200 if is_bound else 400), await mine.text()
    if is_bound:
        assert (await mine.json())["token_type"] == "DPoP"


async def test_another_client_gets_nothing_and_does_no_harm(world: World, proxy: CuttingProxy) -> None:
    code = await world.code(await world.client())
    await world.client("thief")
    await _redeem_untold(world, proxy, code)
    assert await error_of(await world.redeem(code, "thief")) == REFUSED
    await _answer(await world.redeem(code))


@pytest.mark.usefixtures("proxy")
async def test_what_was_told_is_never_told_again(world: World) -> None:
    """RFC 6749 4.1.2, and the conformance suite's codereuse modules: at once, or half a minute later."""
    code = await world.code(await world.client())
    tokens = await _answer(await world.redeem(code))
    assert await error_of(await world.redeem(code)) == REFUSED
    assert not await world.is_active(tokens["access_token"])


async def test_a_repeat_that_was_told_ends_the_repeating(world: World, proxy: CuttingProxy) -> None:
    code = await world.code(await world.client())
    await _redeem_untold(world, proxy, code)
    tokens = await _answer(await world.redeem(code))
    await world.wait_for_end(":reply:")
    assert await error_of(await world.redeem(code)) == REFUSED
    assert not await world.is_active(tokens["access_token"])


async def test_the_answer_goes_when_its_refresh_token_is_used(world: World, proxy: CuttingProxy) -> None:
    """Whoever uses it has the answer."""
    client = await world.client()
    code = await world.code(client)
    await _redeem_untold(world, proxy, code)
    tokens = await _answer(await world.redeem(code))
    assert world.ends(":reply:")
    await world.refresh(tokens["refresh_token"])
    assert [name for name in world.ends(":reply:") if name.endswith(hashed(tokens["refresh_token"]))]
    assert len(world.ends(":reply:")) == 1, "the code's own is gone"
    assert await error_of(await world.redeem(code)) == REFUSED


@pytest.mark.parametrize("verifier", [VERIFIER, None], ids=["with PKCE", "without"])
async def test_of_a_public_client_only_the_verifier_opens_it(
    world: World, proxy: CuttingProxy, verifier: str | None
) -> None:
    """Without PKCE whoever has the code would be everything that the client is."""
    code = await world.code(await world.public_client(), verifier=verifier)
    form = {"client_id": "phone"} | ({"code_verifier": verifier} if verifier else {})
    wished = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, **form}
    proxy.cut_after(_is_redemption, times=100)
    assert await error_of(await world.post("/token", wished, None)) == AWAY
    proxy.heal()
    assert (await world.post("/token", wished, None)).status == (200 if verifier else 400)


async def test_without_a_grace_it_is_as_if_somebody_else_had_redeemed_it(world: World, proxy: CuttingProxy) -> None:
    client: Client = await world.client()
    async with world.having(code_grace=0) as strict:
        code = await strict.code(client)
        proxy.cut_after(_is_redemption, times=100)
        assert await error_of(await strict.redeem(code)) == AWAY
        proxy.heal()
        assert not world.ends(":reply:")
        assert await error_of(await strict.redeem(code)) == REFUSED


async def test_the_waiting_answer_is_of_no_use_to_who_reads_redis(world: World, proxy: CuttingProxy) -> None:
    """P5."""
    code = await world.code(await world.client(), verifier=VERIFIER)
    await _redeem_untold(world, proxy, code, code_verifier=VERIFIER)
    kept = repr(world.redis.dump())
    tokens = await _answer(await world.redeem(code, code_verifier=VERIFIER))
    for secret in (code[28:], VERIFIER, tokens["access_token"][28:], tokens["refresh_token"][28:]):
        assert secret not in kept


async def test_100_who_ask_again_at_once_get_one_answer(
    world: World, proxy: CuttingProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redeemed_once, "MOMENT", 2.0)  # a busy machine serves the last of them long after the first
    code = await world.code(await world.client())
    await _redeem_untold(world, proxy, code)
    responses = await asyncio.gather(*(world.redeem(code) for _ in range(100)))
    bodies = {await response.read() for response in responses}
    assert {response.status for response in responses} == {200}
    assert len(bodies) == 1
    assert await world.is_active(orjson.loads(bodies.pop())["access_token"])
