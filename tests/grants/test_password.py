"""grant_type=password (RFC 6749 section 4.3): off unless the client has it."""

import logging

import pytest
from aiohttp import ClientResponse

from service.concurrency.fair_queue import Requester
from service.crypto.passwords import Hashing
from service.directory import RedisDirectory
from tests.world import World, basic, error_of, settings_for

HERE, THERE = "192.0.2.1", "198.51.100.1"
PROXIED = {"trusted_proxies": ("127.0.0.1",), "failure_first_delay": 60, "failure_longest_delay": 200}


async def _sign_in(
    world: World, username: str = "alice", password: str = "wonderland", address: str = HERE, **more: str
) -> ClientResponse:
    form = {"grant_type": "password", "username": username, "password": password} | more
    return await world.http.post("/token", data=form, headers=basic("app") | {"X-Forwarded-For": address})


async def _outcome(response: ClientResponse) -> tuple[int, str | None]:
    return response.status, response.headers.get("Retry-After")


def _seconds_blocked(world: World, address: str) -> int:
    """How long the one user who was tried has to wait at this address."""
    (place,) = (name for name in world.key_names(":blocked") if address in name and "address:" not in name)
    return int(world.redis.nodes[0].admin.ttl(place))


async def test_a_username_and_its_password_are_tokens(world: World) -> None:
    """IT-03, WM-05, WM-14, WM-15, AU-31, AU-32, IA-15, IA-34, IA-08, WM-26."""
    await world.client()
    await world.user(subject="sub-1")
    async with world.standing() as standing:
        body = await (await _sign_in(standing, scope="read write")).json()
    assert set(body) == {"access_token", "token_type", "expires_in", "refresh_token", "scope"}
    told = await world.introspect(body["access_token"])
    assert (told["sub"], told["username"], told["scope"]) == ("sub-1", "alice", "read write")
    (listed,) = (await world.issuer.store.grants.list_of_user("sub-1")).grants
    assert listed.grant.grant_type == "password"
    assert listed.grant.auth_time == listed.grant.issued_at == told["iat"]


async def test_the_refresh_token_is_the_persons_too(world: World) -> None:
    await world.client()
    await world.user()
    body = await (await _sign_in(world)).json()
    refreshed = await (await world.refresh(body["refresh_token"])).json()
    assert (await world.introspect(refreshed["access_token"]))["sub"] == "alice"


async def test_unknown_disabled_and_wrong_look_the_same(world: World) -> None:
    """IT-03, IA-34: nobody learns who has an account; nothing is kept of a failed sign-in but its count."""
    await world.client()
    await world.user()
    await world.user("bob")
    await world.user("carol", password_hash="")
    await world.set_enabled("bob", enabled=False)
    answers = []
    for username, password in (
        ("alice", "wrong"),
        ("ghost", "wonderland"),
        ("bob", "wonderland"),
        ("carol", "wonderland"),
    ):
        response = await _sign_in(world, username, password)
        headers = {name: value for name, value in response.headers.items() if name not in ("Date", "X-Request-ID")}
        answers.append((response.status, await response.json(), headers))
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][:2] == (
        400,
        {"error": "invalid_grant", "error_description": "The username or password is wrong."},
    )
    assert not world.ends(":access:")


async def test_the_same_work_is_done_for_a_user_who_does_not_exist(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Timing tells no more than the text: one argon2 verification for every attempt."""
    await world.client()
    await world.user()
    await world.user("bob")
    await world.set_enabled("bob", enabled=False)
    worked: list[str] = []
    matches = Hashing._matches

    def counted(hashing: Hashing, password: str, hashed: str) -> bool:
        worked.append(hashed.rpartition("$")[0].rpartition("$")[0])  # algorithm and cost
        return matches(hashing, password, hashed)

    monkeypatch.setattr(Hashing, "_matches", counted)
    for username in ("alice", "ghost", "bob"):
        await _sign_in(world, username, "wrong")
    await _sign_in(world, "alice", "wonderland")
    await _sign_in(world, "alice", "w" * 60_000)
    assert len(worked) == 5
    assert len(set(worked)) == 1
    assert worked[0].startswith("$argon2id$")


@pytest.mark.parametrize(
    ("form", "told"),
    [
        pytest.param({"password": "x"}, "username", id="WM-14 no username"),
        pytest.param({"username": "alice"}, "password", id="WM-15 no password"),
        pytest.param({"username": "alice", "password": ""}, "password", id="an empty password"),
    ],
)
async def test_both_are_required(world: World, form: dict[str, str], told: str) -> None:
    await world.client()
    response = await world.token(grant_type="password", **form)
    assert await error_of(response) == (400, "invalid_request")
    assert told in (await response.json())["error_description"]


@pytest.mark.parametrize(
    ("username", "password"),
    [
        pytest.param("Alice", "wonderland", id="another case"),
        pytest.param("al ice", "wonderland", id="a space inside"),
        pytest.param("alice", "wonderland ", id="a space behind the password"),
        pytest.param("*", "wonderland", id="a pattern"),
        pytest.param("{alice}", "wonderland", id="braces"),
        pytest.param("alice\r\nX: y", "wonderland", id="line ends"),
        pytest.param("a" * 60_000, "wonderland", id="a very long username"),
        pytest.param("ålice", "wonderland", id="a letter alike"),
        pytest.param("alice", "w" * 60_000, id="a very long password"),
        pytest.param("alice", "Wonderland", id="another case of the password"),
        pytest.param("alice", "wonderland\n", id="a line end behind the password"),
    ],
)
async def test_nobody_else_signs_in(world: World, username: str, password: str) -> None:
    await world.client()
    await world.user()
    assert await error_of(await _sign_in(world, username, password)) == (400, "invalid_grant")
    for key in world.key_names():
        assert (key.count("{") <= 1, "\n" in key, len(key) < 1000) == (True, False, True)


async def test_a_password_is_as_long_as_it_may_be(world: World) -> None:
    """1,024 characters, all of which count."""
    await world.client()
    await world.user(password="p" * 1024)
    assert (await _sign_in(world, password="p" * 1024)).status == 200
    assert (await _sign_in(world, password="p" * 1023 + "q")).status == 400
    assert (await _sign_in(world, password="p" * 1025)).status == 400


@pytest.mark.parametrize(("username", "password"), [("ünï:cödé {x}", "pä ss+w&örd=%")])
async def test_any_characters_are_a_name(world: World, username: str, password: str) -> None:
    await world.client()
    await world.user(username, password)
    assert (await _sign_in(world, username, password)).status == 200


async def test_off_unless_the_client_has_the_grant_type(world: World) -> None:
    await world.client(grant_types=("client_credentials", "authorization_code", "refresh_token"))
    await world.user()
    assert await error_of(await _sign_in(world)) == (400, "unauthorized_client")


async def test_a_public_client_may_have_it(world: World) -> None:
    await world.public_client(grant_types=("password",))
    await world.user()
    form = {"grant_type": "password", "username": "alice", "password": "wonderland", "client_id": "phone"}
    response = await world.post("/token", form, None)
    assert (response.status, "refresh_token" in await response.json()) == (200, False)


async def test_scope_and_resource_are_checked_before_the_password(world: World) -> None:
    """A wrong scope costs no hashing and counts no failure."""
    await world.client()
    await world.user()
    assert await error_of(await _sign_in(world, password="wrong", scope="admin")) == (400, "invalid_scope")
    assert await error_of(await _sign_in(world, password="wrong", resource="https://x.example")) == (
        400,
        "invalid_target",
    )
    assert not world.ends("failures")


# limits


@pytest.mark.parametrize(
    ("limit", "places", "event"),
    [
        ("user_failures_allowed", (HERE, HERE, HERE), "user_blocked"),
        ("user_failures_allowed_anywhere", (HERE, THERE, "203.0.113.1"), "user_blocked_everywhere"),
    ],
)
async def test_a_user_who_failed_too_often_waits_even_with_the_right_password(
    world: World, caplog: pytest.LogCaptureFixture, limit: str, places: tuple[str, ...], event: str
) -> None:
    """Whoever guesses one person's password from one place, or from many."""
    await world.client()
    await world.user()
    await world.user("bob")
    async with world.having(**{limit: 2}, **PROXIED) as strict:
        for address in places:
            assert await _outcome(await _sign_in(strict, password="wrong", address=address)) == (400, None)
        response = await _sign_in(strict, address=HERE)
        assert await error_of(response) == (429, "invalid_grant")
        assert 0 < int(response.headers["Retry-After"]) <= 60
        assert (await _sign_in(strict, "bob")).status == 200, "others are not locked out"
        elsewhere = await _sign_in(strict, address=THERE)
        assert elsewhere.status == (200 if limit == "user_failures_allowed" else 429), "a guesser at one place"
    logged = [record for record in caplog.records if record.getMessage() == event]
    assert (logged[0].levelno, logged[0].client_id, logged[0].address) == (logging.WARNING, "app", HERE)  # type: ignore[attr-defined]
    assert f'mintmark_security_events_total{{event="{event}"}}'.encode() in world.issuer.metrics.exposition()


async def test_an_address_that_failed_too_often_waits_whoever_it_tries(world: World) -> None:
    """Whoever tries one password on many people."""
    await world.client()
    await world.user()
    async with world.having(address_failures_allowed=2, **PROXIED) as strict:
        for number in range(3):
            assert (await _sign_in(strict, f"ghost-{number}")).status == 400
        assert (await _sign_in(strict)).status == 429
        assert (await _sign_in(strict, address=THERE)).status == 200
    assert b'mintmark_security_events_total{event="address_blocked"} 1.0' in world.issuer.metrics.exposition()


async def test_names_of_nobody_are_limited_like_names_of_somebody(world: World) -> None:
    """Otherwise the delay would tell who has an account."""
    await world.client()
    await world.user()
    async with world.having(user_failures_allowed=1, **PROXIED) as strict:
        for username in ("alice", "ghost"):
            outcomes = [await _outcome(await _sign_in(strict, username, "wrong")) for _ in range(3)]
            assert [status for status, _ in outcomes] == [400, 400, 429]


async def test_the_delay_grows_and_ends_by_itself(world: World) -> None:
    """The blocked key's own TTL is the delay: twice as long each time, up to the longest."""
    await world.client()
    await world.user()
    delays = []
    async with world.having(user_failures_allowed=1, **PROXIED) as strict:
        assert (await _sign_in(strict, password="wrong")).status == 400
        for _ in range(4):
            assert (await _sign_in(strict, password="wrong")).status == 400
            delays.append(_seconds_blocked(world, HERE))
            assert (await _sign_in(strict)).status == 429
            world.expire(":blocked")
        assert (await _sign_in(strict)).status == 200, "after the delay the right password is right again"
    assert 0 < delays[0] <= 60 < delays[1] <= 120 < delays[2] <= 200
    assert 120 < delays[3] <= 200


async def test_a_success_forgets_the_failures_before_it(world: World) -> None:
    await world.client()
    await world.user()
    async with world.having(user_failures_allowed=2, **PROXIED) as strict:
        for _ in range(3):
            for _ in range(2):
                assert (await _sign_in(strict, password="wrong")).status == 400
            assert (await _sign_in(strict)).status == 200


async def test_a_success_does_not_wash_an_address_clean(world: World) -> None:
    """Who has one account could otherwise try everybody else's for ever."""
    await world.client()
    await world.user("mallory", "mine")
    async with world.having(address_failures_allowed=2, **PROXIED) as strict:
        for number in range(3):
            assert (await _sign_in(strict, f"victim-{number}")).status == 400
            if number < 2:
                assert (await _sign_in(strict, "mallory", "mine")).status == 200
        assert (await _sign_in(strict, "mallory", "mine")).status == 429


async def test_too_many_at_once_is_503_and_nobody_waits_for_ever(world: World) -> None:
    """P7: the wait for argon2 is bounded."""
    await world.client()
    await world.user()
    settings = settings_for(world.redis.url, argon2_threads=1, argon2_wait=0.01)
    full = Hashing(settings)
    await full._queue.take(Requester())
    async with world.with_part(directory=RedisDirectory(world.issuer.store, full, settings)) as busy:
        response = await _sign_in(busy)
        assert await error_of(response) == (503, "temporarily_unavailable")
        assert response.headers["Retry-After"] == "1"
        full._queue.release()
        assert (await _sign_in(busy)).status == 200, "nobody is waiting any more"
    full.close()
