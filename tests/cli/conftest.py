"""A ``mintmark`` to call, on an empty Redis."""

import pytest

from tests.cli.command_line import CommandLine
from tests.redis_shapes import Shape


@pytest.fixture
def mintmark(redis: Shape, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    cheap = {"MINTMARK_ARGON2_MEMORY": "64", "MINTMARK_ARGON2_ITERATIONS": "1"}
    monkeypatch.setenv("COLUMNS", "120")
    return CommandLine(monkeypatch, capsys, {"MINTMARK_REDIS_URL": redis.url, **cheap})
