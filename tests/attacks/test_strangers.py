"""What strangers do must not keep users out: neither by many guesses at once, nor by many guesses at one name."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from copy import copy
from typing import Any

import pytest

from service.concurrency.fair_queue import Requester, RequesterGroup
from service.crypto.passwords import Hashing
from service.directory import BlockedError, RedisDirectory
from service.records.client import ClientSecret
from tests.patience import PATIENCE
from tests.person import Person
from tests.world import World, basic, settings_for

HOME, OFFICE = "203.0.113.7", "2001:db8:1:2::7"
PROXIED = {"trusted_proxies": ("127.0.0.1",), "failure_first_delay": 60}


@asynccontextmanager
async def _one_thread(world: World, **changes: Any) -> AsyncIterator[World]:
    """A service that hashes one password at a time, and lets 30 of a group wait."""
    settings = settings_for(world.redis.url, argon2_threads=1, argon2_queue=30, argon2_wait=60, **PROXIED, **changes)
    hashing = Hashing(settings)
    directory = RedisDirectory(world.issuer.store, hashing, settings)
    async with world.with_part(settings=settings, hashing=hashing, directory=directory) as made:
        yield made
    hashing.close()


async def _token(world: World, username: str, password: str, address: str) -> int:
    form = {"grant_type": "password", "username": username, "password": password}
    headers = basic("app") | {"X-Forwarded-For": address}
    return (await world.http.post("/token", data=form, headers=headers)).status


async def _stranger(world: World, number: int) -> int:
    """A guess at the name of nobody, from one of a hundred networks."""
    return await _token(world, f"nobody-{number}", "guess", f"192.0.{number}.1")


def _waiting(world: World, group: RequesterGroup) -> int:
    line = world.issuer.hashing._queue._lines.get(group)
    return line.size if line else 0


async def _first_done(asked: Sequence["asyncio.Future[int]"], number: int) -> None:
    while sum(one.done() for one in asked) < number:
        await asyncio.sleep(0)


async def _until_waiting(world: World, group: RequesterGroup, number: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while _waiting(world, group) < number:
            await asyncio.sleep(0)


async def test_a_hundred_strangers_do_not_starve_right_passwords(world: World) -> None:
    """Known networks, clients with an imported secret and networks that did nothing wrong have places of their own."""
    await world.client()
    imported = ClientSecret(await world.issuer.hashing.hash("imported"))
    await world.client("batch", secrets=(imported,))
    for name in ("alice", "bob", "carol"):
        await world.user(name)
    async with _one_thread(world) as busy:
        assert await _token(busy, "alice", "wonderland", HOME) == 200
        assert {await _stranger(busy, number) for number in range(100)} == {400}
        await busy.issuer.hashing._queue.take(Requester())
        flood = [asyncio.ensure_future(_stranger(busy, number)) for number in range(100)]
        await asyncio.wait_for(_first_done(flood, 70), PATIENCE)
        assert _waiting(busy, RequesterGroup.SUSPECTS) == 30
        right = [
            asyncio.ensure_future(_token(busy, "alice", "wonderland", HOME)),
            asyncio.ensure_future(_token(busy, "bob", "wonderland", OFFICE)),
            asyncio.ensure_future(_token(busy, "carol", "wonderland", "198.51.100.9")),
        ]
        secret = busy.post("/token", {"grant_type": "client_credentials"}, "batch", "imported")
        secrets = [asyncio.ensure_future(secret)]
        await _until_waiting(busy, RequesterGroup.OTHERS, 2)
        await _until_waiting(busy, RequesterGroup.CLIENTS, 1)
        busy.issuer.hashing._queue.release()
        assert await asyncio.gather(*right) == [200, 200, 200]
        assert [response.status for response in await asyncio.gather(*secrets)] == [200]
        assert sorted(await asyncio.gather(*flood)) == [400] * 30 + [503] * 70, "as many as may wait"
        assert not any(line.size for line in busy.issuer.hashing._queue._lines.values()), "nobody is left waiting"
        assert not busy.issuer.directory._limiter._turns  # type: ignore[attr-defined]


async def test_strangers_who_guess_at_a_secret_do_not_starve_the_right_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also not once its minute is over: each of 30 networks has one guess waiting, and no further one may."""
    await world.client("batch", secrets=(ClientSecret(await world.issuer.hashing.hash("imported")),))

    async def asked(secret: str, address: str) -> int:
        headers = basic("batch", secret) | {"X-Forwarded-For": address}
        return (await busy.http.post("/token", data={"grant_type": "client_credentials"}, headers=headers)).status

    async with _one_thread(world) as busy:
        assert await asked("imported", HOME) == 200
        monkeypatch.setattr("service.crypto.passwords.time.monotonic", lambda now=time.monotonic: now() + 61)
        await busy.issuer.hashing._queue.take(Requester())
        guesses = [asyncio.ensure_future(asked(f"guess-{number}", f"192.0.{number}.1")) for number in range(40)]
        await asyncio.wait_for(_first_done(guesses, 10), PATIENCE)
        assert _waiting(busy, RequesterGroup.CLIENTS) == 30
        right = asyncio.ensure_future(asked("imported", HOME))
        await _until_waiting(busy, RequesterGroup.KNOWN, 1)
        busy.issuer.hashing._queue.release()
        assert await right == 200
        assert sorted(await asyncio.gather(*guesses)) == [401] * 30 + [503] * 10


async def _guess_everywhere(world: World, username: str = "alice") -> None:
    """112 guesses from 26 networks."""
    verify = world.issuer.directory.verify
    for number in range(112):
        with_delay = verify(username, f"guess-{number}", f"192.0.{number % 26}.1")
        await asyncio.gather(with_delay, return_exceptions=True)


@asynccontextmanager
async def _at(world: World, address: str) -> AsyncIterator[Person]:
    """A browser whose requests come from this address."""
    async with world.having(**PROXIED) as proxied:
        proxied.http.session.headers["X-Forwarded-For"] = address
        yield Person(proxied)


async def test_a_browser_that_signed_in_before_is_not_kept_out_by_strangers(any_world: World) -> None:
    await any_world.openid_client()
    await any_world.user()
    async with _at(any_world, HOME) as own:
        await own.sign_in()
        device = own.cookies["mintmark_device"]
    await _guess_everywhere(any_world)
    async with _at(any_world, "198.51.100.1") as travelling:
        stranger = await travelling.log_in(await travelling.authorize())
        assert "Please try again in " in stranger.text, "whoever was never here has to wait"
        travelling.cookies = {"mintmark_device": device}
        assert (await travelling.sign_in(prompt="consent")).answer["code"]
    async with _at(any_world, HOME) as without_cookies:
        assert (await without_cookies.sign_in(prompt="consent")).answer["code"], "the network is known, too"


async def test_guesses_at_a_known_browser_are_counted_by_its_cookie(world: World) -> None:
    """A stolen cookie is no way to guess for ever, and its guesses keep nobody else out."""
    await world.user()
    async with world.having(user_failures_allowed=3, **PROXIED) as strict:
        verify = strict.issuer.directory.verify
        person = await verify("alice", "wonderland", HOME, "")
        assert person is not None
        for number in range(4):
            assert await verify("alice", "guess", f"192.0.2.{number}", person.device) is None
        with pytest.raises(BlockedError) as blocked:
            await verify("alice", "wonderland", "192.0.2.99", person.device)
        assert 0 < blocked.value.seconds <= 60
        assert await verify("alice", "wonderland", HOME), "at home, without the cookie"
        assert await verify("alice", "wonderland", "192.0.2.0"), "where the thief was: nothing was counted there"


async def test_a_known_browser_is_known_for_its_user_until_the_password_changes(world: World) -> None:
    await world.user()
    await world.user("bob")
    from service.admin.users import delete_user, set_password

    async with world.having(user_failures_allowed=1, user_failures_allowed_anywhere=1, **PROXIED) as strict:
        verify = strict.issuer.directory.verify
        person = await verify("alice", "wonderland", HOME, "")
        assert person is not None
        for name in ("alice", "bob"):
            for number in range(3):
                await asyncio.gather(verify(name, "guess", f"192.0.{number}.1"), return_exceptions=True)
        assert await verify("alice", "wonderland", "192.0.2.99", person.device)
        with pytest.raises(BlockedError):
            await verify("bob", "wonderland", "192.0.2.99", person.device)
        await set_password(strict.issuer, "alice", "another wonder")
        for number in range(3):
            await asyncio.gather(verify("alice", "guess", f"192.0.{number}.1"), return_exceptions=True)
        for address, device in (("192.0.2.99", person.device), (HOME, "")):
            with pytest.raises(BlockedError):
                await verify("alice", "another wonder", address, device)
        await delete_user(strict.issuer, "alice")
    assert not world.key_names("known:")


async def test_cookies_that_nobody_gave_are_no_way_around_the_turns(world: World) -> None:
    """A hundred guesses at once, each with a cookie of its own, are still tried one at a time."""
    await world.user()
    settings = settings_for(world.redis.url, user_failures_allowed=5, failure_first_delay=60)
    directory = RedisDirectory(world.issuer.store, world.issuer.hashing, settings)
    guesses = (directory.verify("alice", "guess", HOME, f"device-{number}") for number in range(100))
    outcomes = await asyncio.gather(*guesses, return_exceptions=True)
    assert sum(outcome is None for outcome in outcomes) == 6, "the allowed ones, and the one that is over"
    assert not directory._limiter._turns


async def test_what_is_remembered_of_a_user_is_bounded_and_ends(any_world: World) -> None:
    """Twenty browsers and networks, for ninety days; neither cookies nor addresses can be read."""
    await any_world.user()
    verify = any_world.issuer.directory.verify
    devices = [""]
    for number in range(25):
        person = await verify("alice", "wonderland", f"192.0.2.{number}", "")
        devices.append(person.device if person else "")
    dump = any_world.redis.dump()
    kept = {key.decode(): entry for key, entry in dump.items() if b"{known:" in key}
    assert set(kept) == {"mm:{known:alice}:browsers", "mm:{known:alice}:networks"}
    for entry in kept.values():
        assert len(entry.value) == 20
        assert 0 < entry.pttl <= 90 * 86_400_000
        assert not any(device in str(entry.value) for device in devices if device)
        assert "192.0.2" not in str(entry.value)


async def test_a_network_or_a_browser_costs_no_further_round_trip(world: World) -> None:
    """One to read all, none to remember it: counted where every command passes by."""
    await world.user()
    connection, sent = world.issuer.store.connection, list[int]()
    execute_all = connection.execute_all

    async def counted(steps: Any, **more: Any) -> Any:
        sent.append(1)
        return await execute_all(steps, **more)

    store = copy(world.issuer.store)
    directory = RedisDirectory(store, world.issuer.hashing, world.issuer.settings)
    object.__setattr__(connection, "execute_all", counted)
    try:
        person = await directory.verify("alice", "wonderland", HOME, "")
        assert person is not None
        for device in (None, "", person.device):
            sent.clear()
            assert await directory.verify("alice", "wonderland", HOME, device)
            assert len(sent) == 1
    finally:
        object.__delattr__(connection, "execute_all")


async def test_nothing_that_was_typed_as_a_name_is_in_redis(any_world: World) -> None:
    """A password in the wrong field: under no key and in no value, not even as a hash that anybody could compare."""
    import hashlib
    from base64 import urlsafe_b64encode

    await any_world.openid_client()
    typed = "correct horse"
    async with _at(any_world, HOME) as person:
        await person.log_in(await person.authorize(), typed, "wrong")
    assert await _token(any_world, typed, "wrong", HOME) == 400
    everything = repr(any_world.redis.dump())
    assert "failures:user:" in everything
    assert typed not in everything
    assert "correct%20horse" not in everything
    for name in ("sha256", "sha512", "sha1", "md5", "blake2b"):
        digest = hashlib.new(name, typed.encode()).digest()
        assert digest.hex()[:20] not in everything
        assert urlsafe_b64encode(digest).decode()[:20] not in everything


async def test_processes_agree_on_pseudonyms_and_redis_cannot_make_them(world: World) -> None:
    """The key is that of the settings; only where they hold none, it lies in Redis."""
    from service.store.store import open_store

    keyed = settings_for(world.redis.url, master_key="m" * 40 + " " + "o" * 40)
    older = settings_for(world.redis.url, master_key="o" * 40)
    bare = settings_for(world.redis.url, master_key=None)
    names = []
    for settings in (keyed, older, bare, bare):
        store = await open_store(settings, listen=False)
        names.append(store.pseudonyms.of("alice"))
        await store.close()
        assert (world.key_names("pseudonyms") != set()) == (settings is bare)
    assert names[0] == names[1], "while a new master key is brought in, both processes count as one"
    assert names[2] == names[3]
    assert len(set(names)) == 2
