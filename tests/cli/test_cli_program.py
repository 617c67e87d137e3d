"""The command line as a whole: help, version, exit codes, and what it says where Redis is not."""

import inspect
import os
import re
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from types import CodeType, FunctionType

import pytest
import typer
from typer.main import get_command

from service import __version__
from service.cli.masking import without_password
from service.cli.program import program
from tests.cli.command_line import CommandLine
from tests.redis_shapes import Shape

ROOT = Path(__file__).parents[2]
REFERENCE = (ROOT / "docs/reference/cli.md").read_text()

CLIENT = (
    *(
        "create",
        "list",
        "show",
        "check",
        "export",
        "update",
        "rotate-secret",
        "disable",
        "enable",
        "approve",
        "revoke",
        "delete",
    ),
)
USER = ("create", "list", "show", "update", "set-password", "set-user-code", "sign-out", "disable", "enable", "delete")
GRANT = ("code", "list", "show", "issued", "revoke")
SESSION = ("list", "show", "end")
AUDIT = ("list", "follow")
TRUST = ("add", "list", "export", "remove")
RESOURCE = ("create", "list", "show", "export", "update", "delete")
HOOK = ("list", "test", "secret")
KEY = ("list", "rotate", "retire", "reseal", "master")
COMMANDS = [
    *(["serve"], ["demo"], ["settings"], ["statistics"], ["end-everything"], ["admin-token"]),
    *(["login"], ["operator"], ["apply"]),
    *(["client", name] for name in CLIENT),
    *(["user", name] for name in USER),
    *(["grant", name] for name in GRANT),
    *(["key", name] for name in KEY),
    *(["hook", name] for name in HOOK),
    *(["trust", name] for name in TRUST),
    *(["resource", name] for name in RESOURCE),
    *(["session", name] for name in SESSION),
    *(["audit", name] for name in AUDIT),
    *(["registration", "token"], ["scope", "list"], ["token", "inspect"], ["refused", "list"]),
]


def plain(text: str) -> str:
    return " ".join(re.sub(r"\x1b\[[0-9;]*m|[│╭╮╰╯─]", " ", text).split())


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_teaches_itself(mintmark: CommandLine, command: list[str]) -> None:
    told = plain(mintmark(*command, "--help").out)
    assert re.search(rf"Example: (MINTMARK_\S+ )?mintmark {' '.join(command)}\b", told)
    assert "--json Print one JSON value on standard output" in told
    assert re.findall(r"(?<!CLIENT_ID)(?<!NAME)(?<!ISSUER)(?<!RESOURCE)(?<!KID)(?<!SID)(?<!GRANT_ID) <str>", told) == []
    assert "<bool>" not in told
    assert "[[" not in told


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_reference_shows_what_the_help_shows(
    mintmark: CommandLine, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    """The same usage, and no option that the help hides."""
    monkeypatch.setenv("COLUMNS", "200")
    told = plain(mintmark(*command, "--help").out)
    name = f"mintmark {' '.join(command)}"
    section = re.split(r"^##", REFERENCE.partition(f"# `{name}`\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    (usage,) = re.findall(rf"^{name} .*", section, re.MULTILINE)
    assert f"Usage: {usage} " in told
    options = re.findall(r"^\| `(--[a-z-]+)", section, re.MULTILINE)
    assert options
    assert [option for option in options if f" {option} " not in told] == []


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_option_takes_a_secret(mintmark: CommandLine, command: list[str]) -> None:
    """Whoever lists processes sees command lines."""
    options = set(re.findall(r"--[a-z-]+", mintmark(*command, "--help").out))
    assert not {option for option in options if option in ("--password", "--secret", "--client-secret")}


@pytest.mark.parametrize("columns", ["80", "120"])
def test_no_option_is_cut_off_in_help(mintmark: CommandLine, monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    for command in COMMANDS:
        assert "…  " not in mintmark(*command, "--help").out.replace("MINTMARK_…", "")


def test_help_names_every_command_and_exit_code(mintmark: CommandLine) -> None:
    told = plain(mintmark("--help").out)
    for word in (
        "serve",
        "demo",
        "settings",
        "client",
        "user",
        "grant",
        "key",
        "registration",
        "session",
        "audit",
        "scope",
    ):
        assert f" {word} " in told
    for code in (
        "0 done",
        "1 refused or not found",
        "2 wrong usage",
        "3 Redis or the service cannot be used",
        "4 faulty settings",
    ):
        assert code in told


def test_these_are_all_commands() -> None:
    app = program()
    groups = {group.name: group.typer_instance.registered_commands for group in app.registered_groups}  # type: ignore[union-attr]
    counts = {name: len(commands) for name, commands in groups.items()}
    assert counts == {
        "client": len(CLIENT),
        "user": len(USER),
        "grant": len(GRANT),
        "key": len(KEY),
        "hook": len(HOOK),
        "trust": len(TRUST),
        "resource": len(RESOURCE),
        "registration": 1,
        "session": len(SESSION),
        "audit": len(AUDIT),
        "scope": 1,
        "token": 1,
        "refused": 1,
    }
    assert len(app.registered_commands) + sum(counts.values()) == len(COMMANDS)


def test_the_version_is_told(mintmark: CommandLine) -> None:
    assert mintmark("--version").out == f"mintmark {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Missing command"),
        (("client",), "Usage: mintmark client"),
        (("frobnicate",), "No such command 'frobnicate'"),
        (("client", "show"), "Missing argument 'CLIENT_ID'"),
        (("serve", "--port", "x"), "Invalid value for '--port': must be a whole number"),
    ],
)
def test_wrong_usage_is_told(mintmark: CommandLine, arguments: tuple[str, ...], said: str) -> None:
    done = mintmark(*arguments, code=2)
    assert said in done.out + done.err


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("grant", "list"), "Say whose: either --user or --client."),
        (("user", "delete", "bob"), "Delete the user bob and end all grants and tokens of that user? Nobody is here"),
        (("audit", "list", "--since", "x"), "--since x: write 90m, 12h, 7d"),
    ],
)
def test_what_is_no_value_is_not_called_an_invalid_one(
    mintmark: CommandLine, arguments: tuple[str, ...], text: str
) -> None:
    assert f"Error {text}" in plain(mintmark(*arguments, code=2).err)


def test_ctrl_c_while_it_loads_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("service.cli.main", interrupted)
    (script,) = entry_points(group="console_scripts", name="mintmark")
    with pytest.raises(SystemExit) as end:
        script.load()()
    assert end.value.code == 130


@pytest.mark.parametrize("command", [("client", "list"), ("user", "show", "a"), ("grant", "show", "x" * 22)])
def test_where_redis_is_not_it_says_where_it_looked(mintmark: CommandLine, command: tuple[str, ...]) -> None:
    mintmark.variables |= {"MINTMARK_REDIS_URL": "redis://bob:hunter2@127.0.0.1:1/3"}
    done = mintmark(*command, code=3)
    assert "Redis cannot be reached: 127.0.0.1:1" in done.err
    assert "redis_url is redis://bob:********@127.0.0.1:1/3 (from: environment)" in done.err
    assert "MINTMARK_REDIS_URL" in done.err
    assert "hunter2" not in done.err
    assert done.out == ""


def test_a_wrong_password_for_redis_is_told_without_it(mintmark: CommandLine, redis: Shape) -> None:
    mintmark.variables |= {"MINTMARK_REDIS_URL": redis.url.replace("//", "//bob:hunter2@")}
    done = mintmark("client", "list", code=3)
    assert "WRONGPASS" in done.err
    assert "hunter2" not in done.err


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("redis://:pw@h", "redis://:********@h"),
        ("redis://bob:pw@h:1/2", "redis://bob:********@h:1/2"),
        ("redis://bob:p@w@h:1/2", "redis://bob:********@h:1/2"),
        ("redis://bob@h", "redis://bob@h"),
        ("redis+sentinel://bob:pw@a:1,b:2/name", "redis+sentinel://bob:********@a:1,b:2/name"),
        ("unix:///tmp/a@b.sock", "unix:///tmp/a@b.sock"),
        ("nonsense", "nonsense"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert without_password(url) == shown


def acts(function: FunctionType, seen: set[FunctionType]) -> bool:
    """Whether a command comes to ``do`` or ``act``, which go where ``--url`` says."""
    seen.add(function)
    codes, names = [function.__code__], set[str]()
    while codes:
        code = codes.pop()
        names |= set(code.co_names)
        codes += [inner for inner in code.co_consts if isinstance(inner, CodeType)]
    called = [function.__globals__.get(name) for name in names]
    return bool(names & {"do", "act"}) or any(
        acts(one, seen)
        for one in called
        if isinstance(one, FunctionType) and one.__module__.startswith("service.cli") and one not in seen
    )


def test_help_and_docs_name_every_command_that_knows_no_url(mintmark: CommandLine) -> None:
    top = get_command(program())
    assert isinstance(top, typer.core.TyperGroup)
    here = []
    for name, command in top.commands.items():
        for words, one in command.commands.items() if isinstance(command, typer.core.TyperGroup) else [("", command)]:
            if not acts(inspect.unwrap(one.callback), set()):  # type: ignore[arg-type]
                here.append(f"{name} {words}".strip())
    told = re.search(r"Always here: (.*?)\.", plain(mintmark("--help").out))
    assert told
    assert sorted(re.split(", | and ", told[1])) == sorted(here)
    line = next(
        line
        for line in (ROOT / "docs" / "how-to" / "admin-api.md").read_text().splitlines()
        if "always done here" in line
    )
    assert sorted(re.findall("`(.*?)`", line)) == sorted(here)


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [["--version"], ["key", "master"], ["settings"]])
def test_output_on_a_full_disk_is_an_error_without_a_traceback(arguments: list[str], unbuffered: str) -> None:
    """What is buffered is written when the command has ended."""
    variables = os.environ | {"PYTHONUNBUFFERED": unbuffered}
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "service", *arguments], cwd=ROOT, env=variables, stdout=full, stderr=subprocess.PIPE
        )
    assert done.returncode == 1
    assert b"Error: Output could not be written: No space left on device." in done.stderr
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
