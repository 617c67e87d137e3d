"""Failed authentications are limited per client and address, and nobody is locked out elsewhere.

Addresses come from X-Forwarded-For, told by a proxy that the settings trust.
"""

import logging

import pytest

from service.records.client import ClientSecret
from service.store.keys import Keys
from tests.world import SECRET, World, basic, error_of

GRANT = {"grant_type": "client_credentials"}
HERE, THERE = "192.0.2.1", "198.51.100.1"
PROXIED = {"trusted_proxies": ("127.0.0.1",), "failure_first_delay": 60, "failure_longest_delay": 200}


async def _try(world: World, secret: str, address: str = HERE, client_id: str = "app") -> tuple[int, str | None]:
    headers = basic(client_id, secret) | {"X-Forwarded-For": address}
    response = await world.http.post("/token", data=GRANT, headers=headers)
    return response.status, response.headers.get("Retry-After")


def _seconds_blocked(world: World, who: str) -> int:
    return int(world.redis.nodes[0].admin.ttl(Keys().blocked(who)))


async def _client_of_people(world: World, client_id: str = "app") -> None:
    """A client with an imported secret, which somebody might guess."""
    await world.client(client_id, secrets=(ClientSecret(await world.issuer.hashing.hash("imported")),))


async def test_after_the_failures_allowed_even_the_right_secret_has_to_wait(world: World) -> None:
    await _client_of_people(world)
    async with world.having(client_failures_allowed=2, **PROXIED) as strict:
        assert [await _try(strict, "wrong") for _ in range(2)] == [(401, None)] * 2
        assert await _try(strict, "wrong") == (429, "60")
        status, retry_after = await _try(strict, "imported")
    assert (status, 0 < int(retry_after or 0) <= 60) == (429, True)


async def test_too_many_is_still_invalid_client_and_says_how_long(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """AU-02: 429 (RFC 6585) with the error of RFC 6749; operators and metrics see a security event."""
    await world.client()
    async with world.having(client_failures_allowed=1, **PROXIED) as strict:
        await _try(strict, "wrong")
        headers = basic("app", "wrong") | {"X-Forwarded-For": HERE}
        response = await strict.http.post("/token", data=GRANT, headers=headers)
        assert await error_of(response) == (429, "invalid_client")
        assert "60 seconds" in (await response.json())["error_description"]
    (record,) = [record for record in caplog.records if record.getMessage() == "client_blocked"]
    assert (record.levelno, record.client_id, record.address) == (logging.WARNING, "app", HERE)  # type: ignore[attr-defined]
    assert b'mintmark_security_events_total{event="client_blocked"} 1.0' in world.issuer.metrics.exposition()


async def test_elsewhere_nothing_is_locked(world: World) -> None:
    """Another address of the same client, and another client at the same address, go on."""
    await _client_of_people(world)
    await _client_of_people(world, "other")
    async with world.having(client_failures_allowed=1, **PROXIED) as strict:
        for _ in range(3):
            await _try(strict, "wrong")
        assert (await _try(strict, "imported"))[0] == 429
        assert (await _try(strict, "imported", THERE))[0] == 200
        assert (await _try(strict, "imported", client_id="other"))[0] == 200


async def test_whoever_has_one_ipv6_address_has_them_all(world: World) -> None:
    """Failures count for the /64."""
    await _client_of_people(world)
    async with world.having(client_failures_allowed=2, **PROXIED) as strict:
        statuses = [(await _try(strict, "wrong", f"2001:db8::{number}"))[0] for number in range(1, 4)]
        assert statuses == [401, 401, 429]
        assert (await _try(strict, "imported", "2001:db8::99"))[0] == 429
        assert (await _try(strict, "imported", "2001:db8:0:1::1"))[0] == 200


async def test_a_generated_secret_cannot_be_guessed_so_its_owner_never_waits(world: World) -> None:
    await world.client()
    async with world.having(client_failures_allowed=1, **PROXIED) as strict:
        assert [(await _try(strict, "wrong"))[0] for _ in range(3)] == [401, 429, 429]
        assert (await _try(strict, SECRET))[0] == 200


async def test_the_delay_doubles_up_to_the_longest(world: World) -> None:
    """The key that blocks lives as long as the delay; each process counts what it sees."""
    await world.client()
    who, delays, lives = f"client:app@{HERE}", [], []
    for _ in range(5):
        world.issuer.store.failures._blocked_here.clear()  # as another process, which has not heard of the block
        async with world.having(client_failures_allowed=1, **PROXIED) as strict:
            delays.append((await _try(strict, "wrong"))[1])
        lives.append(_seconds_blocked(world, who))
    assert delays == [None, "60", "120", "200", "200"]
    assert lives[0] == -2, "the first failure is free: there is no key"
    assert 0 < lives[1] <= 60 < lives[2] <= 120 < lives[3] <= 200


async def test_failures_are_forgotten_by_themselves(world: World) -> None:
    """P4: the counter's own TTL is the memory."""
    await world.client()
    async with world.having(client_failures_allowed=5, failure_memory=100, **PROXIED) as strict:
        await _try(strict, "wrong")
        assert 0 < world.redis.nodes[0].admin.ttl(Keys().failures(f"client:app@{HERE}")) <= 100
        world.expire("failures")
        for _ in range(5):
            assert await _try(strict, "wrong") == (401, None)


async def test_asking_without_a_secret_counts_nothing(world: World) -> None:
    """Whoever knows a client_id cannot block the client by only naming it."""
    await world.client()
    async with world.having(client_failures_allowed=1) as strict:
        for _ in range(3):
            response = await strict.post("/token", GRANT | {"client_id": "app"}, None)
            assert await error_of(response) == (401, "invalid_client")
    assert not world.key_names("failures")


async def test_names_of_clients_that_do_not_exist_leave_nothing_behind(world: World) -> None:
    """Nobody fills Redis with made-up names."""
    for number in range(5):
        assert (await world.token(f"ghost-{number}", **GRANT)).status == 401
    assert not world.key_names()
