"""A token where a name is wanted: neither the message nor the audit log shows it."""

import pytest

from tests.cli.command_line import CommandLine

TOKEN = "mm_at_" + "aB-_9" * 13
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "command",
    [
        ("grant", "revoke"),
        ("client", "disable"),
        ("client", "delete", "--yes"),
        ("user", "disable"),
        ("user", "disable", "--yes"),
        ("user", "sign-out"),
        ("session", "end"),
        ("key", "retire"),
        ("session", "list"),
        ("session", "list", "--user", "alice", "--limit"),
        ("client", "list", "--limit"),
        ("grant",),
        (),
        ("client", "create", "app", "--grant-type"),
        ("user", "create", "bob", "--password-stdin"),
        ("registration", "create-token", "--uses"),
        ("audit", "list", "--json", "x"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("credential", [TOKEN, JWT], ids=["token", "JWT"])
def test_a_token_in_the_place_of_a_name_is_shown_nowhere(
    mintmark: CommandLine, command: tuple[str, ...], credential: str
) -> None:
    told = mintmark(*command, credential, code=None)
    assert told.code != 0
    listed = mintmark("audit", "list", "--json")
    for part in (credential[6:], credential.rpartition(".")[2]):
        assert part not in told.out + told.err + listed.out
