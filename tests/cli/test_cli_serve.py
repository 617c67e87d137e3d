"""``mintmark serve``: a process that says when it is ready, where it listens, and ends well."""

import json
import signal
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

from tests.cli.command_line import CommandLine
from tests.patience import PATIENCE
from tests.redis_shapes import Shape
from tests.server_process import ServerProcess


@pytest.fixture
def server(mintmark: CommandLine) -> Iterator["Popen[str]"]:
    process = mintmark.start("serve", "--port", "0", "--log-level", "INFO", "--json")
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_is_and_ends_with_0_when_told_to(server: "Popen[str]", number: signal.Signals) -> None:
    assert server.stdout is not None
    ready = json.loads(server.stdout.readline())
    assert set(ready) == {"url", "issuer"}
    with urllib.request.urlopen(ready["url"] + "/readyz") as response:
        assert response.status == 200
    server.send_signal(number)
    out, err = server.communicate(timeout=PATIENCE)
    assert (server.returncode, out) == (0, "")
    assert [json.loads(line)["event"] for line in err.splitlines()] == [
        *("openid_connect_disabled", "serving", "draining", "stopped")
    ]


def test_options_win_over_the_environment(mintmark: CommandLine) -> None:
    mintmark.variables |= {"MINTMARK_PORT": "1", "MINTMARK_LOG_FORMAT": "json"}
    process = mintmark.start("serve", "--port", "0", "--log-format", "text", "--log-level", "INFO")
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Mintmark serves http://127.0.0.1:8080 at http://127.0.0.1:")
        process.terminate()
        _, err = process.communicate(timeout=PATIENCE)
        assert "info serving url=" in err
    finally:
        process.kill()


def test_a_port_in_use_is_named_with_its_setting(mintmark: CommandLine) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        done = mintmark("serve", "--port", str(port), code=1)
    assert f"127.0.0.1:{port} is in use by another program" in done.err
    assert "--port" in done.err
    assert "MINTMARK_PORT" in done.err


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_a_host_that_is_none_is_named(mintmark: CommandLine, host: str) -> None:
    done = mintmark("serve", "--host", host, code=1)
    assert f"{host}:8080" in done.err
    assert "MINTMARK_HOST" in done.err


@pytest.mark.parametrize(
    ("option", "value"), [("--workers", "many"), ("--log-level", "LOUD"), ("--log-format", "xml"), ("--host", "")]
)
def test_a_value_that_is_none_is_told_with_its_option(mintmark: CommandLine, option: str, value: str) -> None:
    """It is wrong usage, and not the settings that are faulty; the environment's own faults are told beside it."""
    done = mintmark("serve", option, value, code=2)
    assert option in done.err
    assert f" {option.removeprefix('--').replace('-', '_')}: " not in done.err
    mintmark.variables["MINTMARK_CODE_LIFETIME"] = "0"
    if option == "--workers":
        done = mintmark("serve", option, value, code=4)
        assert "--workers: " in done.err
        assert "code_lifetime: " in done.err


def test_the_operator_knows_its_log_levels(mintmark: CommandLine) -> None:
    mintmark.variables |= {"MINTMARK_URL": "http://127.0.0.1:1", "MINTMARK_TOKEN": "t" * 32}
    assert "--log-level" in mintmark("operator", "--log-level", "loud", code=2).err


RARE = (
    *("opentelemetry", "redis", "rich", "yaml", "jsonschema", "OpenSSL"),
    *(
        "service.dev",
        "service.admin.operations",
        "service.fronts.admin_api",
        "service.fronts.console",
        "service.fronts.decision_api",
    ),
)
"""What is for traces, tests, tables, YAML files, the demo and operators."""


@pytest.mark.parametrize(("settings", "serves_operators"), [({}, False), ({"admin_port": 0}, True)])
async def test_it_loads_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, redis: Shape, settings: dict[str, Any], serves_operators: bool
) -> None:
    """Memory and time of a start: each process of a service pays for every module."""
    monkeypatch.setenv("PYTHONPROFILEIMPORTTIME", "1")
    async with ServerProcess(tmp_path, forked=False, redis_url=redis.url, **settings) as server:
        log = server.log.read_text()
    loaded = {line.rpartition("|")[2].strip() for line in log.splitlines() if line.startswith("import time:")}
    assert {"service.app", "aiohttp", "hiredis"} <= loaded
    of_operators = {rare for rare in RARE if rare.startswith(("service.admin", "service.fronts"))}
    assert {rare for rare in RARE if rare in loaded} == (of_operators if serves_operators else set())
