"""``mintmark session …`` and ``mintmark scope …``."""

import asyncio

import pytest

from service.app import open_issuer
from service.directory import Person
from service.login import sessions
from service.records.session import Session
from tests.cli.command_line import CommandLine
from tests.redis_shapes import Shape
from tests.world import settings_for

BOTH_WAYS = True


@pytest.fixture
def session(mintmark: CommandLine, redis: Shape) -> Session:
    """Alice is signed in at a browser."""
    mintmark("user", "create", "alice", "--no-password")

    async def signed_in() -> Session:
        async with open_issuer(settings_for(redis.url), listen=False) as issuer:
            return (await sessions.sign_in(issuer, Person("alice", "alice"), None, amr=("pwd",))).session

    return asyncio.run(signed_in())


def test_sessions_are_listed_shown_and_ended(mintmark: CommandLine, session: Session) -> None:
    listed = mintmark("session", "list", "--user", "alice", "--json").json
    assert [one["sid"] for one in listed["sessions"]] == [session.sid]
    assert mintmark("session", "list", "--user", "alice").err == "1 session\n"
    shown = mintmark("session", "show", session.sid, "--json").json
    assert shown == listed["sessions"][0]
    assert session.secret_hash not in str(shown)
    assert mintmark("session", "show", session.sid).out.split()[:2] == ["sid", session.sid]
    assert mintmark("session", "end", session.sid, "--json").json == {
        "sid": session.sid,
        "grants_ended": 0,
        "sessions_ended": 1,
    }
    for command in ("show", "end"):
        assert "there is no such session" in mintmark("session", command, session.sid, code=1).err
    assert mintmark("session", "list", "--user", "alice", "--json").json == {"sessions": [], "cursor": ""}
    entry = mintmark("audit", "list", "--action", "session", "--json").json["entries"][-1]
    assert (entry["targets"], entry["result"]) == ([f"session:{session.sid}"], "ok")


def test_what_is_no_session_is_told(mintmark: CommandLine) -> None:
    assert "there is no user" in mintmark("session", "list", "--user", "nobody", code=1).err
    assert "there is no such session" in mintmark("session", "end", "*", code=1).err


def test_scopes_are_listed(mintmark: CommandLine) -> None:
    mintmark.variables |= {
        "MINTMARK_SCOPES": '{"read": "Read your data"}',
        "MINTMARK_SCOPE_CLAIMS": '{"staff": ["roles"]}',
        "MINTMARK_MASTER_KEY": "m" * 43,
    }
    listed = {one["scope"]: one for one in mintmark("scope", "list", "--json").json["scopes"]}
    assert listed["read"] == {"scope": "read", "description": "Read your data", "claims": [], "standard": False}
    assert listed["staff"]["claims"] == ["roles"]
    assert "email" in listed["email"]["claims"]
    assert listed["openid"]["standard"]
    assert mintmark("scope", "list").out.splitlines()[0].split() == ["scope", "description", "claims", "standard"]
