"""Clients that strangers register: as many, as large and as long as the settings say, and kept while somebody uses them."""

import asyncio
from collections import Counter
from typing import Any
from unittest.mock import AsyncMock

import pytest

from service.admin import client_ending, clients, registration
from service.admin.client_numbers import find_client, number_of
from service.admin.registration import Registrant, create_initial_access_token
from service.outbound.http_client import HttpClient, HttpClientError, HttpResponse
from service.protocol.errors import ProtocolError, TemporarilyUnavailable
from tests.assertions import Signer
from tests.person import Person
from tests.registering import WEB, manage, register
from tests.world import VERIFIER, World, basic

UNUSED, IDLE = 3600, 86_400 * 30
OPEN: dict[str, Any] = {
    **{"registration": "open", "registration_unused_lifetime": UNUSED, "registration_idle_lifetime": IDLE}
}


def left(world: World, part: str) -> list[int]:
    """Seconds that keys have left to live, in round hours; -1 = for ever."""
    now = world.issuer.clock()
    return [end if end == -1 else round((end - now) / 3600) for end in world.ends(part).values()]


async def test_a_client_that_nobody_uses_is_gone_by_itself(world: World) -> None:
    """With all that names it (P4); one that an operator let register stays."""
    async with world.having(**OPEN) as other:
        _, made = await register(other)
        client = await find_client(other.issuer, made["client_id"])
        await number_of(other.issuer, client)
        await manage(other, made, "PUT", json=WEB | {"client_id": made["client_id"], "client_name": "New"})
        assert (
            left(other, "mm:client:") == left(other, "mm:client-number:") == left(other, "{registrations}")[:1] == [1]
        )
        assert set(left(other, "")) == {1}
    async with world.having(registration="initial_access_token") as other:
        other.redis.flush()
        token = await create_initial_access_token(other.issuer, uses=1, lifetime=60)
        assert (await register(other, Authorization=f"Bearer {token}"))[0] == 201
        assert left(other, "mm:client:") == [-1]
        assert not other.key_names("{registrations}")


async def test_a_use_renews_it_once_a_day(world: World) -> None:
    """What a person got counts as one; asking does not."""
    async with world.having(**OPEN) as other:
        _, made = await register(other)
        await number_of(other.issuer, await find_client(other.issuer, made["client_id"]))
        await other.user()
        await other.http.get("/authorize", params={"client_id": made["client_id"]}, allow_redirects=False)
        form = {"grant_type": "authorization_code", "code": "wrong", "redirect_uri": WEB["redirect_uris"][0]}
        headers = basic(made["client_id"], made["client_secret"])
        assert (await other.http.post("/token", data=form, headers=headers)).status == 400
        assert left(other, "mm:client:") == [1]
        answer = (await Person(other).sign_in(made["client_id"], scope="openid")).answer
        await other.issuer.store.ping()
        assert left(other, "mm:client:") == left(other, "mm:client-number:") == [IDLE // 3600]
        assert not other.key_names("{registrations}"), "its place is free"
        (node,) = other.redis.primaries()
        node.admin.expire(f"mm:client:{made['client_id']}", UNUSED)
        form |= {"code": answer["code"], "code_verifier": VERIFIER}
        assert (await other.http.post("/token", data=form, headers=headers)).status == 200
        await other.issuer.store.ping()
        assert left(other, "mm:client:") == [1], "the same day nothing is asked of Redis"


async def test_what_an_operator_changes_is_an_operator_s(world: World) -> None:
    async with world.having(**OPEN) as other:
        _, made = await register(other)
        client_id = made["client_id"]
        await number_of(other.issuer, await find_client(other.issuer, client_id))
        await client_ending.disable_client(other.issuer, client_id)
        assert left(other, "mm:client:") == [1], "locked away it may go"
        await clients.update_client(other.issuer, client_id, {"alias": "ours", "access_token_lifetime": 60})
        await other.issuer.store.ping()
        assert left(other, "mm:client") == [-1] * 3
        assert not other.key_names("{registrations}")


async def test_a_network_has_so_many_clients_that_nobody_uses(world: World) -> None:
    """Another network is not kept out by it; one that is deleted or used makes room."""
    async with world.having(**OPEN, registration_unused_most_per_network=3) as other:
        made = [(await register(other))[1] for _ in range(3)]
        response = await other.http.post("/register", json=WEB)
        assert (response.status, (await response.json())["error"]) == (429, "temporarily_unavailable")
        assert int(response.headers["Retry-After"]) > 0
        assert await registration.register(other.issuer, WEB, Registrant("198.51.100.1"))
        assert await registration.register(other.issuer, WEB, Registrant()), "whose address nobody knows"
        assert (await manage(other, made[0], "DELETE")).status == 204
        await other.issuer.store.ping()
        assert (await register(other))[0] == 201
        assert (await register(other, {}))[0] == 400, "faults are told before places are looked at"
        assert b"registration_limited" in other.issuer.metrics.exposition()


async def test_all_networks_together_have_so_many(world: World) -> None:
    async with world.having(**OPEN, registration_unused_most=3) as other:
        for host in range(3):
            await registration.register(other.issuer, WEB, Registrant(f"198.51.{host}.1"))
        assert (await register(other))[0] == 503
        other.expire("{registrations}")
        assert (await register(other))[0] == 201


async def test_what_is_refused_takes_no_place(world: World) -> None:
    async with world.having(**OPEN) as other:
        assert (await register(other, WEB | {"subject_type": "pairwise"}))[0] == 400
        await other.issuer.store.ping()
        assert not other.key_names("mm:")


async def test_a_registration_that_was_cut_off_holds_its_place_for_a_minute_only(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What would free the place is lost with the link: a retrying client must not use up the places of its network."""
    async with world.having(**OPEN) as other:
        store = other.issuer.store
        with monkeypatch.context() as away:
            away.setattr(store.clients, "save", AsyncMock(side_effect=TemporarilyUnavailable(log="away")))
            away.setattr(store.self_registrations, "release_soon", lambda *_: None)
            assert (await register(other))[0] == 503
        now = int(other.issuer.clock())
        assert await store.self_registrations.unused(now) == 1
        assert await store.self_registrations.unused(now + 61) == 0
        assert (await register(other))[0] == 201
        await store.ping()
        assert await store.self_registrations.unused(now + UNUSED - 61) == 1, "this one is kept for all its time"


async def test_places_are_never_given_twice(any_world: World) -> None:
    """Raced, on every shape of Redis."""
    async with any_world.having(**OPEN, registration_unused_most_per_network=10, registration_unused_most=25) as other:

        async def one(turn: int) -> str:
            try:
                await registration.register(other.issuer, WEB, Registrant(f"198.51.{turn % 4}.{turn}"))
            except ProtocolError as error:
                return type(error).__name__
            return "registered"

        came_of = Counter(await asyncio.gather(*(one(turn) for turn in range(120))))
        assert came_of["registered"] == 25 == len(other.key_names("mm:client:"))
        assert set(came_of) <= {"registered", "TooManyRegistrations", "TemporarilyUnavailable"}


async def test_guesses_at_a_registration_access_token_keep_its_owner_out_of_nothing(world: World) -> None:
    """It cannot be guessed: the right one is good at once, also from where the wrong ones came."""
    async with world.having(**OPEN, client_failures_allowed=1) as other:
        _, made = await register(other)
        wrong = made["registration_access_token"][:-3] + "xyz"
        statuses = Counter([(await manage(other, made, token=wrong)).status for _ in range(60)])
        assert statuses == {401: 60}
        assert (await manage(other, made)).status == 200


async def test_an_operator_sees_which_of_them_nobody_uses(world: World) -> None:
    """And how many, in the metrics."""
    async with world.having(**OPEN) as other:
        (_, unused), (_, used), (_, adopted) = [await register(other) for _ in range(3)]
        await other.user()
        await Person(other).sign_in(used["client_id"], scope="openid")
        await clients.update_client(other.issuer, adopted["client_id"], {"access_token_lifetime": 60})
        await other.issuer.store.ping()

        async def listed(seconds: int, later: int = 0) -> set[str]:
            clock = other.issuer.clock
            async with other.with_part(clock=lambda: clock() + later) as then:
                found = await clients.list_clients(then.issuer, unused_for=seconds)
                return {client.client_id for client in found.rows}

        (node,) = other.redis.primaries()
        assert await listed(86_400) == set()
        node.admin.expire(f"mm:client:{used['client_id']}", IDLE - 20 * 86_400)
        assert await listed(15 * 86_400) == {used["client_id"]}
        assert await listed(25 * 86_400) == set()
        assert await listed(1, later=2) == {used["client_id"], unused["client_id"]}
        assert await other.issuer.store.self_registrations.unused(int(other.issuer.clock())) == 1


async def test_what_strangers_name_is_fetched_for_their_network(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slow hosts of theirs must not keep an operator's clients and trusted issuers from being verified."""
    fetched: dict[str, str] = {}

    async def request(
        _: HttpClient, __: str, url: str, *___: object, network: str = "", **____: object
    ) -> HttpResponse:
        fetched[url.rpartition("/")[2]] = network
        raise HttpClientError("it did not answer within 5 s")

    monkeypatch.setattr(HttpClient, "request", request)
    theirs = {name: f"https://slow.example/{name}" for name in ("jwks_uri", "sector_identifier_uri")}
    requests = {"request_uris": ["https://slow.example/request"]}
    async with world.having(**OPEN) as other:
        assert (await register(other, WEB | theirs))[0] == 400
        del theirs["sector_identifier_uri"]
        _, made = await register(other, WEB | theirs | requests | {"token_endpoint_auth_method": "private_key_jwt"})
        await other.client("operators", auth_method="private_key_jwt", jwks_uri="https://quick.example/operators")
        for client_id in (made["client_id"], "operators"):
            form = {"grant_type": "authorization_code", "code": "x", **Signer(subject=client_id).form()}
            assert (await other.http.post("/token", data=form)).status == 401
        query = {"client_id": made["client_id"], "request_uri": requests["request_uris"][0]}
        await other.http.get("/authorize", params=query, allow_redirects=False)
    network = "127.0.0.0/24"
    assert fetched == {"jwks_uri": network, "sector_identifier_uri": network, "request": network, "operators": ""}
