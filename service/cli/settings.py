"""``mintmark settings``: every setting, with its value and where that comes from."""

from collections.abc import Iterator, Mapping
from shutil import get_terminal_size
from textwrap import wrap
from typing import Any

import orjson
from rich.text import Text

from service.app import check_reserved_paths
from service.cli.json_output import Json, emit
from service.cli.loading import loaded
from service.cli.masking import shown
from service.cli.output import terminal
from service.settings import GROUPS, PREFIX, origins
from service.settings.descriptions import described
from service.settings.group import example_of, heading_of


def settings(json: Json = False) -> None:
    """Show every setting: its value (secrets masked), where that comes from, and what it does.

    Example: `MINTMARK_PORT=9000 mintmark settings`

    A setting such as `redis_url` is the environment variable `MINTMARK_REDIS_URL`, or `redis_url = "…"` in the file that
    `--config` or `MINTMARK_CONFIG` names, or a file `redis_url` in the folder that `MINTMARK_SECRETS_DIR` names.
    Lists in the environment are words with commas between them, or JSON; tables are JSON. Durations are in seconds,
    sizes in bytes.
    """
    current = loaded()
    check_reserved_paths(current)
    came_from = origins(current, {})
    rows = {
        name: {"value": shown(current, name), "source": came_from[name], "description": field.description}
        for name, field in described().model_fields.items()
    }
    if json:
        emit(rows)
        return
    for line in _lines(rows, _width()):
        terminal().print(line, soft_wrap=True)


_INDENT = "    "
_WIDEST = 100


def _width() -> int:
    """Return the columns of the terminal; where there is none, those of COLUMNS."""
    return max(40, min(get_terminal_size((_WIDEST, 24)).columns, _WIDEST))


def _lines(rows: Mapping[str, Mapping[str, Any]], width: int) -> Iterator[Text]:
    """Yield each setting with its value and the value's origin, followed by its description."""
    headings = {next(iter(group.model_fields)): heading_of(group) for group in GROUPS}
    for name, row in rows.items():
        if heading := headings.get(name):
            yield Text(f"\n{heading}\n", "bold underline")
        style = "" if row["source"] == "default" else "green"
        value, source = _written(row["value"]), row["source"]
        first = [word for word in (value, source) if word]
        if len("  ".join((name, *first))) <= width or value == "":
            yield Text.assemble((name, "bold"), ("".join(f"  {word}" for word in first), style))
        else:
            yield Text.assemble((name, "bold"), (f"  {source}", style))
            yield from (Text(_INDENT + line, style) for line in wrap(value, width - len(_INDENT)))
        yield from (Text(_INDENT + line, "dim") for line in wrap(_explained(name), width - len(_INDENT)))
    yield Text(f"\nIn the environment: {PREFIX}<SETTING>", "italic")


def _explained(name: str) -> str:
    """Return the description of a setting, with an example where its value is a table."""
    field = described().model_fields[name]
    return " ".join(filter(None, (field.description, f"Example: {example_of(field)}" if field.examples else "")))


def _written(value: object) -> str:
    """Return a value in the form of environment variables."""
    if value is None or isinstance(value, str):
        return value or ""
    return orjson.dumps(value).decode()
