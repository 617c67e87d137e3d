"""Pages that are made from code say what the code of today says."""

import re
from collections import Counter
from pathlib import Path

import pytest

from docs.generate import PAGES

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_current(name: str) -> None:
    assert (DOCS / name).read_text() == PAGES[name](), "run python -m docs.generate"


def test_no_two_endpoints_have_one_text() -> None:
    texts = Counter(re.findall(r"^## \S+\n\n(.+)", PAGES["reference/endpoints.md"](), re.MULTILINE))
    assert len(texts) > 10
    assert [text for text, times in texts.items() if times > 1] == []
