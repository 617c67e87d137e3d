"""Documents of clients over time: how long one counts, what changes in it, and a host that is away."""

import asyncio
from dataclasses import replace

import pytest

from service.admin import clients
from service.admin.client_documents import ClientDocuments
from tests.documents import DocumentHost, redeem, refresh, taking_documents
from tests.person import Person
from tests.redis_shapes import Shape
from tests.world import World, error_of

SCOPE = "openid profile"


@pytest.mark.parametrize(
    ("control", "counts", "over"),
    [
        ("", 290, 310),
        ("max-age=60", 50, 70),
        ("max-age=999999999", 3500, 3700),
        ("no-store", 5, 15),
        ("max-age=0", 5, 15),
    ],
)
async def test_it_counts_as_long_as_its_headers_say_within_bounds(
    open_world: World, host: DocumentHost, control: str, counts: int, over: int
) -> None:
    host.headers = {"Cache-Control": control} if control else {}
    async with open_world.standing() as at_first:
        await Person(at_first).authorize(host.url)
        async with at_first.later(counts) as then:
            await Person(then).authorize(host.url)
            assert host.fetched == 1
        async with at_first.later(over) as then:
            assert (await Person(then).authorize(host.url)).heading == "Sign in"
            assert host.fetched == 2


async def test_what_it_says_anew_counts(open_world: World, host: DocumentHost) -> None:
    await Person(open_world).authorize(host.url)
    host.members = {"client_name": "New name", "redirect_uris": ["https://new.example/cb"]}
    async with open_world.later(400) as then:
        assert (await Person(then).authorize(host.url)).error == "invalid_request"
        assert "New name" in (await Person(then).authorize(host.url, redirect_uri="https://new.example/cb")).text
        client = await clients.get_client(then.issuer, host.url)
        assert client.redirect_uris == ("https://new.example/cb",)
        assert client.was_registered_openly


async def test_redirect_uris_that_change_between_login_and_token(open_world: World, host: DocumentHost) -> None:
    host.headers = {"Cache-Control": "no-store"}
    code = (await Person(open_world).sign_in(host.url, scope=SCOPE)).answer["code"]
    host.members = {"redirect_uris": ["https://new.example/cb"]}
    async with open_world.later(20) as then:
        assert await error_of(await redeem(then, host, code)) == (400, "invalid_grant")


async def test_a_host_that_is_away_for_a_while_ends_nothing(open_world: World, host: DocumentHost) -> None:
    """What was right a moment ago is better than nothing, for a day; a document that is gone is gone."""
    host.members = {"grant_types": ["authorization_code", "refresh_token"]}
    code = (await Person(open_world).sign_in(host.url, scope=SCOPE)).answer["code"]
    tokens = await (await redeem(open_world, host, code)).json()
    host.status = 503
    async with open_world.later(4000, client_documents=ClientDocuments()) as then:
        response = await refresh(then, host, tokens["refresh_token"])
        assert response.status == 200
        token = (await response.json())["refresh_token"]
    async with open_world.later(90_000, client_documents=ClientDocuments()) as then:
        assert await error_of(await refresh(then, host, token)) == (401, "invalid_client")
    host.status = 404
    async with open_world.later(4000, client_documents=ClientDocuments()) as then:
        assert await error_of(await refresh(then, host, token)) == (401, "invalid_client")
    host.status = 200
    async with open_world.later(4000, client_documents=ClientDocuments()) as then:
        assert (await refresh(then, host, token)).status == 200, "nothing was lost"


async def test_many_who_come_at_once_share_one_fetch(open_world: World, host: DocumentHost) -> None:
    shown = await asyncio.gather(*(Person(open_world).authorize(host.url) for _ in range(30)))
    assert {one.heading for one in shown} == {"Sign in"}
    assert host.fetched == 1


async def test_processes_that_are_first_at_once(any_redis: Shape, host: DocumentHost) -> None:
    """One keeps it and has a place for it, the others find it. Raced, on every shape of Redis."""
    async with taking_documents(any_redis) as world:
        for turn in range(25):
            client_id = host.url.replace("client", f"client-{turn}")
            others = [replace(world.issuer, client_documents=ClientDocuments()) for _ in range(4)]
            found = await asyncio.gather(
                *(issuer.client_documents.current(issuer, client_id, None, "192.0.2.1") for issuer in others)
            )
            assert [one.client_id for one in found if one] == [client_id] * 4
        await world.issuer.store.ping()
        assert await world.issuer.store.self_registrations.unused(int(world.issuer.clock())) == 25
