"""docs/how-to/operations.md, "What became stricter": each way back to the behaviour of before is a setting that there is."""

import re
import tomllib
from pathlib import Path

import pytest

from service.settings import Settings

TEXT = (Path(__file__).parents[2] / "docs" / "how-to" / "operations.md").read_text()
TABLE = TEXT.partition("| now | who notices | as before |\n|---|---|---|\n")[2].partition("\n\n")[0].splitlines()
WAYS_BACK = [way for row in TABLE for way in re.findall(r"`([^`]+ = [^`]+)`", row.rpartition(" | ")[2])]


def test_every_row_has_three_columns() -> None:
    assert len(TABLE) > 10
    assert {row.count(" | ") for row in TABLE} == {2}


@pytest.mark.parametrize("way", WAYS_BACK)
def test_a_way_back_is_a_setting_and_not_the_default(way: str) -> None:
    (name, value), *_ = tomllib.loads(way).items()
    assert getattr(Settings(**{name: value}), name) != getattr(Settings(), name)


@pytest.mark.parametrize(
    "name",
    [
        "assertion_audience",
        "code_grace",
        "redis_allow_lossy_replay",
        "registration_response_types",
        "self_registered_redirects",
        "sessions_per_user",
        "silent_native_apps",
    ],
)
def test_a_default_that_became_stricter_has_a_way_back(name: str) -> None:
    assert [way for way in WAYS_BACK if way.startswith(f"{name} = ")]
