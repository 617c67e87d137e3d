"""House rules of events and metrics: each log call names an event, each event is used, and the page says what there is."""

import ast
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from service.observe.events import Event

ROOT = Path(__file__).parent.parent.parent
SERVICE = ROOT / "service"
METHODS = {"debug": "DEBUG", "info": "INFO", "warning": "WARNING", "error": "ERROR", "exception": "ERROR", "log": ""}


class Call(NamedTuple):
    """A call that names an event. ``method``: of a logger, or ``security_event``."""

    place: str
    method: str
    event: ast.expr
    fields: set[str]


def _calls() -> Iterator[Call]:
    """Every log call and count of a security event. (The guard logs in applications of others, in their words.)"""
    for path in SERVICE.rglob("*.py"):
        if path.parent.name == "guard":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
                continue
            method, owner = node.func.attr, ast.unparse(node.func.value)
            if method == "security_event" or (method in METHODS and owner.rpartition(".")[2] in ("log", "_log")):
                yield Call(
                    f"{path}:{node.lineno}", method, node.args[1 if method == "log" else 0], _literal_fields(node)
                )


def _literal_fields(call: ast.Call) -> set[str]:
    (extra,) = [one.value for one in call.keywords if one.arg == "extra"] or [ast.Dict([], [])]
    inside = [node for node in ast.walk(extra) if isinstance(node, ast.Dict)]
    keys = [key.value for found in inside for key in found.keys if isinstance(key, ast.Constant)]
    return {key for key in keys if isinstance(key, str)}


def _members(event: ast.expr) -> list[Event]:
    """Those that an expression names, none where it is a variable."""
    if isinstance(event, ast.IfExp):
        return [*_members(event.body), *_members(event.orelse)]
    is_member = isinstance(event, ast.Attribute) and ast.unparse(event.value) == "Event"
    return [Event[event.attr]] if is_member and isinstance(event, ast.Attribute) else []


def test_every_log_call_names_an_event() -> None:
    """Or holds one in a variable that is called so, whose type mypy looks at."""
    calls = list(_calls())
    assert len(calls) > 100
    for call in calls:
        name = ast.unparse(call.event).lower().rpartition(".")[2].lstrip("_")
        assert _members(call.event) or name in ("event", "began", "over", "replayed", "repeated"), call.place


def test_every_log_call_has_the_level_and_fields_of_its_event() -> None:
    for call in _calls():
        for event in _members(call.event):
            if call.method == "security_event":
                assert event.is_security, call.place
            elif call.method != "log":
                assert logging.getLevelName(event.level) == METHODS[call.method], call.place
            assert call.fields <= set(event.fields), (call.place, call.fields - set(event.fields))


def test_every_event_is_used() -> None:
    texts = [path.read_text() for path in SERVICE.rglob("*.py") if path.name != "events.py"]
    assert not [event for event in Event if not any(f"Event.{event.name}" in text for text in texts)]


def test_every_event_is_told_of_in_a_sentence() -> None:
    for event in Event:
        assert event.name == event.upper()
        assert event.text[0].isupper()
        assert event.text.endswith("."), event


def test_a_search_for_a_metric_finds_where_it_is_defined() -> None:
    page = (ROOT / "docs" / "reference" / "events.md").read_text().partition("## Metrics")[2]
    names = [row.split("`")[1] for row in page.splitlines() if row.startswith("| `")]
    assert len(names) > 15
    text = "".join((SERVICE / room / "metrics.py").read_text() for room in ("observe", "operator"))
    assert not [name for name in names if f'"{name}"' not in text]
