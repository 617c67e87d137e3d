"""``mintmark key …`` and ``mintmark registration …``."""

import pytest

from tests.cli.command_line import CommandLine
from tests.cli.running_service import only_here

BOTH_WAYS = True
"""Here and by the URL of a running service."""

ALGORITHMS = {"RS256", "PS256", "ES256", "ES384", "EdDSA"}


@pytest.fixture
def keyed(mintmark: CommandLine) -> CommandLine:
    """With a master key."""
    mintmark.variables |= {"MINTMARK_MASTER_KEY": "m" * 43}
    return mintmark


def test_keys_are_listed(keyed: CommandLine) -> None:
    """IT-09. The first command that needs keys makes them, the next one finds them."""
    first, second = (keyed("key", "list", "--json").json["keys"] for _ in range(2))
    assert {key["algorithm"] for key in first} == ALGORITHMS
    assert {key["state"] for key in first} == {"active"}
    assert first == second
    assert keyed("key", "list").out.count("active") == 5


def test_a_key_is_rotated_and_signs_later(keyed: CommandLine) -> None:
    before = {key["kid"] for key in keyed("key", "list", "--json").json["keys"]}
    done = keyed("key", "rotate", "--algorithm", "ES256")
    assert "next" in done.out
    assert "They sign from" in done.err
    keys = [key for key in keyed("key", "list", "--json").json["keys"] if key["algorithm"] == "ES256"]
    assert [(key["state"], key["kid"] in before) for key in keys] == [("next", False), ("active", True)]
    assert keys[0]["signs_from_at"] == keys[1]["signs_until_at"]
    again = keyed("key", "rotate", "--algorithm", "ES256", "--json").json["keys"]
    assert [key["kid"] for key in again] == [keys[0]["kid"]], "the next one waits already"


def test_an_emergency_during_a_rotation(keyed: CommandLine) -> None:
    """The old key is to sign no longer than until the new one begins, whatever waited before."""
    for more in ([], ["--now"]):
        keyed("key", "rotate", "--algorithm", "ES256", *more)
    keys = [key for key in keyed("key", "list", "--json").json["keys"] if key["algorithm"] == "ES256"]
    assert [key["state"] for key in keys] == ["next", "active"]
    assert keys[0]["signs_from_at"] == keys[1]["signs_until_at"]


def test_a_key_that_waits_is_retired_and_the_one_before_goes_on(keyed: CommandLine) -> None:
    made = keyed("key", "rotate", "--algorithm", "ES256", "--json").json["keys"][0]
    keyed("key", "retire", made["kid"], "--yes")
    keys = [key for key in keyed("key", "list", "--json").json["keys"] if key["algorithm"] == "ES256"]
    assert [(key["state"], key["signs_until_at"]) for key in keys] == [("active", 0)]


def test_a_key_is_retired_at_once(keyed: CommandLine) -> None:
    old = next(key for key in keyed("key", "list", "--json").json["keys"] if key["algorithm"] == "EdDSA")
    keyed("key", "retire", old["kid"], "--yes")
    keys = [key for key in keyed("key", "list", "--json").json["keys"] if key["algorithm"] == "EdDSA"]
    assert [(key["state"], key["kid"] == old["kid"]) for key in keys] == [("active", False)]
    assert "there is no key" in keyed("key", "retire", "x", "--yes", code=1).err


def test_keys_that_clients_encrypt_for(keyed: CommandLine) -> None:
    """Beside those that sign, under a use of their own; the next one is published instead of the one before."""
    keyed.variables |= {
        "MINTMARK_ENCRYPTION_ALGORITHMS": '["ECDH-ES", "dir"]',
        "MINTMARK_SIGNING_ALGORITHMS": '["ES256"]',
    }
    listed = keyed("key", "list", "--json").json["keys"]
    assert [(key["use"], key["algorithm"], key["state"]) for key in listed] == [
        ("sig", "ES256", "active"),
        ("enc", "ECDH-ES", "active"),
    ]
    done = keyed("key", "rotate", "--algorithm", "ECDH-ES")
    assert ("next" in done.out, "ES256" in done.out, "They are published from" in done.err) == (True, False, True)
    assert "there is no key of ours for dir" in keyed("key", "rotate", "--algorithm", "dir", code=1).err
    both = keyed("key", "rotate", "--json").json["keys"]
    assert [(key["algorithm"], key["state"]) for key in both] == [("ES256", "next"), ("ECDH-ES", "next")]
    keyed("key", "retire", both[1]["kid"], "--yes")
    states = [key["state"] for key in keyed("key", "list", "--json").json["keys"] if key["use"] == "enc"]
    assert states == ["active"]


@only_here
def test_another_master_key_is_told_of(keyed: CommandLine) -> None:
    keyed("key", "list")
    keyed.variables["MINTMARK_MASTER_KEY"] = "n" * 43
    assert "encrypted under another master key" in keyed("key", "list", code=4).err
    keyed.variables["MINTMARK_MASTER_KEY"] = "n" * 43 + " " + "m" * 43
    kids = {key["kid"] for key in keyed("key", "list", "--json").json["keys"]}
    keyed.variables["MINTMARK_MASTER_KEY"] = "n" * 43
    assert {key["kid"] for key in keyed("key", "list", "--json").json["keys"]} == kids


def test_without_a_master_key_it_says_what_to_do(mintmark: CommandLine) -> None:
    assert "`mintmark key master` makes one" in mintmark("key", "list", code=1).err


@only_here
def test_a_short_master_key_is_refused(mintmark: CommandLine) -> None:
    mintmark.variables |= {"MINTMARK_MASTER_KEY": "short"}
    err = mintmark("key", "list", code=4).err
    assert "32 characters" in err
    assert "short" not in err


def test_a_master_key_is_made(mintmark: CommandLine) -> None:
    assert len(mintmark("key", "master").out.strip()) == 49
    assert mintmark("key", "master", "--json").json["master_key"] != mintmark("key", "master", "--json").json


def test_an_initial_access_token_is_shown_once_and_kept_as_a_hash(mintmark: CommandLine) -> None:
    done = mintmark("registration", "token", "--uses", "3", "--json").json
    assert done["initial_access_token"].startswith("mm_ia_")
    assert "cannot be shown again" in mintmark("registration", "token").err


def test_secrets_are_encrypted_anew(mintmark: CommandLine) -> None:
    mintmark.variables["MINTMARK_MASTER_KEY"] = "m" * 40
    options = ("--auth-method", "client_secret_jwt", "--grant-type", "client_credentials")
    mintmark("client", "create", "cron", *options)
    assert mintmark("key", "reseal", "--json").json == {"clients": 0}
    mintmark.variables["MINTMARK_MASTER_KEY"] = "n" * 40 + " " + "m" * 40
    assert mintmark("key", "reseal").err == "Secrets encrypted anew: 1 clients.\n"
