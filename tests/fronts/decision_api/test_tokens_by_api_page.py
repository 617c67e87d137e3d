"""The program of docs/how-to/tokens-by-api.md, run as it stands there against a service of the test's own."""

import asyncio

from tests.deciding import API_SECRET, Backend
from tests.pages import Page


async def test_the_example_does_what_it_says(caller: Backend) -> None:
    """Beside what the user has at another client, which stays."""
    other = await caller.world.tokens(await caller.world.client())
    program = Page("how-to/tokens-by-api.md").block("python")
    names = {"API_SECRET": API_SECRET}
    await asyncio.to_thread(exec, program.replace("http://127.0.0.1:8081", caller.url), names)
    made = names["made"]
    assert made.scopes == ["read", "write"]  # type: ignore[attr-defined]
    assert len(caller.world.key_names("}:refresh:")) == 1
    assert await caller.world.is_active(other["access_token"])
