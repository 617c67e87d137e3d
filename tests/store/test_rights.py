"""What the Redis user must be allowed to do is tried out at the start, and said in one message; taken away later it is 503."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.app import open_issuer
from service.store import rights
from service.store.fitness import StoreUnfitError
from service.store.keys import Keys
from tests import redis_shapes
from tests.kept_redis import RECOMMENDED, servers
from tests.redis_shapes import Shape
from tests.world import World, error_of, in_process, settings_for

EVERY = servers()


@pytest.fixture(params=EVERY)
def each_server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shape]:
    """One server of each kind that is here."""
    monkeypatch.setenv("MINTMARK_TEST_REDIS_SERVER", str(EVERY[request.param]))
    with redis_shapes.standalone() as shape:
        yield shape


@pytest.fixture
def forget_user(any_redis: Shape) -> Iterator[Shape]:
    yield any_redis
    allow(any_redis, "reset")


def allow(shape: Shape, *rules: str) -> None:
    """On every server that holds data: replicas may become primaries."""
    for node in shape.nodes:
        if node.role != "sentinel":
            node.admin.execute_command("ACL", "SETUSER", "mintmark", *rules)


def settings_of(shape: Shape, **changes: object):  # type: ignore[no-untyped-def]
    return settings_for(shape.url, redis_username="mintmark", redis_password="pw", **changes)


async def refusal(shape: Shape) -> str:
    with pytest.raises(StoreUnfitError) as refused:
        async with open_issuer(settings_of(shape)):
            pass
    return str(refused.value)


async def test_the_documented_rules_are_enough_and_leave_nothing_behind(
    forget_user: Shape, caplog: pytest.LogCaptureFixture
) -> None:
    allow(forget_user, "reset", "on", ">pw", *RECOMMENDED)
    async with open_issuer(settings_of(forget_user)) as issuer, in_process(issuer) as http:
        assert not forget_user.keys()
        world = World(issuer, http, forget_user)
        await world.user()
        tokens = await world.tokens(await world.client())
        assert (await world.refresh(tokens["refresh_token"])).status == 200
        assert (await world.revoke(tokens["refresh_token"])).status == 200
        assert not await world.is_active(tokens["access_token"])
    assert not [record for record in caplog.records if record.message.startswith("redis_")]


async def test_a_store_with_another_prefix_needs_rights_for_its_own_keys_only(each_server: Shape) -> None:
    allow(each_server, "reset", "on", ">pw", *RECOMMENDED, "resetkeys", "resetchannels", "~other:*", "&other:*")
    async with open_issuer(settings_of(each_server), keys=Keys("other:")):
        pass
    said = await refusal(each_server)
    assert "keys mm:{rights-check}" in said
    assert "channels mm:changes, mm:ended" in said
    assert "ACL SETUSER mintmark ~mm:* &mm:*" in said


async def test_a_user_without_channels_is_refused_at_the_start(forget_user: Shape) -> None:
    """The default of every new user since Redis 7: it would be ready, and each revocation would fail."""
    allow(forget_user, "reset", "on", ">pw", "~mm:*", "+@all", "-@dangerous", "resetchannels")
    said = await refusal(forget_user)
    assert "channels mm:changes, mm:ended" in said
    assert "ACL SETUSER mintmark &mm:*" in said
    allow(forget_user, "&mm:*")
    async with open_issuer(settings_of(forget_user)):
        pass


@pytest.mark.parametrize(
    ("taken", "missing"),
    [
        (["-publish", "-eval"], "commands eval, publish"),
        (["-subscribe"], "commands subscribe"),
        (["-@scripting"], "commands eval, evalsha, script|load"),
        (["-hset", "-xadd", "-scan"], "commands hset, xadd, scan"),
        (["-@write"], "commands set, setrange"),
        (["resetkeys", "~mm:{*"], "keys mm:username:"),
        (["resetkeys", "~mm:client*", "-time"], "commands time; keys mm:{rights-check}"),
        (["resetchannels", "&mm:changes"], "channels mm:ended"),
        (["resetchannels", "-zadd"], "commands zadd; channels mm:changes, mm:ended"),
    ],
)
async def test_all_that_is_missing_is_named_at_once_with_the_rules_that_give_it(
    each_server: Shape, taken: list[str], missing: str
) -> None:
    allow(each_server, "reset", "on", ">pw", *RECOMMENDED, *taken)
    said = await refusal(each_server)
    assert missing in said
    rules = re.search(r"ACL SETUSER mintmark (.*) \(", said)
    assert rules is not None
    allow(each_server, *rules[1].split())
    async with open_issuer(settings_of(each_server)):
        pass


@pytest.mark.parametrize(
    ("taken", "events"),
    [
        (["-info"], {"redis_right_missing"}),
        (["-dbsize"], {"redis_right_missing"}),
        (["-config|get"], set()),
        (["-info", "-config|get"], {"redis_right_missing", "redis_policy_unknown"}),
    ],
)
async def test_what_can_be_done_without_is_a_warning(
    each_server: Shape, taken: list[str], events: set[str], caplog: pytest.LogCaptureFixture
) -> None:
    kept = [rule for rule in RECOMMENDED if f"-{rule[1:]}" not in taken]
    allow(each_server, "reset", "on", ">pw", *kept, *(rule for rule in taken if "|" not in rule))
    async with open_issuer(settings_of(each_server)) as issuer:
        await issuer.store.ping()
    assert {record.message for record in caplog.records if record.message.startswith("redis_")} == events


@pytest.mark.parametrize("rule", ["resetchannels", "-publish", "-eval", "resetkeys", "-del", "-evalsha"])
async def test_rights_that_are_taken_away_later_are_503_and_named(
    each_server: Shape, rule: str, caplog: pytest.LogCaptureFixture
) -> None:
    allow(each_server, "reset", "on", ">pw", *RECOMMENDED)
    async with open_issuer(settings_of(each_server)) as issuer, in_process(issuer) as http:
        world = World(issuer, http, each_server)
        client = await world.client()
        tokens = await world.tokens(client)
        allow(each_server, rule)
        refused = [await world.revoke(tokens["refresh_token"])]
        if rule != "-eval":  # only a server that lost our scripts needs it
            assert [response.status for response in refused] == [503]
        assert all(response.status in (200, 503) for response in refused)
        for response in refused:
            if response.status == 503:
                assert await error_of(response) == (503, "temporarily_unavailable")
                assert response.headers["Retry-After"]
                (told, *_) = [record for record in caplog.records if record.message == "redis_command_refused"]
                assert "the Redis user lacks a right" in told.reason  # type: ignore[attr-defined]
        allow(each_server, *RECOMMENDED, "+eval", "+evalsha", "+publish", "+del")
        assert (await world.revoke(tokens["refresh_token"])).status == 200


async def test_rights_that_are_taken_away_on_any_shape_are_503(forget_user: Shape) -> None:
    allow(forget_user, "reset", "on", ">pw", *RECOMMENDED)
    async with open_issuer(settings_of(forget_user)) as issuer, in_process(issuer) as http:
        world = World(issuer, http, forget_user)
        tokens = await world.tokens(await world.client())
        allow(forget_user, "resetchannels")
        assert await error_of(await world.revoke(tokens["access_token"])) == (503, "temporarily_unavailable")
        allow(forget_user, "&mm:*")
        assert (await world.revoke(tokens["access_token"])).status == 200


def test_every_command_that_is_sent_is_tried(each_server: Shape) -> None:
    """What scripts call, and every word of the store's code that this server has a command of."""
    from service.redis.script import SCRIPTS

    commands = {name.upper() for name in each_server.nodes[0].admin.execute_command("COMMAND")}
    words = {
        word
        for room in ("store", "redis")
        for path in (Path(rights.__file__).parents[1] / room).glob("*.py")
        for word in re.findall(r'"([A-Z]{3,})"', path.read_text())
    }
    called = {word for script in SCRIPTS for word in re.findall(r"redis\.p?call\('(\w+)'", script.text)}
    needed = (
        *rights._commands("k"),
        *rights._since_7("k"),
        *rights._published(Keys()),
        *rights._IN_CLUSTER,
        *rights.OPTIONAL,
    )
    tried = {command[0] for command in needed} | {"WAIT", "SUBSCRIBE"}
    elsewhere = {"ACL", "AUTH", "CONFIG", "HELLO", "SELECT"} | {"KEYS", "READONLY"}  # asked for apart; other meanings
    assert called <= tried, called - tried
    assert {"ZSCAN", "PING"} <= words & commands <= tried | elsewhere, words & commands - tried - elsewhere


@pytest.mark.parametrize("command", ["zscan", "ping", "subscribe", "getrange"])
async def test_a_command_that_is_missing_is_named_at_the_start(each_server: Shape, command: str) -> None:
    allow(each_server, "reset", "on", ">pw", *RECOMMENDED, f"-{command}")
    assert f"commands {command}" in await refusal(each_server)
