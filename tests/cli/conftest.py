"""A ``mintmark`` to call, on an empty Redis: by itself, or by the admin API of a service on that Redis."""

from collections.abc import Iterator

import pytest

from tests.as_tested import VARIABLES
from tests.cli.command_line import CommandLine
from tests.cli.running_service import ByUrl
from tests.redis_shapes import Shape


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests of a module with ``BOTH_WAYS`` run twice."""
    said = [mark for mark in metafunc.definition.iter_markers("parametrize") if mark.args[0] == "mintmark"]
    if "mintmark" in metafunc.fixturenames and getattr(metafunc.module, "BOTH_WAYS", False) and not said:
        by_url = pytest.param("by_url", marks=pytest.mark.slow)  # test_remote.py says in short that this way works
        metafunc.parametrize("mintmark", ["here", by_url], indirect=True)


@pytest.fixture
def mintmark(
    redis: Shape,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> Iterator[CommandLine]:
    monkeypatch.setenv("COLUMNS", "120")
    variables = {"MINTMARK_REDIS_URL": redis.url, **VARIABLES}
    if getattr(request, "param", "here") == "here":
        yield CommandLine(monkeypatch, capsys, variables)
        return
    by_url = ByUrl(monkeypatch, capsys, variables)
    yield by_url
    by_url.stop()
