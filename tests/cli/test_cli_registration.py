"""``mintmark registration …``."""

from tests.cli.command_line import CommandLine

BOTH_WAYS = True
"""Here and by the URL of a running service."""


def test_a_token_is_shown_once(mintmark: CommandLine) -> None:
    mintmark.variables["MINTMARK_REGISTRATION"] = "initial_access_token"
    told = mintmark("registration", "token", "--uses", "3", "--json").json
    assert told["initial_access_token"].startswith("mm_ia_")
    assert (told["uses"], told["lifetime"]) == (3, 86400)
    assert "of no use" not in mintmark("registration", "token").err


def test_where_registration_is_off_it_says_so(mintmark: CommandLine) -> None:
    done = mintmark("registration", "token")
    assert "The setting registration is off" in done.err
    assert "cannot be shown again" in done.err


def test_only_minus_one_is_any_number_of_times(mintmark: CommandLine) -> None:
    assert mintmark("registration", "token", "--uses", "-1", "--json").json["uses"] == -1
    for none in ("0", "-2"):
        assert "--uses: must be at least 1, or -1" in mintmark("registration", "token", "--uses", none, code=2).err
