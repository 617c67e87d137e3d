"""What a process remembers of what strangers sent has a bound in bytes, not only in entries."""

import json
import time

import jwt
import pytest
from aiohttp.test_utils import make_mocked_request

from service.crypto import client_keys
from service.crypto.client_keys import ClientKeys, KeySource
from service.crypto.key_material import generate, public_jwk
from service.fronts import peer
from service.observe.counting import CacheCounts
from service.outbound.http_client import HttpResponse
from service.protocol.names import SigningAlgorithm
from service.store import clients
from service.store.bounded_cache import BoundedCache
from service.store.clients import Clients
from tests.world import World, settings_for

JWK = public_jwk(generate(SigningAlgorithm.ES256, 0), SigningAlgorithm.ES256)


def test_the_oldest_go_when_places_or_bytes_run_out() -> None:
    cache: BoundedCache[int] = BoundedCache(3, 10_000)
    for number in range(4):
        cache.put(f"n{number}", number, 10)
    assert [cache.get(f"n{number}") for number in range(4)] == [None, 1, 2, 3]
    cache.renew("n1")
    cache.put("large", 9, 6_000)
    assert (cache.get("n1"), cache.get("n2"), cache.get("large")) == (1, None, 9)
    cache.put("larger", 8, 8_900)
    assert (len(cache), cache.get("larger")) == (1, 8)
    cache.put("too large", 7, 10_000)
    assert (cache.get("too large"), cache.get("larger")) == (None, 8)


def test_what_is_dropped_weighs_nothing() -> None:
    cache: BoundedCache[int] = BoundedCache(100, 100_000)
    for number in range(50):
        cache.put("same", number, number * 100)
        cache.put(f"other{number}", number, 7)
        cache.drop(f"other{number}")
    cache.drop("same")
    cache.drop("never there")
    assert (len(cache), cache.bytes) == (0, 0)
    cache.put("again", 1, 1)
    cache.clear()
    assert (len(cache), cache.bytes) == (0, 0)


async def test_large_clients_push_each_other_out(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "_CACHED_BYTES", 500_000)
    counted = CacheCounts()
    held = Clients(world.issuer.store.connection, world.issuer.store.keys, time.monotonic, counted)
    for size, remembered in ((100, 20), (50_000, 4)):
        names = [f"c{size}-{number}" for number in range(20)]
        for name in names:
            await world.client(name, description="x" * size)
            await held.get(name)
        counted.hits = 0
        for name in reversed(names):
            await held.get(name)
        assert counted.hits == remembered


async def test_names_that_nobody_can_have_are_not_looked_up(world: World) -> None:
    counted = CacheCounts()
    held = Clients(world.issuer.store.connection, world.issuer.store.keys, time.monotonic, counted)
    world.redis.flush()
    for _ in range(2):
        assert await held.get("x" * 60_000) is None
    assert (counted.hits, len(held._cache)) == (0, 0)


async def test_large_key_sets_push_each_other_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_keys, "_CACHED_BYTES", 500_000)
    fetched: list[str] = []

    async def fetch(url: str, **_: str) -> HttpResponse:
        fetched.append(url)
        return HttpResponse(200, json.dumps({"keys": [JWK | {"kid": "k" * int(url.rpartition("/")[2])}]}).encode(), {})

    for size, again in ((10, 0), (200_000, 18)):
        keys = ClientKeys(settings_for("redis://127.0.0.1"), fetch)
        sources = [KeySource(f"c{number}", jwks_uri=f"https://c{number}.example/{size}") for number in range(20)]
        for source in (*sources, *reversed(sources)):
            found = await keys.keys(source, kid=None, algorithm="ES256")
            assert isinstance(found[0], jwt.PyJWK)
        assert len(fetched) == 20 + again
        fetched.clear()


def test_an_address_in_a_header_is_remembered_only_if_it_can_be_one(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = settings_for("redis://127.0.0.1", trusted_proxies=("0.0.0.0/0",))
    monkeypatch.setattr("aiohttp.web.BaseRequest.remote", "192.0.2.1")
    before = peer._address.cache_info().currsize
    for hop in ("9" * 8000, "[" + "f" * 8000, "2001:db8::1"):
        http = make_mocked_request("GET", "/", headers={"X-Forwarded-For": hop})
        assert peer.peer_of(http, settings).address == ("2001:db8::1" if len(hop) < 64 else "192.0.2.1")
    assert peer._address.cache_info().currsize <= before + 1
