"""Write the table of values into the chart's README.md from the comments in its values.yaml: ``python helm/readme.py``.

The comment directly above a value is its description; ``tests/helm`` checks that each has one, and that this was run.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import yaml  # type: ignore[import-untyped]

CHART = Path(__file__).parent / "mintmark"
BEGIN, END = "<!-- values: written by helm/readme.py -->\n", "<!-- end of values -->\n"


class Value(NamedTuple):
    """``path``: with dots; ``default``: as JSON, empty where the value has members of its own, which follow."""

    path: str
    default: str
    text: str


def values(source: str) -> Iterator[Value]:
    """Every value of a values.yaml, in its order."""
    yield from _below(yaml.compose(source), "", source.splitlines())


def table(source: str) -> str:
    """The values as a Markdown table."""
    rows = [
        f"| `{one.path}` | {f'`{one.default}`' if one.default else ''} | {one.text.replace('|', '&#124;')} |"
        for one in values(source)
    ]
    return "\n".join(["| value | default | what it does |", "|---|---|---|", *rows, ""])


def written(readme: str, source: str) -> str:
    """README.md with the table in its place. Raises ValueError where it has no place."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README.md lacks {BEGIN.strip()} or {END.strip()}")
    return before + BEGIN + "\n" + table(source) + "\n" + END + after


def _below(node: yaml.MappingNode, prefix: str, lines: list[str]) -> Iterator[Value]:
    for key, value in node.value:
        path = prefix + key.value
        has_members = isinstance(value, yaml.MappingNode) and bool(value.value)
        default = "" if has_members else json.dumps(yaml.safe_load(yaml.serialize(value)))
        yield Value(path, default, _comment_above(lines, key.start_mark.line))
        if has_members:
            yield from _below(value, path + ".", lines)


def _comment_above(lines: list[str], number: int) -> str:
    """The lines of comment that end right above this line, as one."""
    found: list[str] = []
    while number > 0 and lines[number - 1].lstrip().startswith("#"):
        number -= 1
        found.insert(0, lines[number].lstrip(" #").rstrip())
    return " ".join(found)


if __name__ == "__main__":
    place = CHART / "README.md"
    place.write_text(written(place.read_text(), (CHART / "values.yaml").read_text()))
