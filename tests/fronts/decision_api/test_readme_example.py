"""The README's "Tokens and clients by API", run as it stands there against a service of the test's own."""

import asyncio
import re
from pathlib import Path

from tests.deciding import API_SECRET, Backend

README = (Path(__file__).parents[3] / "README.md").read_text()
SECTION = README.partition("## Tokens and clients by API")[2].partition("\n## ")[0]


async def test_the_readme_s_example_does_what_it_says(caller: Backend) -> None:
    found = re.search(r"^```python\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)
    assert found is not None
    names = {"API_SECRET": API_SECRET}
    await asyncio.to_thread(exec, found[1].replace("http://127.0.0.1:8081", caller.url), names)
    made = names["made"]
    assert made.scopes == ["read", "write"]  # type: ignore[attr-defined]
    assert not caller.world.key_names("}:refresh:")
