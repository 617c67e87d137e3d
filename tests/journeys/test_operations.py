"""What docs/how-to/operations.md tells an operator to type does what it says there."""

from pathlib import Path

import pytest

from tests.pages import Page, Shell
from tests.world import World

pytestmark = pytest.mark.slow


async def test_after_a_restore_everything_is_ended_that_it_brought_back(world: World, tmp_path: Path) -> None:
    tokens = [await world.tokens(await world.client(name)) for name in ("app", "other")]
    await Shell(tmp_path, MINTMARK_REDIS_URL=world.redis.url).run(Page("how-to/operations.md").block("console"))
    for name, issued in zip(("app", "other"), tokens, strict=True):
        assert not await world.is_active(issued["access_token"], name)
        assert (await world.refresh(issued["refresh_token"], name)).status == 400
        assert (await world.token(name, grant_type="client_credentials")).status == 200
