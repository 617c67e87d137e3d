"""A restart of Redis brings nothing back that was revoked; where it would, the service says so and does not start."""

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from service.admin import users
from service.app import open_issuer
from service.store.fitness import StoreUnfitError
from service.store.keys import Keys
from service.store.persistence import CURE, _may_replay
from tests.kept_redis import RECOMMENDED, kept_redis, needs_redis_6, servers
from tests.patience import PATIENCE
from tests.redis_shapes import Shape
from tests.world import World, in_process, settings_for

WITH_LOOK = (*RECOMMENDED, "+acl|getuser")
CURED = ("off", "~*", "&*", "+@all")
EVERY = servers()
PROVED = ("Redis 6", "Valkey 9")
LOSING = {name: path for name, path in EVERY.items() if name not in PROVED}


@asynccontextmanager
async def world_on(shape: Shape, **changes: object):  # type: ignore[no-untyped-def]
    async with (
        open_issuer(settings_for(shape.url, **changes)) as issuer,
        in_process(issuer) as http,
    ):
        yield World(issuer, http, shape)


async def signed_out_and_restarted(shape: Shape, **changes: object) -> tuple[bool, int]:
    """After a token was issued, its user signed out and Redis restarted: whether it is active, and what a refresh gets."""
    async with world_on(shape, **changes) as world:
        await world.user()
        client = await world.client()
        tokens = await world.tokens(client)
        admin = shape.nodes[0].admin
        admin.execute_command("BGREWRITEAOF")
        async with asyncio.timeout(PATIENCE):
            while (
                admin.info("persistence")["aof_rewrite_in_progress"]
                or admin.info("persistence")["aof_rewrite_scheduled"]
            ):
                await asyncio.sleep(0.02)
        assert (await users.sign_out_user(world.issuer, "alice")).user is not None
        assert not await world.is_active(tokens["access_token"])
        shape.restart(shape.nodes[0])
        async with asyncio.timeout(PATIENCE):
            while (await world.http.get("/readyz")).status != 200:
                await asyncio.sleep(0.05)
        active = await world.is_active(tokens["access_token"])
        return active, (await world.refresh(tokens["refresh_token"])).status


@pytest.mark.parametrize("server", EVERY.values(), ids=EVERY)
async def test_with_the_documented_users_what_was_revoked_stays_revoked(server: Path) -> None:
    with kept_redis(server, default=CURED, rules=WITH_LOOK) as shape:
        assert await signed_out_and_restarted(shape) == (False, 400)


@pytest.mark.parametrize("server", LOSING.values(), ids=LOSING)
async def test_a_default_user_without_rights_is_refused_for_it_would_bring_tokens_back(server: Path) -> None:
    with kept_redis(server, default=("off",), rules=WITH_LOOK) as shape:
        with pytest.raises(StoreUnfitError, match=r"(?s)bring back what was revoked.*ACL SETUSER default") as refused:
            async with world_on(shape):
                pass
        assert CURE in str(refused.value)
        assert "redis_allow_lossy_replay" in str(refused.value)
        # It is true: who starts all the same has the token back.
        assert await signed_out_and_restarted(shape, redis_allow_lossy_replay=True) == (True, 200)
        shape.nodes[0].admin.execute_command(*CURE.split())
        async with world_on(shape):
            pass


@pytest.mark.parametrize("name", [pytest.param("Redis 6", marks=needs_redis_6), "Valkey 9"])
async def test_some_replay_whatever_the_default_user_may_do(name: str) -> None:
    with kept_redis(EVERY[name], default=("off",)) as shape:
        assert await signed_out_and_restarted(shape) == (False, 400)


@pytest.mark.parametrize("server", LOSING.values(), ids=LOSING)
async def test_where_the_default_user_may_not_be_looked_at_it_is_said(
    server: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with kept_redis(server, default=CURED) as shape:
        async with world_on(shape):
            pass
        async with open_issuer(settings_for(shape.url), listen=False):  # a command says it no more: the service did
            pass
    (told,) = [record for record in caplog.records if record.message == "redis_replay_unknown"]
    assert CURE in told.hint  # type: ignore[attr-defined]


@pytest.mark.parametrize("server", LOSING.values(), ids=LOSING)
async def test_where_nothing_is_kept_nothing_can_come_back(server: Path, caplog: pytest.LogCaptureFixture) -> None:
    with kept_redis(server, default=("off",)) as shape:
        shape.nodes[0].admin.config_set("appendonly", "no")
        async with world_on(shape):
            pass
    assert not [record for record in caplog.records if record.message.startswith("redis_replay")]


@pytest.mark.parametrize(
    ("commands", "keys", "may"),
    [
        ("+@all", "~*", True),
        ("+@all", "~mm:*", True),
        ("-@all +@write", "~*", True),
        ("+@all -@dangerous -@admin", "~* ~a:*", True),
        ("-@all", "~*", False),
        ("+@all", "", False),
        ("+@all", "~other:*", False),
        ("+@all", "%R~*", False),
        ("+@all -@write", "~*", False),
        ("+@all -@keyspace", "~*", False),
        ("+@all -del", "~*", False),
        ("-@all +@read", "~*", False),
        ("-@all +get +set", "~*", False),
        ("+@all -@all", "~*", False),
    ],
)
def test_which_rules_let_the_file_be_replayed(commands: str, keys: str, may: bool) -> None:
    assert _may_replay(commands, keys, Keys().everything) is may
