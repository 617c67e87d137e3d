"""``mintmark apply`` is killed anywhere, and applied again: every client is there, and its secret is in its file."""

import json
import multiprocessing
import os
import signal
import sys
from pathlib import Path
from types import FrameType

import pytest
import redis as redis_py

from service.cli import main
from service.crypto.passwords import hash_generated
from tests.cli.command_line import CommandLine
from tests.cli.running_service import only_here

pytestmark = [pytest.mark.slow, only_here]

STEPS = (
    "make",
    "_write",
    "write_privately",
    "_keep_name",
    "keep",
    "perform_all",
    "_perform",
    "perform_change",
    "_update",
)
"""Functions by which it is done: a process is killed where one begins, goes on after waiting, or has written a file."""
MANIFESTS = """
apiVersion: mintmark.dev/v1alpha1
kind: OAuth2Client
metadata: {{name: made{0}}}
spec: {{grant_types: [client_credentials], secret: {{name: made-credentials}}}}
---
apiVersion: mintmark.dev/v1alpha1
kind: OAuth2Client
metadata: {{name: lacking{0}}}
spec: {{grant_types: [client_credentials], scopes: [read]}}
"""
WITHOUT_SECRET = """
apiVersion: mintmark.dev/v1alpha1
kind: OAuth2Client
metadata: {{name: lacking{0}}}
spec: {{auth_method: none, grant_types: ["urn:ietf:params:oauth:grant-type:device_code"]}}
"""
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["tests.forked", "service.cli.apply"])


def killed(arguments: list[str], variables: dict[str, str], at: int, count: Path) -> None:
    """Run ``mintmark`` until the step ``at`` and no further; how many there were until the end goes into a file."""
    os.environ.clear()
    os.environ.update(variables)
    for stream in (1, 2):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
    seen: set[tuple[object, ...]] = set()

    def step(frame: FrameType, event: str, function: object) -> None:
        code = frame.f_code
        if code.co_name not in STEPS or not (event == "call" or (event == "c_return" and function is os.fsync)):
            return
        seen.add((code.co_name, event, frame.f_lineno))
        if len(seen) == at:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(step)
    try:
        main(arguments)
    finally:
        sys.setprofile(None)
        count.write_text(str(len(seen)))


def run_until(mintmark: CommandLine, arguments: list[str], at: int, count: Path) -> int | None:
    process = _FORKS.Process(target=killed, args=(arguments, mintmark.environment, at, count))
    process.start()
    process.join()
    return process.exitcode


def test_killed_anywhere_and_applied_again_it_is_as_if_nothing_had_been(mintmark: CommandLine, tmp_path: Path) -> None:
    """One client is made, another has no secret yet; afterwards there is nothing to do and nothing left over."""
    count, kept = tmp_path / "count", redis_py.from_url(mintmark.variables["MINTMARK_REDIS_URL"])
    at, resumed = 0, 0
    while not count.exists():
        at += 1
        manifests, secrets = tmp_path / f"{at}.yaml", tmp_path / f"secrets{at}"
        manifests.write_text(MANIFESTS.format(at))
        public = WITHOUT_SECRET.format(at)
        mintmark("apply", "-f", "-", "--yes", stdin=public)
        to = ["apply", "-f", str(manifests), "--secrets-to", str(secrets), "--yes", "--json"]
        assert run_until(mintmark, to, at, count) == (0 if count.exists() else -signal.SIGKILL)
        again = mintmark(*to).json["objects"]
        resumed += sum(one["act"] == "update" for one in again)
        assert sorted(os.listdir(secrets)) == [".gitignore", f"lacking{at}", "made-credentials"], at
        for client_id, file in ((f"made{at}", "made-credentials"), (f"lacking{at}", f"lacking{at}")):
            (key,) = [key for key in kept.scan_iter(count=1000) if key.endswith(f":{client_id}".encode())]
            record = kept.get(key)
            assert isinstance(record, bytes)
            held = json.loads(record)["secrets"]
            assert [one["hash"] for one in held] == [hash_generated((secrets / file).read_text().strip())], at
    assert {one["act"] for one in mintmark(*to).json["objects"]} == {"nothing"}
    assert at > 10
    assert resumed, "it was never killed between the client and its file"
