"""``mintmark audit …``: what operators did, as they see it."""

import getpass
import time

import pytest

from tests.cli.command_line import CommandLine
from tests.cli.running_service import ByUrl

BOTH_WAYS = True

MEMBERS = {"id", "act", "at", "actor", "way", "address", "action", "targets", "changed", "count", "result", "why"}


@pytest.fixture(autouse=True)
def _acts(mintmark: CommandLine) -> None:
    mintmark("user", "create", "alice", "--no-password")
    mintmark("user", "update", "alice", "--claim", "name=Alice")
    mintmark("user", "disable", "nobody", "--yes", code=1)


def test_acts_are_listed_the_newest_first(mintmark: CommandLine) -> None:
    listed = mintmark("audit", "list", "--json").json
    assert set(listed) == {"entries", "cursor"}
    refused, updated, created = listed["entries"]
    assert set(created) == MEMBERS
    assert (created["action"], created["targets"], created["result"]) == ("user.create", ["user:alice"], "ok")
    assert (updated["changed"], updated["why"]) == (["name"], "")
    assert (refused["result"], refused["targets"]) == ("refused", ["user:nobody"])
    table = mintmark("audit", "list")
    assert table.err == "3 acts\n"
    assert "user:nobody" in table.out


def test_it_says_who_and_by_which_way(mintmark: CommandLine) -> None:
    """By the API it is the name of the token, here the account of the system."""
    (newest, *_) = mintmark("audit", "list", "--json").json["entries"]
    if isinstance(mintmark, ByUrl):
        assert (newest["actor"], newest["way"], newest["address"]) == ("ci", "admin_api", "127.0.0.1")
    else:
        assert (newest["actor"], newest["way"]) == (getpass.getuser(), "cli")


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (("--action", "user"), 3),
        (("--action", "user.update"), 1),
        (("--action", "client"), 0),
        (("--target", "alice"), 2),
        (("--target", "user:nobody"), 1),
        (("--actor", "somebody else"), 0),
        (("--since", "1h"), 3),
        (("--since", "2099-01-01"), 0),
        (("--since", "2020-01-01T00:00:00Z"), 3),
        (("--limit", "0"), 3),
    ],
)
def test_acts_are_filtered(mintmark: CommandLine, options: tuple[str, ...], count: int) -> None:
    assert len(mintmark("audit", "list", *options, "--json").json["entries"]) == count


@pytest.mark.parametrize("command", ["list", "follow"])
def test_an_action_that_does_not_exist_is_not_just_nothing(mintmark: CommandLine, command: str) -> None:
    """A typing error has a message, not an empty list, and not a wait without end."""
    told = mintmark("audit", command, "--action", "client.udpate", code=2).err
    assert "--action: there is no such action; did you mean client.update?" in told
    assert "there are " in mintmark("audit", command, "--action", "zzz", code=2).err


def test_a_time_that_is_none_is_wrong_usage(mintmark: CommandLine) -> None:
    assert "write 90m" in mintmark("audit", "list", "--since", "yesterday", code=2).err
    assert "is not a cursor" in mintmark("audit", "list", "--cursor", "x", code=1).err


def test_acts_are_followed(mintmark: CommandLine) -> None:
    oldest = mintmark("audit", "list", "--json").json["entries"][-1]["id"]
    told = mintmark("audit", "follow", "--cursor", oldest, "--limit", "2", "--json")
    assert [line.count('"act"') for line in told.out.splitlines()] == [1, 1]
    plain = mintmark("audit", "follow", "--cursor", oldest, "--limit", "1").out
    assert "user.update user:alice ok" in plain


def test_what_happens_from_now_on_is_followed(mintmark: CommandLine) -> None:
    """It begins at the end of the log, so that nothing of before is told; acts go on until one is."""
    process = mintmark.start("audit", "follow", "--limit", "1", "--json")
    deadline = time.monotonic() + 60
    while process.poll() is None:
        assert time.monotonic() < deadline
        mintmark("user", "enable", "alice")
    out, err = process.communicate()
    assert process.returncode == 0, err
    assert '"user.enable"' in out
