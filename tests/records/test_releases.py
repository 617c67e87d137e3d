"""Rolling upgrades: what the release before wrote is read by this one, and the other way round (see ``kept.py``)."""

import json
from typing import Any

import jsonschema
import msgspec
import pytest

from service.client_auth import METHODS
from service.records.client import Client
from tests.records import kept

RELEASES = {path.stem: json.loads(path.read_text()) for path in sorted(kept.RELEASES.glob("*.json"))}
CASES = [(version, name) for version, release in RELEASES.items() for name in release]


def test_there_is_a_release_to_compare_with() -> None:
    assert RELEASES


@pytest.mark.parametrize(("version", "name"), CASES)
@pytest.mark.parametrize("how_much", ["full", "least"])
def test_what_an_earlier_release_wrote_is_read_and_nothing_of_it_is_lost(
    version: str, name: str, how_much: str
) -> None:
    """IA-01: a record outlives the process that wrote it."""
    written = RELEASES[version][name][how_much]
    record = kept.kinds()[name].decode(msgspec.json.encode(written))
    again = msgspec.json.decode(record.encode())
    assert _holds(again, written), f"{name}: {again} has lost something of {written}"


@pytest.mark.parametrize(("version", "name"), CASES)
@pytest.mark.parametrize("how_much", ["full", "least"])
def test_what_this_release_writes_an_earlier_one_can_read(version: str, name: str, how_much: str) -> None:
    kind = kept.kinds()[name]
    written = kept.full(kind) if how_much == "full" else kept.least(kind)
    jsonschema.validate(written, RELEASES[version][name]["schema"])


@pytest.mark.parametrize(("version", "name"), CASES)
def test_no_word_that_an_earlier_release_does_not_know_gets_into_a_record(version: str, name: str) -> None:
    """A new value of an enumeration needs a release that reads it before one that writes it."""
    then = _words(RELEASES[version][name]["schema"])
    now = _words(msgspec.json.schema(kept.kinds()[name]))
    assert {kind: now[kind] - then[kind] for kind in now if kind in then} == {
        kind: set() for kind in now if kind in then
    }


@pytest.mark.parametrize("version", RELEASES)
@pytest.mark.parametrize("method", METHODS)
def test_a_client_of_each_method_is_one_that_an_earlier_release_can_read(version: str, method: str) -> None:
    """Methods are words of a registry, not of an enumeration: the record has them in words of the release before."""
    written = Client("app", auth_method=method).encode()
    jsonschema.validate(msgspec.json.decode(written), RELEASES[version]["Client"]["schema"])
    assert Client.decode(written).auth_method == method


@pytest.mark.parametrize("name", kept.kinds())
def test_members_of_a_later_release_are_passed_over(name: str) -> None:
    kind = kept.kinds()[name]
    written = kept.full(kind)
    later = kind.decode(msgspec.json.encode({**written, "of_a_later_release": [1]}))
    assert later == kind.decode(msgspec.json.encode(written))


def test_the_comparison_can_fail() -> None:
    schema: dict[str, Any] = RELEASES[min(RELEASES)]["Grant"]["schema"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"c": 1}, schema)
    assert not _holds({"c": "app"}, {"c": "app", "u": "alice"})


def _holds(again: Any, written: Any) -> bool:
    """Whether everything that was written is still there; members may have been added."""
    if isinstance(written, dict) and isinstance(again, dict):
        return all(name in again and _holds(again[name], value) for name, value in written.items())
    if isinstance(written, list) and isinstance(again, list):
        return len(again) >= len(written) and all(map(_holds, again, written))
    return bool(again == written)


def _words(schema: dict[str, Any]) -> dict[str, set[Any]]:
    return {name: set(kind["enum"]) for name, kind in schema["$defs"].items() if "enum" in kind}
