"""What an operator reads: times as times, tables that fit, promises that hold, and how to reach a demo that runs here."""

import json
import os
import re
import socket
from pathlib import Path

import pytest

from service.cli import output
from service.cli.exits import RedisUnusableError, redis_explained
from service.protocol.errors import TemporarilyUnavailable
from service.settings import load
from tests.cli.command_line import CommandLine

WEB = ("--grant-type", "client_credentials", "--scope", "read", "--audience", "https://api.example")
A_TIME = r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC"


def test_the_audit_log_says_when(mintmark: CommandLine) -> None:
    mintmark("client", "create", "web", *WEB)
    assert re.search(f"^{A_TIME} ", mintmark("audit", "list").out, re.MULTILINE)
    assert re.match(A_TIME, mintmark("audit", "follow", "--limit", "1", "--cursor", "0-0").out)
    assert isinstance(mintmark("audit", "list", "--json").json["entries"][0]["at"], float)


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_settings_fit_the_terminal(mintmark: CommandLine, columns: int) -> None:
    mintmark.variables |= {
        "COLUMNS": str(columns),
        "MINTMARK_SCOPES": json.dumps({f"s{n}": "x" * 30 for n in range(9)}),
    }
    told = mintmark("settings").out
    assert max(map(len, told.splitlines())) <= columns
    assert "Signing and OpenID Connect" in told


def test_a_table_that_does_not_fit_is_told_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    row = {
        name: name * 6
        for name in ("at_what", "actor", "way", "address", "action", "targets", "changed", "result", "why")
    }
    output.table([row, row], row)
    told = capsys.readouterr().out
    assert max(map(len, told.splitlines())) <= 80
    assert told.count("addressaddressaddressaddressaddressaddress") == 2, "nothing is broken into pieces"


def test_a_rotation_promises_what_holds(mintmark: CommandLine) -> None:
    """The key before signs until the new one does, and the list says so."""
    mintmark.variables |= {"MINTMARK_MASTER_KEY": "m" * 43, "MINTMARK_SIGNING_ALGORITHMS": "ES256"}
    mintmark("key", "list")
    told = mintmark("key", "rotate", "--now").err
    assert "until then the keys before them do" in told
    listed = mintmark("key", "list").out
    assert re.search(r"active for \d+ s more", listed)
    assert " next " in listed
    assert "at once" not in mintmark("key", "rotate", "--help").out


def test_beside_a_demo_it_is_said_how_to_reach_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only beside one that runs, and only where nobody said which Redis is meant."""
    for name in [name for name in os.environ if name.startswith("MINTMARK_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".mintmark").mkdir()
    (tmp_path / ".mintmark" / "redis_url").write_text(f"unix://{tmp_path}/s")
    assert "Start Redis there" in told_without_redis()
    with socket.socket(socket.AF_UNIX) as redis:
        redis.bind(str(tmp_path / "s"))
        redis.listen()
        assert "export MINTMARK_SECRETS_DIR=.mintmark" in told_without_redis()
        monkeypatch.setenv("MINTMARK_REDIS_URL", "redis://10.0.0.1")
        assert "Start Redis there" in told_without_redis()


def told_without_redis() -> str:
    with pytest.raises(RedisUnusableError) as error, redis_explained(load()):
        raise TemporarilyUnavailable(log="Redis: refused")
    return str(error.value)
