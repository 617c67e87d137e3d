"""Log events and metrics, from those that there are."""

import logging

from service.observe.events import Event
from service.observe.metrics import Metrics

_HEAD = """# Log events and metrics

## Log events

Logs are JSON lines on standard error: `time`, `level`, `event`, `logger`, for a line about a request `request_id`, `trace_id`
and `client_id` where they are known, and the fields below. No line holds a credential. An event that is counted has no line of
its own; those marked **security** may be an attack, and `mintmark_security_events_total` counts them by name.

| event | level | what has happened | fields |
|---|---|---|---|
"""
_METRICS = """
## Metrics

At `/metrics` of the admin port, in the text format of Prometheus.

| metric | type | labels | what it measures |
|---|---|---|---|
"""


def page() -> str:
    """The whole page."""
    return _HEAD + "".join(map(_event, Event)) + _METRICS + "".join(_metrics(Metrics()))


def _event(event: Event) -> str:
    level = logging.getLevelName(event.level).lower() if event.level else "counted"
    mark = ", **security**" if event.is_security else ""
    return f"| `{event}` | {level}{mark} | {event.text} | {_names(event.fields)} |\n"


def _metrics(metrics: Metrics) -> list[str]:
    rows = []
    for (
        collector
    ) in metrics.registry._collector_to_names:  # has the labels; what is collected has them only with values
        (family,) = collector.describe()  # type: ignore[attr-defined]
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = _names(collector._labelnames)  # type: ignore[attr-defined]
        rows.append(f"| `{name}` | {family.type} | {labels} | {family.documentation} |\n")
    return sorted(rows)


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)
