"""Lua scripts keep their contracts, and survive a Redis that forgot them."""

import asyncio
from enum import StrEnum

import pytest

from service.redis import script as script_module
from service.redis.script import SCRIPTS, Script, ScriptContractError
from service.store.answers import Answer as StoreAnswer
from tests.world import World

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


async def test_scripts_that_redis_forgot_are_loaded_again_also_inside_a_batch(any_world: World) -> None:
    client = await any_world.client()
    for node in any_world.redis.primaries():
        node.admin.script_flush()
    answers = await asyncio.gather(*(any_world.tokens(client) for _ in range(20)))
    assert len({answer["access_token"] for answer in answers}) == 20
