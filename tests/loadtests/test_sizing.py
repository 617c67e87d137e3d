"""The sizes in docs/how-to/operations.md are what the arithmetic says, on the figures of docs/explanation/costs.md."""

import re

import pytest

from loadtests import sizing
from service.admin.client_input import ClientInput
from service.observe.events import Event
from service.observe.metrics import Metrics
from service.protocol.names import ClientAuthMethod
from service.protocol.refusal_texts import TEXTS
from service.settings import Settings
from tests.test_house import ROOT

OPERATIONS = (ROOT / "docs" / "how-to" / "operations.md").read_text()
COSTS = (ROOT / "docs" / "explanation" / "costs.md").read_text()
ROWS = {
    "client_credentials": "client_credentials",
    "refresh": "refresh, with rotation and sealed reply",
    "sign-in": "code → access + refresh + ID token, ES256",
}


@pytest.mark.parametrize("name", ROWS)
def test_the_costs_are_those_that_were_measured(name: str) -> None:
    found = re.search(rf"^\| {re.escape(ROWS[name])} \| [\d,]+ \| (\d+) \| (\d+) \|", COSTS, re.MULTILINE)
    assert found
    assert (sizing.SERVER[name], sizing.REDIS[name]) == (int(found[1]), int(found[2]))


def test_the_bytes_are_those_that_were_measured() -> None:
    assert f"{sizing.TOKEN} bytes per client_credentials token, {sizing.GRANT} per user grant" in COSTS


def test_the_default_lifetimes_are_those_of_the_settings() -> None:
    fields, ours = Settings.model_fields, sizing.Lifetimes()
    assert ours.access_token == fields["access_token_lifetime"].default
    assert ours.reuse_memory == fields["refresh_reuse_memory"].default
    assert ours.grant == fields["refresh_idle_lifetime"].default


@pytest.mark.parametrize("lifetimes", [sizing.Lifetimes(), sizing.LEAN], ids=["default", "lean"])
def test_the_tables_are_in_the_documentation(lifetimes: sizing.Lifetimes) -> None:
    assert sizing.table(lifetimes) in OPERATIONS, "put in what python -m loadtests.sizing says"


def test_shares_are_of_a_whole() -> None:
    assert sum(sizing.SHARES.values()) == pytest.approx(1)


def test_settings_and_metrics_that_it_names_exist() -> None:
    """A page that names what is not there sends people looking in the middle of the night."""
    named = set(re.findall(r"`([a-z]+(?:_[a-z]+)+)`", OPERATIONS))
    families = {family.name: family.type for family in Metrics().registry.collect()}
    metrics = {name + "_total" * (kind == "counter") for name, kind in families.items()}
    protocol = {error for _, error, *_ in TEXTS} | {*ClientAuthMethod} | {*ClientInput.model_fields} | {"max_age"}
    assert named <= {*Settings.model_fields, *metrics, *Event, *protocol, "request_id", "trace_id"}
