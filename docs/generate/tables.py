"""Parts of Markdown that several pages are made of."""

from collections.abc import Iterable, Sequence


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table, or nothing where there are no rows."""
    lines = [f"| {' | '.join(map(_cell, row))} |\n" for row in rows]
    if not lines:
        return ""
    return f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}\n{''.join(lines)}"


def anchor(name: str) -> str:
    """What a link to this row leads to: ``settings.md#redis_url``."""
    return f'<a id="{name}"></a>'


def code(text: object) -> str:
    """A word as it is written, or nothing."""
    return f"`{text}`" if text not in ("", None) else ""


def codes(words: Iterable[object]) -> str:
    """Words as they are written."""
    return ", ".join(map(code, words))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
