"""``mintmark settings``: every setting, what it is now and why."""

from typing import Any

import orjson
from rich.table import Table
from rich.text import Text

from service.cli.acting import loaded
from service.cli.masking import shown
from service.cli.output import Json, emit, people
from service.settings import PREFIX, Settings, sources


def settings(json: Json = False) -> None:
    """Show every setting: its value (secrets masked), where that comes from, and what it does.

    Example: `MINTMARK_PORT=9000 mintmark settings`

    A setting such as `redis_url` is the environment variable `MINTMARK_REDIS_URL`, or `redis_url = "…"` in the file that
    `--config` or `MINTMARK_CONFIG` names, or a file `redis_url` in the folder that `MINTMARK_SECRETS_DIR` names.
    Lists in the environment are words with commas between them, or JSON; tables are JSON. Durations are in seconds,
    sizes in bytes.
    """
    current = loaded()
    origins = sources(current, {})
    described = {
        name: {"value": shown(current, name), "source": origins[name], "description": field.description}
        for name, field in Settings.model_fields.items()
    }
    if json:
        emit(described)
        return
    drawn = Table(box=None, header_style="bold", pad_edge=False, caption=f"In the environment: {PREFIX}<SETTING>")
    drawn.add_column("setting", no_wrap=True)
    for title in ("value", "from", "what it does"):
        drawn.add_column(title, overflow="fold")
    for name, row in described.items():
        changed = "" if row["source"] == "default" else "green"
        value = _written(row["value"])
        drawn.add_row(Text(name, "bold"), Text(value, changed), Text(row["source"], changed), Text(row["description"]))
    people().print(drawn)


def _written(value: Any) -> str:
    """As it would stand in the environment."""
    if value is None or isinstance(value, str):
        return value or ""
    return orjson.dumps(value).decode()
