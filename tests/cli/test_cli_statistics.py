"""``mintmark statistics``: numbers that can be read at a glance; with --json they are exact."""

from typing import Any

import pytest

from tests.cli.command_line import CommandLine

RATES = {"sampled_every_seconds": 5.0, "issued_per_second": 0.04987854362241263, "issued_per_minute": 2.992712617344758}
NUMBERS = {
    **RATES,
    "refused_per_second": 0.0,
    "introspected_per_second": None,
    "redis": {"memory_bytes": 1},
    "grants": {"by_client": {}, "total": 0, "exact": True, "margin": 0, "scanned": 0},
}
"""Of a service that has run for a while, which no test waits for."""


def test_rates_are_rounded_and_named_in_words(mintmark: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    def known(*_: object) -> dict[str, Any]:
        return dict(NUMBERS)

    monkeypatch.setattr("service.cli.statistics.do", known)
    rows = [line.rsplit(maxsplit=1) for line in mintmark("statistics").out.splitlines()]
    assert rows == [
        *(["issued per second", "0.05"], ["issued per minute", "2.99"], ["refused per second", "0.0"]),
        ["redis memory bytes", "1"],
    ]
    assert mintmark("statistics", "--json").json["issued_per_minute"] == RATES["issued_per_minute"]


@pytest.mark.parametrize(
    ("grants", "told"),
    [
        ({"exact": True, "margin": 0}, "Live grants: 7 (counted)."),
        ({"exact": False, "margin": 3}, "Live grants: 7 (estimated, give or take 3)."),
        (
            {"exact": False, "margin": None},
            "Live grants: 7 (at least: found among 50 keys; how many there are is not known).",
        ),
    ],
)
def test_how_far_the_number_of_grants_can_be_relied_on_is_told(
    mintmark: CommandLine, monkeypatch: pytest.MonkeyPatch, grants: dict[str, Any], told: str
) -> None:
    numbers = NUMBERS | {"grants": {"by_client": {"web": 7}, "total": 7, "scanned": 50} | grants}
    monkeypatch.setattr("service.cli.statistics.do", lambda *_: numbers)
    assert told in mintmark("statistics").err
