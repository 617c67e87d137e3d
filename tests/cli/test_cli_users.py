"""``mintmark user …``."""

import pytest

from tests.cli.command_line import CommandLine
from tests.redis_shapes import Shape

BOTH_WAYS = True
"""Here and by the URL of a running service."""

PASSWORD = "wonderland"
MEMBERS = {"username", "subject", "enabled", "has_password", "created_at", "claims"}


def create(mintmark: CommandLine, username: str, *options: str) -> None:
    mintmark("user", "create", username, "--password-stdin", *options, stdin=f"{PASSWORD}\n")


def test_a_user_is_created_shown_and_changed(mintmark: CommandLine, redis: Shape) -> None:
    options = ("--subject", "u-1", "--claim", "name=Alice", "--claim", "email_verified:=true", "--password-stdin")
    created = mintmark("user", "create", "alice", *options, "--json", stdin=f"{PASSWORD}\n").json
    assert set(created) == MEMBERS
    assert created | {"created_at": 0} == {
        **{"username": "alice", "subject": "u-1", "enabled": True, "has_password": True, "created_at": 0},
        "claims": {"name": "Alice", "email_verified": True},
    }
    assert mintmark("user", "show", "u-1", "--json").json == created
    assert mintmark("user", "show", "alice").out.split()[:4] == ["username", "alice", "subject", "u-1"]
    changed = mintmark("user", "update", "alice", "--claim", "name:=null", "--claim", "age:=7", "--json").json
    assert changed["claims"] == {"email_verified": True, "age": 7}
    mintmark("user", "set-password", "alice", "--password-stdin", stdin="looking-glass")
    assert PASSWORD not in str(redis.dump())
    assert "looking-glass" not in str(redis.dump())


def test_a_user_may_have_no_password(mintmark: CommandLine) -> None:
    assert mintmark("user", "create", "bob", "--no-password", "--json").json["has_password"] is False
    mintmark("user", "create", "eve", "--no-password", "--password-stdin", code=2)


def test_users_are_listed_by_name(mintmark: CommandLine) -> None:
    for name in ("bob", "alice"):
        create(mintmark, name)
    listed = mintmark("user", "list", "--json").json
    assert set(listed) == {"users", "cursor"}
    assert [user["username"] for user in listed["users"]] == ["alice", "bob"]
    assert set(listed["users"][0]) == MEMBERS
    table = mintmark("user", "list")
    assert [line.split()[0] for line in table.out.splitlines()] == ["username", "alice", "bob"]
    assert table.err == "2 users\n"


@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "text"),
    [
        (("create", "alice"), "", 2, "pipe it in with --password-stdin"),
        (("create", "alice", "--password-stdin"), "short", 1, "password: must have 8 to 1024 characters"),
        (("create", "alice", "--password-stdin"), "", 1, "password: must have 8 to 1024 characters"),
        (("create", "bob", "--password-stdin"), PASSWORD, 1, "there is a user 'bob' already"),
        (("create", "amélie", "--password-stdin"), PASSWORD, 2, "--subject: give one in printable ASCII"),
        (("create", "alice", "--password", PASSWORD), "", 2, "--password"),
        (("create", "alice", "--claim", "sub=x", "--no-password"), "", 2, "--claim: sub: the service itself says that"),
        (("create", "alice", "--claim", "x", "--no-password"), "", 2, "NAME=VALUE"),
        (("create", "alice", "--claim", "x:=[", "--no-password"), "", 2, "not JSON"),
        (("show", "nobody"), "", 1, "there is no user 'nobody'; `mintmark user list` shows all"),
        (("update", "bob"), "", 2, "give at least one --claim"),
        (("set-password", "bob"), "", 2, "pipe it in with --password-stdin"),
        (("set-password", "nobody", "--password-stdin"), PASSWORD, 1, "there is no user 'nobody'"),
        (("enable", "nobody"), "", 1, "there is no user 'nobody'"),
        (("disable", "nobody", "--yes"), "", 1, "there is no user 'nobody'"),
        (("delete", "nobody", "--yes"), "", 1, "there is no user 'nobody'"),
        (("disable", "bob"), "", 2, "say --yes"),
        (("delete", "bob"), "", 2, "say --yes"),
    ],
)
def test_what_is_refused_says_why(
    mintmark: CommandLine, arguments: tuple[str, ...], stdin: str, code: int, text: str
) -> None:
    create(mintmark, "bob")
    done = mintmark("user", *arguments, stdin=stdin, code=code)
    assert text in " ".join(done.err.replace("│", "").split())
    assert PASSWORD not in done.err
    assert done.out == ""


def test_a_user_is_disabled_enabled_and_deleted(mintmark: CommandLine) -> None:
    create(mintmark, "alice")
    client = ("--grant-type", "authorization_code", "--redirect-uri", "https://app.example/cb")
    mintmark("client", "create", "web", *client)
    for _ in range(2):
        mintmark("grant", "code", "--client", "web", "--user", "alice")
    disabled = mintmark("user", "disable", "alice", "--yes", "--json").json
    assert disabled == {"username": "alice", "disabled": True, "grants_ended": 2, "sessions_ended": 0}
    assert "user alice is disabled" in mintmark("grant", "code", "--client", "web", "--user", "alice", code=1).err
    assert mintmark("user", "enable", "alice", "--json").json["enabled"] is True
    mintmark("grant", "code", "--client", "web", "--user", "alice")
    assert (
        mintmark("user", "delete", "alice", "--yes").err
        == "User alice is deleted; grants ended: 1, sessions ended: 0.\n"
    )


def test_at_a_terminal_a_password_is_asked_for_and_not_shown(mintmark: CommandLine) -> None:
    typed = [("Password: ", PASSWORD), ("Repeat for confirmation: ", PASSWORD)]  # the space comes once nothing is shown
    done = mintmark.at_terminal("user", "create", "alice", typed=typed)
    assert done.code == 0, done
    assert "User alice is created." in done.out
    assert PASSWORD not in done.out
    assert mintmark("user", "show", "alice", "--json").json["has_password"] is True


def test_at_a_terminal_one_may_think_again(mintmark: CommandLine) -> None:
    create(mintmark, "alice")
    done = mintmark.at_terminal("user", "delete", "alice", typed=[("Delete the user alice", "n")])
    assert done.code == 1
    assert mintmark("user", "show", "alice")
    assert mintmark.at_terminal("user", "delete", "alice", typed=[("Delete the user alice", "y")]).code == 0
    mintmark("user", "show", "alice", code=1)


def test_a_user_is_signed_out(mintmark: CommandLine) -> None:
    create(mintmark, "alice")
    assert (
        mintmark("user", "sign-out", "alice", "--yes").err
        == "User alice is signed out; grants ended: 0, sessions ended: 0.\n"
    )
    told = mintmark("user", "sign-out", "alice", "--yes", "--json").json
    assert told == {"username": "alice", "signed_out": True, "grants_ended": 0, "sessions_ended": 0}
    assert "--yes" in mintmark("user", "sign-out", "alice", code=2).err


def test_a_user_code_is_set_and_removed(mintmark: CommandLine) -> None:
    """What clients that ask without a browser must know; it is never shown."""
    create(mintmark, "alice")
    done = mintmark("user", "set-user-code", "alice", "--user-code-stdin", stdin="4711-x\n")
    assert (done.err, "4711" in done.out) == ("User alice has a user code.\n", False)
    assert "4711" not in mintmark("user", "show", "alice", "--json").out
    short = mintmark("user", "set-user-code", "alice", "--user-code-stdin", stdin="471\n", code=1)
    assert "must have at least 4 characters" in short.err
    assert mintmark("user", "set-user-code", "alice", "--remove").err == "User alice has no user code any more.\n"
    both = mintmark("user", "set-user-code", "alice", "--remove", "--user-code-stdin", code=2)
    assert "exclude each other" in " ".join(both.err.split())
