"""Lua scripts keep their contracts, and survive a Redis that forgot them."""

import asyncio
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

import pytest

from service.app import open_issuer
from service.redis import script as script_module
from service.redis.link import Link, Word
from service.redis.script import SCRIPTS, TEXTS, Joined, Script, ScriptContractError
from service.settings.redis_url import Topology
from service.store.answers import Answer as StoreAnswer
from service.store.fitness import crosses_slots
from tests import redis_shapes
from tests.patience import until
from tests.world import World, in_process, settings_for

GOOD = """#!lua
-- What it does.
-- KEYS  grant, code
-- ARGV  word
-- RETURNS one | two
local grant, code = unpack(KEYS)
local word = unpack(ARGV)
return 'one'
"""


class Answer(StrEnum):
    ONE = "one"
    TWO = "two"


class OtherAnswer(StrEnum):
    ONE = "one"
    THREE = "three"


def _load(monkeypatch: pytest.MonkeyPatch, text: str, answers: type[StrEnum] = Answer) -> Script[StrEnum]:
    monkeypatch.setattr(script_module, "_load", lambda _: text)
    monkeypatch.setattr(script_module, "SCRIPTS", [])
    monkeypatch.setattr(script_module, "TEXTS", [])
    return Script("made_up", answers)


def test_a_script_that_keeps_its_contract_loads(monkeypatch: pytest.MonkeyPatch) -> None:
    assert _load(monkeypatch, GOOD).plain_text == GOOD.removeprefix("#!lua\n")


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        pytest.param(GOOD.replace("-- KEYS  grant, code", "-- KEYS  code, grant"), Answer, id="keys in another order"),
        pytest.param(GOOD.replace("local grant, code", "local code, grant"), Answer, id="body takes keys otherwise"),
        pytest.param(GOOD.replace("-- ARGV  word", "-- ARGV  word, more"), Answer, id="an argument too many"),
        pytest.param(GOOD.replace("local word = unpack(ARGV)\n", ""), Answer, id="body ignores an argument"),
        pytest.param(GOOD, OtherAnswer, id="answers that the wrapper does not know"),
        pytest.param(GOOD.replace("-- RETURNS one | two\n", ""), Answer, id="no RETURNS"),
        pytest.param(GOOD.replace("#!lua\n", ""), Answer, id="no shebang"),
    ],
)
def test_a_script_that_breaks_its_contract_is_refused(
    monkeypatch: pytest.MonkeyPatch, text: str, answers: type[StrEnum]
) -> None:
    with pytest.raises(ScriptContractError):
        _load(monkeypatch, text, answers)


async def test_a_call_with_too_few_keys_is_refused(world: World) -> None:
    script = next(script for script in SCRIPTS if script.name == "redeem_code")
    with pytest.raises(ScriptContractError):
        script.step(world.issuer.store.connection, ("mm:{g}",), ())


async def test_an_answer_that_is_not_in_the_contract_is_refused() -> None:
    script = next(script for script in SCRIPTS if script.name == "revoke_grant")
    assert script.read(b"revoked") == (StoreAnswer.REVOKED, [])
    with pytest.raises(ScriptContractError):
        script.read(b"perhaps")


SECOND = """#!lua
-- What it does.
-- KEYS  user, other
-- ARGV  first, second
-- RETURNS one
local user, other = unpack(KEYS)
local first, second = unpack(ARGV)
return {'one', user .. ' ' .. other .. ' ' .. first .. ' ' .. second}
"""


async def test_joined_acts_get_each_its_own_and_answer_side_by_side(
    redis: redis_shapes.Shape, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = GOOD.replace("return 'one'", "return {'two', grant .. ' ' .. code .. ' ' .. word}")
    first, second = _load(monkeypatch, one), _load(monkeypatch, SECOND)
    joined = Joined(first, second)
    async with open_issuer(settings_for(redis.url), listen=False) as issuer:
        connection = issuer.store.connection
        connection.scripts[joined.plain_sha] = joined.plain_text  # which every server takes
        given = ((("g", "c"), ("w",)), (("u", "o"), (1, b"x")))
        key, command = joined.step(connection, *given)
        both = await connection.execute(key, *command)
        with pytest.raises(ScriptContractError):
            joined.step(connection, given[0], (("u",), (1, b"x")))
    assert key == "g"
    assert [first.read(both[0]), second.read(both[1])] == [(Answer.TWO, [b"g c w"]), (Answer.ONE, [b"u o 1 x"])]


def test_acts_that_servers_treat_differently_are_not_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    first = _load(monkeypatch, GOOD)
    second = _load(monkeypatch, SECOND.replace("#!lua\n", "#!lua flags=allow-oom\n"))
    with pytest.raises(ScriptContractError):
        Joined(first, second)


def test_replicas_are_waited_for_where_either_act_is_to_be_confirmed() -> None:
    confirmed = {one.name: one.confirmed for one in TEXTS}
    joined = [name for name in confirmed if "+" in name]
    assert len(joined) > 5
    assert all(confirmed[name] == any(confirmed[part] for part in name.split("+")) for name in joined)


@pytest.mark.topologies
async def test_acts_are_joined_where_a_call_may_cross_slots(any_world: World) -> None:
    is_cluster = any_world.issuer.store.connection.address.topology is Topology.CLUSTER
    assert any_world.issuer.store.connection.crosses_slots is not is_cluster


async def test_one_server_that_is_a_whole_cluster_gets_two_calls() -> None:
    with redis_shapes.standalone(options=("--cluster-enabled", "yes")) as shape:
        admin = shape.nodes[0].admin
        admin.execute_command("CLUSTER ADDSLOTS", *range(16384))

        async def is_whole() -> bool:
            return bool(admin.cluster("info")["cluster_state"] == "ok")

        await until(is_whole)
        async with open_issuer(settings_for(shape.url), listen=False) as issuer, in_process(issuer) as http:
            assert not issuer.store.connection.crosses_slots
            world = World(issuer, http, shape)
            assert (await world.redeem(await world.code(await world.client()))).status == 200
            assert await issuer.store.grants.revoke_user("alice") == 1


async def test_a_proxy_that_splits_plain_commands_among_servers_gets_two_calls(redis: redis_shapes.Shape) -> None:
    """Redis Enterprise, and what is Azure's of it: EXISTS, DEL and MGET cross slots there, scripts do not."""

    class Splitting(Link):
        def send(self, command: Sequence[Word], *, lingers: bool = False) -> asyncio.Future[Any]:
            if command[0] in ("EVAL", "EVALSHA") and command[2] == 2:
                return super().send(("EVAL", "return redis.error_reply('CROSSSLOT')", 0), lingers=lingers)
            return super().send(command, lingers=lingers)

    async with open_issuer(settings_for(redis.url), listen=False) as issuer:
        connection = issuer.store.connection
        (link,) = await connection.links()
        assert await crosses_slots(link, issuer.store.keys)
        link.__class__ = Splitting
        assert not await crosses_slots(link, issuer.store.keys)


async def test_scripts_that_redis_forgot_are_loaded_again_also_inside_a_batch(any_world: World) -> None:
    client = await any_world.client()
    for node in any_world.redis.primaries():
        node.admin.script_flush()
    answers = await asyncio.gather(*(any_world.tokens(client) for _ in range(20)))
    assert len({answer["access_token"] for answer in answers}) == 20
