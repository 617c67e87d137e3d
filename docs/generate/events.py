"""Log events and metrics, from those that there are."""

import logging
import time

from prometheus_client import CollectorRegistry

from service.observe.events import Event
from service.observe.metrics import Metrics
from service.operator.metrics import OperatorMetrics

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
_OF_OPERATOR = """
## Metrics of the operator

At `/metrics` of the port that [`mintmark operator`](../how-to/kubernetes-objects.md) has with `--health-port`.

| metric | type | labels | what it measures |
|---|---|---|---|
"""


def page() -> str:
    """The whole page."""
    of_operator = OperatorMetrics(time.time).registry
    tables = (_METRICS, *_metrics(Metrics().registry), _OF_OPERATOR, *_metrics(of_operator))
    return _HEAD + "".join(map(_event, Event)) + "".join(tables)


def _event(event: Event) -> str:
    level = logging.getLevelName(event.level).lower() if event.level else "counted"
    mark = ", **security**" if event.is_security else ""
    return f"| `{event}` | {level}{mark} | {event.text} | {_names(event.fields)} |\n"


def _metrics(registry: CollectorRegistry) -> list[str]:
    rows = []
    for collector in registry._collector_to_names:  # has the labels; what is collected has them only with values
        (family,) = collector.describe()  # type: ignore[attr-defined]
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = _names(collector._labelnames)  # type: ignore[attr-defined]
        rows.append(f"| `{name}` | {family.type} | {labels} | {family.documentation} |\n")
    return sorted(rows)


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)
