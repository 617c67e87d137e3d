"""``mintmark demo``: it checks itself, and what it prints can be pasted."""

import json
import re
import signal
import subprocess
from pathlib import Path
from threading import Timer
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, build_opener

import pytest

from service.dev import check
from tests.cli.command_line import CommandLine
from tests.patience import PATIENCE
from tests.redis_shapes import Shape
from tests.server_process import free_port

STEPS = [step.title for step in check.STEPS]


def test_the_check_passes_and_leaves_nothing(mintmark: CommandLine, tmp_path: Path) -> None:
    process = mintmark.start("demo", "--check", folder=tmp_path)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, out + err
    assert err == ""
    assert re.findall("^✓ (.*)$", out, re.MULTILINE) == STEPS
    assert not re.search("✗", out)
    assert not re.search("mm_.._[A-Za-z0-9_-]{8}", out), "tokens are shortened"
    assert list(tmp_path.iterdir()) == []


def test_the_check_as_json_on_a_given_redis(mintmark: CommandLine, redis: Shape) -> None:
    told = mintmark("demo", "--check", "--redis", redis.url, "--json").json
    assert told["ok"] is True
    assert [step["title"] for step in told["steps"]] == STEPS
    assert all(set(step) == {"title", "ok", "came_back"} for step in told["steps"])
    forever = {key for key, entry in redis.dump().items() if entry.pttl == -1}
    assert forever == {b"mm:{signing}:keys"}, "its clients and its user are gone; the server's keys stay"


def test_a_step_that_goes_wrong_is_marked(mintmark: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where repeats are never recognised, everything else still is, and the exit code tells."""
    monkeypatch.setattr("service.tokens.issuing.repeat", lambda *_: 1 / 0)
    told = mintmark("demo", "--check", "--json", code=1).json
    assert told["ok"] is False
    assert [step["title"] for step in told["steps"] if not step["ok"]] == ["again within the grace: the same answer"]
    monkeypatch.undo()


@pytest.mark.slow
@pytest.mark.parametrize("given", ["redis", "own"])
def test_every_printed_command_works(mintmark: CommandLine, redis: Shape, tmp_path: Path, given: str) -> None:
    port = free_port()
    options = ("--redis", redis.url) if given == "redis" else ()
    del mintmark.variables["MINTMARK_REDIS_URL"]
    process = mintmark.start("demo", "--port", str(port), *options, folder=tmp_path)
    try:
        printed = _printed(process)
        commands = [line for line in printed.splitlines() if line and not line.startswith(" ")]
        assert len(commands) >= 12
        ran = _paste(commands, mintmark, tmp_path)
        process.send_signal(signal.SIGINT)
        _, log = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, log
    finally:
        process.kill()
    _check(ran)
    assert (tmp_path / ".mintmark").exists() == (given == "own")
    assert "incident" not in log


def _printed(process: "subprocess.Popen[str]") -> str:
    """What it prints, until the last of its commands."""
    assert process.stdout is not None
    printed = ""
    limit = Timer(20, process.kill)
    limit.start()
    for line in process.stdout:
        printed += line
        if line.endswith(" --help\n"):
            break
    limit.cancel()
    assert printed.endswith(" --help\n"), printed
    return printed


def _paste(commands: list[str], mintmark: CommandLine, folder: Path) -> str:
    """Run them one after the other in one bash, as pasted; curl also fails where the answer is no 2xx."""
    script = ["set -eo pipefail", 'curl() { command curl --fail-with-body "$@"; }', *commands]
    ran = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=folder,
        env=mintmark.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def _check(printed: str) -> None:
    answers = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    client, password, code, refresh, active, revoked, metadata = answers
    assert "refresh_token" not in client
    assert "refresh_token" in password
    assert code["scope"] == refresh["scope"] == "read write"
    assert code["refresh_token"] != refresh["refresh_token"]
    assert (active["active"], active["sub"]) == (True, "alice")
    assert revoked == {"active": False}
    assert "token_endpoint" in metadata


@pytest.mark.slow
def test_a_second_run_finds_what_the_first_one_made(mintmark: CommandLine, tmp_path: Path) -> None:
    secrets, tokens = [], set()
    for _ in range(2):
        process = mintmark.start("demo", "--port", str(free_port()), "--json", folder=tmp_path)
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            mintmark.variables["MINTMARK_REDIS_URL"] = told["redis_url"]
            tokens.add(told["console_token"])
            _sign_in_at_console(told)
            secrets.append(mintmark("client", "show", "demo", "--json").json["secrets"])
        finally:
            process.terminate()
            _, said = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0
        assert "admin_tokens" not in said, "its own folder is no setting of somebody else's"
        mintmark.variables["MINTMARK_SECRETS_DIR"] = f"{tmp_path}/.mintmark"  # as the pages export it
    assert secrets[0] == secrets[1]
    assert (told["client_id"], told["client_secret"]) == ("demo", "demo-secret")
    assert (told["username"], told["password"]) == ("alice", "wonderland")
    assert len(tokens) == 1, "the operator's token is kept"
    assert (tmp_path / ".mintmark" / "admin_tokens").stat().st_mode & 0o077 == 0
    assert [set(lesson) for lesson in told["lessons"]] == [{"title", "commands"}] * len(told["lessons"])


def _sign_in_at_console(told: dict[str, str]) -> None:
    """With what was printed; a wrong one opens nothing."""
    browser = build_opener(HTTPCookieProcessor())
    for token, heading in (("x" + told["console_token"][1:], "Sign in"), (told["console_token"], "Dashboard")):
        try:
            page = browser.open(f"{told['console_url']}/sign-in", urlencode({"token": token}).encode(), 20)
        except HTTPError as refused:
            page = refused
        assert f"<h1>{heading}</h1>" in page.read().decode()


@pytest.mark.slow
def test_the_demo_on_a_given_redis_has_a_token_of_this_run(mintmark: CommandLine, redis: Shape, tmp_path: Path) -> None:
    tokens = set()
    for _ in range(2):
        process = mintmark.start("demo", "--port", str(free_port()), "--redis", redis.url, "--json", folder=tmp_path)
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            _sign_in_at_console(told)
            tokens.add(told["console_token"])
        finally:
            process.terminate()
            process.communicate(timeout=PATIENCE)
    assert len(tokens) == 2
    assert all(len(token) >= 32 for token in tokens)
    assert list(tmp_path.iterdir()) == []


def test_the_demo_says_what_is_in_its_way(mintmark: CommandLine) -> None:
    mintmark.variables = {}
    done = mintmark("demo", "--redis", "redis://:hunter2@127.0.0.1:1/0", code=3)
    assert "Redis cannot be reached: 127.0.0.1:1" in done.err
    assert "hunter2" not in done.err
    assert "(from: --redis)" in done.err
    assert "Start Redis there, or say where it is: --redis." in done.err, (
        "neither a setting, nor the demo of this folder"
    )
    assert "--redis: unknown scheme" in mintmark("demo", "--redis", "http://127.0.0.1", code=2).err


def test_a_second_demo_in_the_same_folder_says_what_is_there(
    mintmark: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    process = mintmark.start("demo", "--port", str(free_port()), "--json", folder=tmp_path)
    try:
        assert process.stdout is not None
        assert process.stdout.readline()
        said = " ".join(mintmark("demo", "--port", str(free_port()), code=3).err.split())
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)
    assert f"A demo runs already in this folder (process {process.pid}): end it with Ctrl-C, or start this" in said
    assert "redis" not in said


def test_a_folder_that_cannot_hold_its_data_is_named(
    mintmark: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".mintmark").write_text("a file where a folder should be")
    assert "cannot be kept in .mintmark/redis" in mintmark("demo", code=3).err
