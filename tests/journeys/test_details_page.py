"""What docs/how-to/authorization-details.md tells an operator to write and type does what it says there."""

import json
from pathlib import Path

import pytest

from tests.pages import Page, Shell
from tests.redis_shapes import Shape
from tests.server_process import ServerProcess

pytestmark = pytest.mark.slow
PAGE = Page("how-to/authorization-details.md")


async def test_the_example_does_what_it_says(redis: Shape, tmp_path: Path) -> None:
    (tmp_path / "mintmark.toml").write_text(PAGE.block("toml"))
    async with ServerProcess(tmp_path, redis_url=redis.url, config=tmp_path / "mintmark.toml") as server:
        here = {"http://127.0.0.1:8080": server.url, "curl ": "curl -w '\\n' "}
        said = await Shell(tmp_path, here, MINTMARK_REDIS_URL=redis.url).run(PAGE.block("sh"))
    issued, refused = [json.loads(line) for line in said.splitlines() if line.startswith("{")][-2:]
    assert issued["authorization_details"] == [{"type": "account_information", "actions": ["list"]}]
    assert refused["error"] == "invalid_authorization_details"
