"""What the guard remembers, for how long, and what it asks the service."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from mintmark_guard import Guard, Refused
from mintmark_guard.claims_cache import ClaimsCache
from mintmark_guard.introspection import Introspection
from mintmark_guard.signed_tokens import SignedTokens
from service.admin import client_ending, users
from service.protocol.names import AccessTokenFormat
from tests.exchanging import ORDERS, acting, app, exchanged, orders
from tests.guard.guarding import API, is_let_in, listening, remembered, token_of
from tests.guarded import bearer
from tests.patience import PATIENCE
from tests.world import SECRET, World


@pytest.mark.parametrize(
    "how", ["token", "refresh token", "grant", "user", "disabled user", "client", "disabled client", "replayed refresh"]
)
async def test_what_ends_is_forgotten_at_once(served: World, guards: Callable[..., Guard], how: str) -> None:
    """The cache has it for a minute; whatever ends it empties that, without the clock."""
    await served.user()
    made = await served.client(audiences=(API,), refresh_grace=0)
    tokens = await served.tokens(made, scope="read", audience=(API,))
    token = tokens["access_token"]
    guard = await listening(guards(redis_url=served.redis.url))
    for _ in range(3):
        assert await is_let_in(guard, token)
    assert len(remembered(guard)) == 1
    match how:
        case "token":
            await served.revoke(token)
        case "refresh token":
            await served.revoke(tokens["refresh_token"])
        case "grant":
            await served.issuer.store.grants.revoke(token[6:28])
        case "user":
            await served.issuer.store.grants.revoke_user("alice")
        case "disabled user":
            await users.disable_user(served.issuer, "alice")
        case "client":
            await client_ending.revoke_client(served.issuer, "app")
        case "disabled client":
            await client_ending.disable_client(served.issuer, "app")
        case _:
            await served.refresh(tokens["refresh_token"])
            await served.refresh(tokens["refresh_token"])
    served.issuer.store.clients.forget(["app"])
    async with asyncio.timeout(PATIENCE):
        while len(remembered(guard)):
            await asyncio.sleep(0.001)
    assert not await is_let_in(guard, token)


@pytest.mark.parametrize("acts", [False, True])
async def test_an_exchanged_token_is_forgotten_with_the_client_that_it_came_from(
    served: World, guards: Callable[..., Guard], acts: bool
) -> None:
    """The token is for ``orders``; the news is of ``app`` alone, whose token that was exchanged, by impersonation or not."""
    await served.user()
    client = await app(served)
    await orders(served, exchange_audiences=(API,))
    held = await served.tokens(client, scope="read", audience=(ORDERS,))
    actor = await acting(served, "orders") if acts else {}
    token = (await exchanged(served, "orders", held["access_token"], audience=API, **actor))["access_token"]
    guard = await listening(guards(redis_url=served.redis.url))
    assert await is_let_in(guard, token)
    assert len(remembered(guard)) == 1
    await client_ending.revoke_client(served.issuer, "app")
    served.issuer.store.clients.forget(["app"])
    async with asyncio.timeout(PATIENCE):
        while len(remembered(guard)):
            await asyncio.sleep(0.001)
    assert not await is_let_in(guard, token)


async def test_a_revocation_that_overlaps_the_question_is_not_missed(
    served: World, guards: Callable[..., Guard]
) -> None:
    """Raced: asked, answered, ended, told, in whatever order; in the end nobody believes the old answer."""
    guard = await listening(guards(redis_url=served.redis.url))
    client = await served.client(audiences=(API,))
    for number in range(60):
        token = (await served.tokens(client, scope="read", audience=(API,)))["access_token"]

        async def end(token: str = token, wait: float = number % 10 / 3000) -> None:
            await asyncio.sleep(wait)
            await served.revoke(token)

        await asyncio.gather(is_let_in(guard, token), is_let_in(guard, token), end())
        async with asyncio.timeout(PATIENCE):
            while await is_let_in(guard, token):
                await asyncio.sleep(0.001)


async def test_nothing_is_remembered_while_nothing_is_heard(served: World, guards: Callable[..., Guard]) -> None:
    token = await token_of(served)
    deaf = guards(redis_url="redis://127.0.0.1:1/0")
    assert await is_let_in(deaf, token)
    assert len(remembered(deaf)) == 0
    guard = await listening(guards(redis_url=served.redis.url))
    assert await is_let_in(guard, token)
    assert isinstance(guard.source, Introspection)
    guard.source.hearing(False)
    assert len(remembered(guard)) == 0


async def test_without_channels_answers_are_remembered_only_on_request(
    served: World, guards: Callable[..., Guard]
) -> None:
    token = await token_of(served)
    forgetful, patient = guards(), guards(cache_seconds=60)
    for guard in (forgetful, patient):
        assert await is_let_in(guard, token)
    assert (len(remembered(forgetful)), len(remembered(patient))) == (0, 1)


async def test_the_same_question_is_asked_once(served: World, guards: Callable[..., Guard]) -> None:
    token = await token_of(served)
    guard = guards(cache_seconds=60)
    asked = 0
    fetched = guard.issuer.fetched

    async def counting(ask: Any) -> dict[str, Any]:
        nonlocal asked
        asked += 1
        return await fetched(ask)

    guard.issuer.fetched = counting  # type: ignore[method-assign]
    assert all(await asyncio.gather(*(is_let_in(guard, token) for _ in range(20))))
    assert asked == 2, "the metadata and the token"


async def test_a_service_that_is_away_is_503() -> None:
    for guard in (
        Guard("http://127.0.0.1:1", API),
        Guard("http://127.0.0.1:1", API, client_id="api", client_secret="x"),
    ):
        head = "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IngifQ"
        with pytest.raises(Refused) as refused:
            await guard.check(**bearer(f"{head}.e30.AAAA"))
        assert (refused.value.status, refused.value.headers) == (503, {"Retry-After": "1"})
        await guard.close()


async def test_who_comes_while_the_keys_are_read_for_the_first_time_waits(
    served: World, guards: Callable[..., Guard]
) -> None:
    """And is not told that they could not be read."""
    token = await token_of(served, access_token_format=AccessTokenFormat.JWT)
    guard, asked = guards("jwks"), 0
    fetched = guard.issuer.fetched

    async def slow(ask: Any) -> dict[str, Any]:
        nonlocal asked
        asked += 1
        await asyncio.sleep(0.05)
        return await fetched(ask)

    guard.issuer.fetched = slow  # type: ignore[method-assign]

    async def comes_later(number: int) -> bool:
        await asyncio.sleep(number / 200)
        return await is_let_in(guard, token)

    assert all(await asyncio.gather(*map(comes_later, range(40))))
    assert asked == 2, "the metadata and the keys"


async def test_keys_are_used_while_they_cannot_be_read_again(served: World, guards: Callable[..., Guard]) -> None:
    """And an issuer that is away is not asked for each forged kid."""
    token = await token_of(served, access_token_format=AccessTokenFormat.JWT)
    guard = guards("jwks")
    assert await is_let_in(guard, token)
    asked = 0

    async def hanging(_: Any) -> dict[str, Any]:
        nonlocal asked
        asked += 1
        raise TimeoutError

    guard.issuer.fetched = hanging  # type: ignore[assignment, method-assign]
    assert isinstance(guard.source, SignedTokens)
    keys = guard.source.keys
    keys._read_at -= 1000
    keys._again_at = 0.0
    for _ in range(20):
        assert await is_let_in(guard, token)
        head = "eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6ImZvcmdlZCJ9"
        with pytest.raises(Refused):
            await guard.check(**bearer(f"{head}.e30.AAAA"))
    assert asked == 1


async def test_a_key_of_a_kind_that_nobody_knows_yet_is_passed_over(
    served: World, guards: Callable[..., Guard]
) -> None:
    token = await token_of(served, access_token_format=AccessTokenFormat.JWT)
    guard = guards("jwks")
    fetched = guard.issuer.fetched

    async def with_others(ask: Any) -> dict[str, Any]:
        found = await fetched(ask)
        if "keys" in found:
            found["keys"][:0] = [{"kty": "AKP", "alg": "ML-DSA-65", "kid": "pq"}, {"kty": "EC", "kid": "half"}]
        return found

    guard.issuer.fetched = with_others  # type: ignore[method-assign]
    assert await is_let_in(guard, token)


async def test_who_asks_after_the_news_joins_no_older_question(served: World, guards: Callable[..., Guard]) -> None:
    token = await token_of(served)
    guard = await listening(guards(redis_url=served.redis.url))
    fetched, answered = guard.issuer.fetched, asyncio.Event()

    async def slow(ask: Any) -> dict[str, Any]:
        found = await fetched(ask)
        await answered.wait()
        return found

    guard.issuer.fetched = slow  # type: ignore[method-assign]
    older = asyncio.ensure_future(is_let_in(guard, token))
    await asyncio.sleep(0.1)
    news = remembered(guard).news
    await served.revoke(token)
    async with asyncio.timeout(PATIENCE):
        while remembered(guard).news == news:
            await asyncio.sleep(0.001)
    newer = asyncio.ensure_future(is_let_in(guard, token))
    await asyncio.sleep(0.1)
    answered.set()
    await older
    assert not await newer


async def test_an_issuer_that_calls_itself_otherwise_is_not_believed(served: World) -> None:
    token = await token_of(served)
    guard = Guard(served.issuer.url + "/", API, client_id="api", client_secret=SECRET)
    with pytest.raises(Refused) as refused:
        await guard.check(**bearer(token))
    assert refused.value.status == 503
    await guard.close()


def test_the_cache_is_bounded_and_ends_by_time() -> None:
    now = 0.0
    cache = ClaimsCache(3, lambda: now)
    for number in range(10):
        cache.keep(bytes([number]), {"jti": f"{number:022d}", "client_id": "app"}, 5)
    assert len(cache) == 3
    assert cache.get(bytes([9])) is not None
    cache.forget_grant(f"{9:022d}")
    assert cache.get(bytes([9])) is None
    now = 5.0
    assert cache.get(bytes([8])) is None
    cache.forget_client("app")
    assert (len(cache), cache._of) == (0, {})
