"""Groups of settings: a field in one of their files is all that a new setting needs."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from service.settings import GROUPS, Settings, load
from service.settings.descriptions import described
from service.settings.group import unit_of

ROOT = Path(__file__).parents[2]
NEW = '    speed: Seconds = Field(3, description="Speed of tokens.")'
TOLD = """
import json
from docs.generate.settings import page
from helm.settings_schema import settings_schema
from service.settings import load
row = next(line for line in page().splitlines() if "`speed`" in line)
print(json.dumps({"value": load().speed, "chart": settings_schema()["properties"]["speed"], "row": row}))
"""


def test_a_field_in_a_group_is_a_variable_a_value_of_the_chart_and_a_row_of_the_docs(tmp_path: Path) -> None:
    for folder in ("service", "helm", "docs"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    group = tmp_path / "service" / "settings" / "tokens.py"
    group.write_text(group.read_text().replace("    code_lifetime:", f"{NEW}\n    code_lifetime:", 1))
    environment = {**os.environ, "MINTMARK_SPEED": "9", "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", TOLD], cwd=tmp_path, env=environment, capture_output=True, check=True)
    assert json.loads(done.stdout) == {
        "value": 9,
        "chart": {"description": "Speed of tokens.", "maximum": 2147483647, "minimum": 0, "type": "integer"},
        "row": '| <a id="speed"></a>`speed`<br>`MINTMARK_SPEED` | integer from 0 to 2147483647, seconds '
        "| `3` | Speed of tokens. |",
    }


def test_no_setting_is_in_two_groups() -> None:
    assert [name for group in GROUPS for name in group.model_fields] == list(Settings.model_fields)


def test_a_description_names_the_unit() -> None:
    units = {name: unit_of(field).removesuffix("s") for name, field in Settings.model_fields.items()}
    texts = {name: (field.description or "").lower() for name, field in described().model_fields.items()}
    assert units["code_lifetime"] == "second"
    assert not [name for name, unit in units.items() if unit.lower() not in texts[name]]


def test_secrets_do_not_show() -> None:
    settings = load(redis_password="hunter2", redis_sentinel_password="hunter2")
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in str(settings.model_dump())


def test_settings_do_not_change() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load().port = 1  # type: ignore[misc]


def test_the_shipped_lifetimes_are_those_the_readme_tells() -> None:
    """IA-06, IA-11, IA-24, WM-18; contradiction 7 of the sources: 60 s for codes."""
    settings = load()
    assert (settings.code_lifetime, settings.access_token_lifetime) == (60, 3600)
    assert (settings.refresh_idle_lifetime, settings.refresh_absolute_lifetime) == (86400 * 14, 86400 * 90)
    assert (settings.refresh_grace, settings.max_body) == (10, 65536)
