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
