"""`python -m docs.generate`: write each generated page."""

from pathlib import Path

from docs.generate import PAGES

DOCS = Path(__file__).parents[1]

if __name__ == "__main__":
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")
