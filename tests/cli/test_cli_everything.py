"""``mintmark end-everything``."""

import asyncio

import pytest

from service.app import open_issuer
from service.directory import Person
from service.login import sessions
from tests.cli.command_line import CommandLine
from tests.redis_shapes import Shape
from tests.world import settings_for

BOTH_WAYS = True
COUNTS = {"clients": 0, "grants": 0, "sessions": 3, "interactions": 0, "decisions": 0, "operator_sessions": 0}


@pytest.fixture
def signed_in(redis: Shape) -> list[str]:
    """Cookies of three browsers."""

    async def several() -> list[str]:
        async with open_issuer(settings_for(redis.url), listen=False) as issuer:
            return [
                (await sessions.sign_in(issuer, Person("alice", "alice"), None, amr=("pwd",))).cookie for _ in range(3)
            ]

    return asyncio.run(several())


def living(redis: Shape, cookies: list[str]) -> int:
    async def looked() -> int:
        async with open_issuer(settings_for(redis.url), listen=False) as issuer:
            return sum([await sessions.read(issuer, cookie) is not None for cookie in cookies])

    return asyncio.run(looked())


def test_counting_ends_nothing_and_ending_says_how_much(
    mintmark: CommandLine, redis: Shape, signed_in: list[str]
) -> None:
    assert mintmark("end-everything", "--dry-run", "--json").json == {**COUNTS, "dry_run": True}
    assert "say --yes" in mintmark("end-everything", code=2).err
    assert living(redis, signed_in) == 3
    done = mintmark("end-everything", "--yes")
    assert done.err == "Everything has ended.\n"
    assert [line.split() for line in done.out.splitlines()][2] == ["sessions", "3"]
    assert living(redis, signed_in) == 0
    assert mintmark("end-everything", "--dry-run").err == "Nothing was ended.\n"
    (entry,) = mintmark("audit", "list", "--json").json["entries"]
    assert (entry["action"], entry["result"]) == ("everything.end", "ok")
