"""An act that Redis goes away from in the middle leaves nothing that stands in the way of the next one (P3, P7)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import nullcontext, suppress
from itertools import count
from typing import Any

import pytest

from service.admin import client_ending, clients, users
from service.admin.errors import AdminError, AlreadyExists
from service.admin.users import UserInput
from service.app import open_issuer
from service.protocol.errors import TemporarilyUnavailable
from service.records.client import Client
from service.records.user import User
from tests import redis_shapes
from tests.cutting_proxy import Command, CuttingProxy
from tests.world import World, in_process, settings_for

Step = Callable[[], Awaitable[object]]
MOST = 30
"""More commands than any act here sends."""


@pytest.fixture
async def world(proxy: CuttingProxy, redis: redis_shapes.Shape) -> AsyncIterator[World]:
    async with open_issuer(settings_for(proxy.url), listen=False) as issuer, in_process(issuer) as http:
        proxy.shorten(issuer.store.connection.address)
        yield World(issuer, http, redis)


async def at_each_command(world: World, proxy: CuttingProxy, *, before: Step, act: Step, afterwards: Step) -> None:
    """Let Redis go away before one command of the act after another, and come back afterwards."""
    for number in range(MOST):
        world.redis.nodes[0].admin.flushdb()
        world.issuer.store.clients.hearing(False)  # forgets all it knows
        await before()
        was_cut_off = await _cut_off(proxy, number, act)
        await afterwards()
        if not was_cut_off:
            assert number > 2, "the act sends commands"
            return
    pytest.fail("the act has no end")


async def _cut_off(proxy: CuttingProxy, number: int, act: Step) -> bool:
    counted = count()

    def is_reached(_: Command) -> bool:
        if next(counted) != number:
            return False
        proxy.refuse()
        return True

    proxy.cut_before(is_reached, times=2)
    with suppress(TemporarilyUnavailable, AdminError):
        await act()
    was_cut_off = proxy.refusing
    proxy.heal()
    return was_cut_off


async def nothing() -> None:
    return


async def test_a_user_who_was_made_by_half_blocks_neither_name_nor_subject(world: World, proxy: CuttingProxy) -> None:
    store = world.issuer.store.users

    async def make() -> None:
        await users.create_user(world.issuer, UserInput(username="bob", subject="1"))

    async def others_are_made() -> None:
        is_there = await store.get("bob") is not None
        assert (await store.get_by_subject("1") is not None) is is_there
        with pytest.raises(AlreadyExists) if is_there else nullcontext():
            await users.create_user(world.issuer, UserInput(username="eve", subject="1"))
        if not is_there:
            await users.create_user(world.issuer, UserInput(username="bob", subject="2"))
            found = await store.get_by_subject("1")
            assert found is not None
            assert found.username == "eve"

    await at_each_command(world, proxy, before=nothing, act=make, afterwards=others_are_made)


async def test_a_user_who_was_deleted_by_half_can_be_deleted_again_and_made_anew(
    world: World, proxy: CuttingProxy
) -> None:
    async def make() -> None:
        await users.create_user(world.issuer, UserInput(username="bob", subject="1"))

    async def delete() -> None:
        await users.delete_user(world.issuer, "bob")

    async def is_made_anew() -> None:
        with suppress(AdminError):  # there is none any more
            await delete()
        await users.create_user(world.issuer, UserInput(username="eve", subject="1"))
        found = await world.issuer.store.users.get_by_subject("1")
        assert found is not None
        assert found.username == "eve"

    await at_each_command(world, proxy, before=make, act=delete, afterwards=is_made_anew)


async def test_an_alias_that_was_given_up_by_half_names_nobody_and_is_free(world: World, proxy: CuttingProxy) -> None:
    async def make() -> None:
        await world.client("one", alias="old-name")

    async def rename() -> None:
        await clients.update_client(world.issuer, "one", {"alias": "new-name"})

    async def is_renamed() -> None:
        read = world.issuer.store.clients.read
        client = await read("one")
        assert client is not None
        assert await read(client.alias or "") == client
        await rename()
        assert await read("old-name") is None
        assert await read("new-name") == await read("one")
        await world.client("two", alias="old-name")

    await at_each_command(world, proxy, before=make, act=rename, afterwards=is_renamed)


async def test_the_alias_of_a_client_that_was_deleted_by_half_is_free(world: World, proxy: CuttingProxy) -> None:
    async def make() -> None:
        await world.client("one", alias="its-name")

    async def delete() -> None:
        await client_ending.delete_client(world.issuer, "one")

    async def is_free() -> None:
        with suppress(AdminError):
            await delete()
        await world.client("two", alias="its-name")
        found = await world.issuer.store.clients.read("its-name")
        assert found is not None
        assert found.client_id == "two"

    await at_each_command(world, proxy, before=make, act=delete, afterwards=is_free)


# at the same time


async def test_of_many_who_make_the_same_user_one_succeeds(world: World) -> None:
    for subject in map(str, range(20)):
        given = UserInput(username=f"user-{subject}", subject=subject)
        made = await asyncio.gather(
            *(users.create_user(world.issuer, given) for _ in range(10)), return_exceptions=True
        )
        assert [type(one) for one in made].count(User) == 1
        assert all(isinstance(one, User | AlreadyExists) for one in made)


async def test_of_many_who_want_one_subject_or_alias_one_has_it(world: World) -> None:
    store = world.issuer.store
    for turn in range(20):
        names = [f"{turn}-{number}" for number in range(10)]
        people = [User(username=name, subject=f"subject {turn}", password_hash="") for name in names]
        given = [Client(client_id=name, alias=f"alias {turn}") for name in names]
        await asyncio.gather(*(store.users.save(one, None) for one in people), return_exceptions=True)
        await asyncio.gather(*(store.clients.save(one, None) for one in given), return_exceptions=True)
        having = [user for name in names if (user := await store.users.get(name)) is not None]
        assert having == [await store.users.get_by_subject(f"subject {turn}")]
        aliased = [one for name in names if (one := await store.clients.read(name)) is not None]
        assert aliased == [await store.clients.read(f"alias {turn}")]


@pytest.mark.parametrize("mark_before", ["", "1"], ids=["no mark", "mark of an enabling that was cut off"])
async def test_a_change_that_ends_after_the_user_was_disabled_leaves_the_user_disabled(
    world: World, monkeypatch: pytest.MonkeyPatch, mark_before: str
) -> None:
    await world.user()
    changing, admin = world.issuer.store.users, world.redis.nodes[0].admin
    mark, replaced = "mm:{user:alice}:disabled", changing._replaced
    is_written, is_disabled = asyncio.Event(), asyncio.Event()
    if mark_before:
        admin.set(mark, mark_before)

    async def slow(key: str, *given: Any, **options: Any) -> bool:
        done = await replaced(key, *given, **options)
        if key == "mm:username:alice" and asyncio.current_task() is change:
            is_written.set()
            await is_disabled.wait()
        return done

    monkeypatch.setattr(changing, "_replaced", slow)
    change = asyncio.create_task(users.update_user(world.issuer, "alice", {"nickname": "al"}))
    await is_written.wait()
    await users.disable_user(world.issuer, "alice")
    is_disabled.set()
    await change
    assert admin.exists(mark)
    await users.enable_user(world.issuer, "alice")
    assert not admin.exists(mark)
