"""Back-channel logout: every client hears of it, once, whatever happens meanwhile."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from typing import Any

import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from joserfc import jwe
from joserfc.jwk import ECKey

from service.app import open_issuer
from service.issuer import Issuer
from service.login import ending_sessions, repeated_forms, sessions
from service.login.backchannel_logout import EVENT, deliver_due
from service.outbound.http_client import HttpClient
from service.protocol.errors import TemporarilyUnavailable
from service.protocol.names import ContentEncryption, KeyManagement, SigningAlgorithm
from service.records.logout_delivery import LogoutDelivery
from service.store import deliveries
from tests.cutting_proxy import CuttingProxy
from tests.person import Person
from tests.redis_shapes import Shape
from tests.world import VERIFIER, World, in_process, settings_for

IMPATIENT: dict[str, Any] = {"fetch_private_addresses": True, "fetch_timeout": 1.2}


@dataclass
class Receiver:
    """A client's logout URI. ``statuses``: what to answer, one by one, then 200."""

    uri: str = ""
    statuses: list[int] = field(default_factory=list)
    forms: list[dict[str, Any]] = field(default_factory=list)

    async def hear(self, request: web.Request) -> web.Response:
        self.forms.append(dict(await request.post()))
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    app = web.Application()
    app.router.add_post("/out", made.hear)
    async with TestServer(app) as server:
        made.uri = f"http://127.0.0.1:{server.port}/out"
        yield made


@pytest.fixture
async def open_world(world: World) -> AsyncIterator[World]:
    """One that may call loopback."""
    async with world.having(fetch_private_addresses=True) as other:
        http_client = type(other.issuer.http_client)(other.issuer.settings)
        async with other.with_part(http_client=http_client) as able:
            await able.user()
            yield able
        await http_client.close()


async def signed_out(world: World, **client: Any) -> dict[str, Any]:
    """Sign in at a client and out again; the claims of the ID token."""
    await world.openid_client(**client)
    person = Person(world)
    hint = (await person.sign_in(response_type="id_token")).answer["id_token"]
    await person.get("/logout", id_token_hint=hint)
    return jwt.decode(hint, options={"verify_signature": False})


@pytest.mark.parametrize("algorithm", [SigningAlgorithm.RS256, SigningAlgorithm.ES256])
async def test_the_logout_token(open_world: World, receiver: Receiver, algorithm: SigningAlgorithm) -> None:
    """oidcc-backchannel-rp-initiated-logout: the form holds the token alone; sub and sid are the ID token's; no nonce."""
    told = await signed_out(open_world, backchannel_logout_uri=receiver.uri, id_token_signed_response_alg=algorithm)
    assert await deliver_due(open_world.issuer) == 1
    (form,) = receiver.forms
    assert set(form) == {"logout_token"}
    header = jwt.get_unverified_header(form["logout_token"])
    assert (header["alg"], header["typ"]) == (algorithm.value, "logout+jwt")
    jwks = jwt.PyJWKSet.from_dict(await (await open_world.http.get("/jwks")).json())
    claims = jwt.decode(form["logout_token"], jwks[header["kid"]].key, algorithms=[algorithm.value], audience="app")
    assert claims.pop("exp") - claims.pop("iat") == 120
    assert claims.pop("jti")
    assert claims == {
        **{"iss": told["iss"], "aud": "app", "sub": told["sub"], "sid": told["sid"]},
        "events": {EVENT: {}},
    }
    assert await deliver_due(open_world.issuer) == 0
    assert not open_world.key_names("logout}"), "nothing is left"
    assert await open_world.issuer.keyring.verify(form["logout_token"]) is None, "it is no ID token"  # type: ignore[union-attr]


ENCRYPTION_KEY = ECKey.generate_key("P-256", {"use": "enc", "kid": "e1"})
ENCRYPTED = {
    "jwks": {"keys": [ENCRYPTION_KEY.as_dict(private=False)]},
    "id_token_encrypted_response_alg": KeyManagement.ECDH_ES,
    "id_token_encrypted_response_enc": ContentEncryption.A256GCM,
}


async def change(world: World, **changes: Any) -> None:
    client = await world.issuer.store.clients.read("app")
    assert client
    await world.change(client, **changes)
    world.issuer.store.clients.forget(["app"])


async def test_whose_id_tokens_are_encrypted_gets_encrypted_logout_tokens(
    open_world: World, receiver: Receiver
) -> None:
    """Back-Channel Logout 2.4, 2.6: by the same keys as ID tokens, with iss in the header; else the client rejects it."""
    told = await signed_out(open_world, backchannel_logout_uri=receiver.uri)
    await change(open_world, **ENCRYPTED)
    assert await deliver_due(open_world.issuer) == 1
    (form,) = receiver.forms
    registry = jwe.JWERegistry(algorithms=[*KeyManagement, *ContentEncryption], strict_check_header=False)
    opened = jwe.decrypt_compact(form["logout_token"], ENCRYPTION_KEY, registry=registry)
    header, iss = opened.headers(), told["iss"]
    named = {name: header[name] for name in ("alg", "enc", "cty", "kid", "iss")}
    assert named == {"alg": "ECDH-ES", "enc": "A256GCM", "cty": "JWT", "kid": "e1", "iss": iss}
    assert opened.plaintext
    keyring = open_world.issuer.keyring
    assert keyring
    claims = await keyring.verify(opened.plaintext.decode(), typ="logout+jwt")
    assert claims
    assert (claims["aud"], claims["sub"], claims["sid"]) == ("app", told["sub"], told["sid"])


NO_KEYS: dict[str, dict[str, Any]] = {
    "no public key": {"jwks": {"keys": []}},
    "cannot be fetched": {"jwks": None, "jwks_uri": "http://127.0.0.1:1/keys"},
    "no secret": {"id_token_encrypted_response_alg": KeyManagement.DIR},
}


@pytest.mark.parametrize("why", NO_KEYS)
async def test_without_a_key_nothing_is_sent_until_there_is_one(
    open_world: World, receiver: Receiver, caplog: pytest.LogCaptureFixture, why: str
) -> None:
    """A failed attempt as any other, whose reason the log names; nothing goes out in the clear instead."""
    await signed_out(open_world, backchannel_logout_uri=receiver.uri)
    await change(open_world, **ENCRYPTED | NO_KEYS[why])
    assert await deliver_due(open_world.issuer) == 1
    assert receiver.forms == []
    (failed,) = [record for record in caplog.records if record.message == "backchannel_logout_failed"]
    assert why in failed.__dict__["reason"]
    async with open_world.later(3) as world:
        await change(world, **ENCRYPTED, jwks_uri=None)
        assert await deliver_due(world.issuer) == 1
        assert await world.issuer.store.logouts.waiting() == 0
    (form,) = receiver.forms
    assert form["logout_token"].count(".") == 4


async def test_whose_key_never_comes_is_given_up(open_world: World, receiver: Receiver) -> None:
    await signed_out(open_world, backchannel_logout_uri=receiver.uri)
    await change(open_world, **ENCRYPTED | NO_KEYS["cannot be fetched"])
    for attempt in range(open_world.issuer.settings.logout_attempts):
        async with open_world.later(4**attempt) as world:
            assert await deliver_due(world.issuer) == 1
    assert await open_world.issuer.store.logouts.waiting() == 0
    assert receiver.forms == []


async def test_who_does_not_answer_is_asked_again_with_pauses(open_world: World, receiver: Receiver) -> None:
    receiver.statuses = [500, 302]
    await signed_out(open_world, backchannel_logout_uri=receiver.uri)
    assert await deliver_due(open_world.issuer) == 1
    assert await deliver_due(open_world.issuer) == 0, "not before the pause is over"
    for ahead in (3, 8):
        async with open_world.later(ahead) as world:
            assert await deliver_due(world.issuer) == 1
    assert len(receiver.forms) == 3
    jtis = {jwt.decode(form["logout_token"], options={"verify_signature": False})["jti"] for form in receiver.forms}
    assert len(jtis) == 1, "the same event, told again"
    assert await open_world.issuer.store.logouts.waiting() == 0


async def test_in_the_end_it_is_given_up(open_world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Nobody listens there; the log says so, and holds no token."""
    await signed_out(open_world, backchannel_logout_uri="http://127.0.0.1:1/out")
    for attempt in range(open_world.issuer.settings.logout_attempts):
        async with open_world.later(4**attempt) as world:
            assert await deliver_due(world.issuer) == 1
    assert "backchannel_logout_given_up" in [record.getMessage() for record in caplog.records]
    assert "eyJ" not in caplog.text
    assert await open_world.issuer.store.logouts.waiting() == 0


async def test_who_never_answers_does_not_hold_up_the_others(open_world: World, receiver: Receiver) -> None:
    """Twenty are under way at once: a hundred for a server that hangs are five times its timeout."""
    hangs = asyncio.Event()
    called = []

    async def hang(request: web.Request) -> web.Response:
        called.append(request.path)
        await hangs.wait()
        return web.Response()

    app = web.Application()
    app.router.add_post("/out", hang)
    issuer = replace(open_world.issuer, http_client=HttpClient(settings_for(open_world.redis.url, **IMPATIENT)))
    async with TestServer(app) as server:
        await open_world.client("hangs", backchannel_logout_uri=f"http://127.0.0.1:{server.port}/out")
        await open_world.client("answers", backchannel_logout_uri=receiver.uri)
        for number in range(100):
            await issuer.store.logouts.queue(f"d{number:021}", LogoutDelivery("hangs", "alice", "s" * 22), 1)
        await issuer.store.logouts.queue("z" * 22, LogoutDelivery("answers", "alice", "s" * 22), 2)
        while await deliver_due(issuer):
            pass
        assert len(receiver.forms) == 1
        assert len(called) <= 20
        hangs.set()
        await issuer.http_client.close()


async def test_private_addresses_are_not_called(world: World, receiver: Receiver) -> None:
    """A client's URL is somebody else's text: it must not reach our own network."""
    await world.user()
    await signed_out(world, backchannel_logout_uri=receiver.uri)
    await deliver_due(world.issuer)
    assert receiver.forms == []


async def test_many_processes_deliver_each_once(open_world: World, receiver: Receiver) -> None:
    """Raced: they share one queue."""
    for number in range(30):
        await open_world.openid_client(f"client-{number}", backchannel_logout_uri=receiver.uri)
    person = Person(open_world)
    for number in range(30):
        await person.sign_in(f"client-{number}")
    session = await sessions.read(open_world.issuer, person.cookies["mintmark_session"])
    assert session is not None
    await ending_sessions.end_session(open_world.issuer, session)
    while sum(await asyncio.gather(*(deliver_due(open_world.issuer) for _ in range(8)))):
        pass
    audiences = [
        jwt.decode(form["logout_token"], options={"verify_signature": False})["aud"] for form in receiver.forms
    ]
    assert sorted(audiences) == sorted(f"client-{number}" for number in range(30))


async def test_what_a_process_took_and_never_delivered_is_taken_up(open_world: World, receiver: Receiver) -> None:
    await signed_out(open_world, backchannel_logout_uri=receiver.uri)
    assert len(await open_world.issuer.store.logouts.claim(int(open_world.issuer.clock()), 10)) == 1  # and dies
    assert await deliver_due(open_world.issuer) == 0
    async with open_world.later(deliveries.LEASE + 1) as world:
        assert await deliver_due(world.issuer) == 1
    assert len(receiver.forms) == 1


async def test_disabling_a_user_tells_the_clients(open_world: World, receiver: Receiver) -> None:
    from service.admin import users

    await open_world.openid_client(backchannel_logout_uri=receiver.uri)
    person = Person(open_world)
    await person.sign_in()
    await users.disable_user(open_world.issuer, "alice")
    assert await deliver_due(open_world.issuer) == 1
    assert (await person.authorize(prompt="none")).error == "login_required"


async def test_the_queue_ends_by_itself(open_world: World, receiver: Receiver) -> None:
    """P4."""
    await signed_out(open_world, backchannel_logout_uri=receiver.uri)
    ends = open_world.ends("{logout}")
    assert len(ends) == 2
    assert min(ends.values()) > 0


CUTS = {
    "the intention": rb"mm:\{logout\}:due",
    "the session": rb"mm:\{session:.*\}",
    "the list of grants": rb"mm:\{user:.*\}:grants",
    "a grant": rb"mm:\{[A-Za-z0-9_-]{22}\}",
}
"""Keys of the commands that end a session."""


@pytest.mark.parametrize("lost", ["before", "after"])
@pytest.mark.parametrize("cut", CUTS)
async def test_a_logout_that_is_cut_off_is_finished(
    redis: Shape, proxy: CuttingProxy, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, cut: str, lost: str
) -> None:
    """Redis goes away in the middle of it: nothing that was granted in the session outlives it, and the client hears."""
    monkeypatch.setattr(repeated_forms, "_PATIENCE", 0.3)  # for the answer of the form that was cut off

    def goes_away(command: list[bytes]) -> bool:
        found = any(re.fullmatch(CUTS[cut], word) for word in command[1:4]) and command[0] != b"GET"
        proxy.refusing = proxy.refusing or found
        return found

    settings = settings_for(proxy.url, fetch_private_addresses=True, redis_timeout=0.5)
    async with open_issuer(settings) as issuer, in_process(issuer) as http:
        world = World(issuer, http, redis)
        await world.openid_client(backchannel_logout_uri=receiver.uri)
        await world.user()
        person = Person(world)
        code = (await person.sign_in()).answer["code"]
        tokens = await (await world.redeem(code, code_verifier=VERIFIER)).json()
        asked = await person.get("/logout")
        order = proxy.cut_before if lost == "before" else proxy.cut_after
        order(goes_away)
        assert (await person.submit(asked, decision="logout")).status == 503
        proxy.heal()
        while not await is_back(issuer):
            await asyncio.sleep(0.05)
        assert (await person.submit(asked, decision="logout")).heading == "You are signed out"
        async with world.later(20) as then:
            while await deliver_due(then.issuer):
                pass
            assert not await then.is_active(tokens["access_token"])
            assert (await then.refresh(tokens["refresh_token"])).status == 400
        assert receiver.forms
        assert await issuer.store.logouts.waiting() == 0


async def is_back(issuer: Issuer) -> bool:
    try:
        return await issuer.store.clients.read("app") is not None
    except TemporarilyUnavailable:
        return False


async def test_a_logout_that_was_cut_off_does_not_end_the_next_login(world: World) -> None:
    """Signing out did not work (503), the person signs in again: that is not undone a moment later."""
    await world.openid_client(skip_consent=True)
    await world.user()
    person = Person(world)
    await person.sign_in()
    session = await sessions.read(world.issuer, person.cookies["mintmark_session"])
    assert session is not None
    ending = LogoutDelivery.of_ending("alice", session.sid, session.secret_hash)
    await world.issuer.store.logouts.queue("x" * 22, ending, 0)
    await person.log_in(await person.authorize(prompt="login"))
    await deliver_due(world.issuer)
    assert "code" in (await person.authorize(prompt="none")).answer
