"""No page of the tutorial or the how-to has commands or programs that nothing runs."""

import re

import pytest

from tests.cli.test_cli_pages import PAGES
from tests.pages import DOCS, ROOT

TESTS = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("*.py") if "node_modules" not in path.parts)
WITH_BLOCKS = sorted(
    path.relative_to(DOCS).as_posix()
    for folder in ("tutorial", "how-to")
    for path in (DOCS / folder).glob("*.md")
    if re.search(r"^```(sh|console|python|html|apache)\b", path.read_text(), re.MULTILINE)
)


@pytest.mark.parametrize("page", WITH_BLOCKS)
def test_something_runs_it(page: str) -> None:
    name = page.rpartition("/")[2]
    assert name in PAGES or name in TESTS or name.removesuffix(".md") in ("start", "sign-in", "protect-an-api")
