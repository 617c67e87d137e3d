"""Alerts, dashboard and scaling ask for metrics, labels and values that the service has."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
from aiohttp.test_utils import TestClient, TestServer

from helm import prometheus_rules
from service.app import open_issuer, start_background_tasks
from service.endpoints import ENDPOINTS
from service.fronts.health import Health
from service.fronts.operators import make_application
from service.grants import GRANT_TYPES
from service.observe.events import SECURITY_EVENTS
from service.observe.metrics import CACHES, REDIS_ERRORS, WRITE_REFUSALS, KeyTimes, Metrics
from service.operator.metrics import OperatorMetrics
from service.protocol.errors import ServerError, TemporarilyUnavailable
from tests.helm.chart import CHART, FILES, ROOT, helm, of_kind, the
from tests.redis_shapes import Shape
from tests.world import World, in_process, settings_for

DASHBOARD = json.loads((CHART / "dashboards" / "mintmark.json").read_text())
SERVICE = "".join(path.read_text() for path in Path(ROOT / "service").rglob("*.py"))

SELECTOR = re.compile(r"\b([a-z_]+)\{([^}]*)\}")
MATCHER = re.compile(r'(\w+)(=~|!=|=)"([^"]*)"')
OF_PROMETHEUS = {"namespace", "job", "pod"}
"""Labels that Prometheus itself puts onto what it reads by a ServiceMonitor."""


def _series() -> dict[str, set[str]]:
    """Every series with its labels, as a scrape shows them once everything was counted."""
    metrics = Metrics()
    metrics.token_request("password", "ok")
    metrics.request("login", "ok")
    metrics.refusal("token", "server_error", "incident")
    metrics.request_took(0.001, "token", "password")
    metrics.watch_keys(lambda: [KeyTimes("ES256", 1.0, 1.0)])
    metrics.watch_writes(lambda: dict.fromkeys(WRITE_REFUSALS, False))
    metrics.watch_background_tasks(lambda: {"signing_keys": True})
    return {"up": set[str](), **_found(metrics.exposition().decode())}


def _of_operator() -> dict[str, set[str]]:
    """The same of the operator."""
    metrics = OperatorMetrics(time.time)
    metrics.reconciliation_took(0.1, "OAuth2Client")
    return _found(metrics.exposition().decode())


def _found(exposition: str) -> dict[str, set[str]]:
    """The series of a scrape, each with the names of its labels."""
    found: dict[str, set[str]] = {}
    for line in exposition.splitlines():
        if selected := SELECTOR.match(line):
            found.setdefault(selected[1], set()).update(name for name, _, _ in MATCHER.findall(selected[2]))
        elif not line.startswith("#"):
            found.setdefault(line.split(" ")[0], set())
    return found


OF_OPERATOR = _of_operator()
SERIES = _series()
VALUES_OF: dict[str, set[str]] = {
    "event": set(SECURITY_EVENTS),
    "error": {ServerError.error, TemporarilyUnavailable.error},
    "endpoint": {*ENDPOINTS, "backchannel_logout"},
    "outcome": {"ok", "given_up"},
    "grant_type": set(GRANT_TYPES),
    "kind": set(REDIS_ERRORS),
    "cache": set(CACHES),
}


async def test_a_service_at_work_shows_them(redis: Shape) -> None:
    """What the rest of this file compares with is what a scrape of the admin port really says."""
    settings = settings_for(redis.url, master_key="m" * 32, signing_algorithms=("ES256",))
    async with (
        open_issuer(settings, listen=False) as issuer,
        in_process(issuer) as http,
        TestClient(TestServer(make_application(issuer, Health(issuer)))) as admin,
    ):
        start_background_tasks(issuer)
        world = World(issuer, http, redis)
        await world.client()
        await world.token(grant_type="client_credentials")
        await world.introspect("x")
        await world.post("/revoke", {"token": "x"}, "ghost")
        text = await (await admin.get("/metrics")).text()
    shown = {re.split(r"[{ ]", line)[0] for line in text.splitlines() if not line.startswith("#")}
    assert set(SERIES) - {"up"} == shown


def _rules() -> list[dict[str, Any]]:
    """Those for servers."""
    return [rule for group in the("PrometheusRule", "production")["spec"]["groups"] for rule in group["rules"]]


def _rules_of_operator() -> list[dict[str, Any]]:
    _, group = the("PrometheusRule", "operator")["spec"]["groups"]
    assert group["name"] == "tokens-mintmark-operator"
    return list(group["rules"])


def _panels() -> Iterator[tuple[str, str]]:
    for panel in DASHBOARD["panels"]:
        yield from ((panel["title"], target["expr"]) for target in panel["targets"])
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["name"], re.sub(r"\((\w+),", r"(\1{},", variable["query"])


PANELS = list(_panels())


@pytest.mark.parametrize("query", [query for _, query in PANELS], ids=[name for name, _ in PANELS])
def test_a_panel_asks_for_what_there_is(query: str) -> None:
    _check(query)


def test_an_alert_asks_for_what_there_is() -> None:
    for rule in (*_rules(), *_rules_of_operator()):
        _check(rule["expr"])


def test_the_autoscalers_ask_for_what_there_is() -> None:
    triggers = {one["type"]: one["metadata"] for one in the("ScaledObject", "keda")["spec"]["triggers"]}
    _check(triggers["prometheus"]["query"])


def _check(query: str) -> None:
    """That Prometheus can read it; series, their labels and what labels are compared with."""
    if not query.startswith("label_values("):  # Grafana's own
        promql_parser.parse(query.replace("$__rate_interval", "5m"))
    selected = SELECTOR.findall(query)
    assert selected, query
    series = SERIES | OF_OPERATOR
    labels = set[str]().union(*(series[name] for name, _ in selected)) | OF_PROMETHEUS
    for name, matchers in selected:
        for label, _, value in MATCHER.findall(matchers):
            assert label in series[name] | OF_PROMETHEUS, (name, label)
            if label in VALUES_OF:
                assert set(value.split("|")) <= VALUES_OF[label], (name, value)
    for grouped in re.findall(r"\bby \(([^)]*)\)", query):
        assert {word.strip() for word in grouped.split(",")} <= labels


@pytest.mark.parametrize("name", ["given_up", "backchannel_logout", *SECURITY_EVENTS])
def test_what_alerts_look_for_is_counted_somewhere(name: str) -> None:
    assert f'"{name}"' in SERVICE


def test_every_security_event_has_an_alert() -> None:
    watched = {word for rule in _rules() for _, _, value in MATCHER.findall(rule["expr"]) for word in value.split("|")}
    assert set(SECURITY_EVENTS) <= watched


def test_an_alert_says_what_to_do() -> None:
    for rule in (*_rules(), *_rules_of_operator()):
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"].endswith("."), rule["alert"]
        assert len(rule["annotations"]["runbook"]) > 100, rule["alert"]


def test_series_are_those_of_this_release() -> None:
    monitor, service = the("ServiceMonitor", "production"), the("Service", "production")
    (endpoint,) = monitor["spec"]["endpoints"]
    assert (endpoint["port"], endpoint["path"]) == ("admin", "/metrics")
    assert endpoint["relabelings"] == [{"targetLabel": "job", "replacement": service["metadata"]["name"]}]
    for rule in _rules():
        assert f'namespace="identity",job="{service["metadata"]["name"]}"' in rule["expr"]


def test_series_of_the_operator_are_apart_from_those_of_servers() -> None:
    """Or the alerts for servers would count its pods as theirs."""
    monitor = the("PodMonitor", "operator", component="operator")
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    deployment = the("Deployment", "operator", component="operator")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    assert endpoint["port"] in {one["name"] for one in container["ports"]}
    selected = monitor["spec"]["selector"]["matchLabels"]
    assert selected.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
    (relabeling,) = endpoint["relabelings"]
    assert relabeling["replacement"] == "tokens-mintmark-operator"
    for rule in _rules_of_operator():
        assert f'namespace="identity",job="{relabeling["replacement"]}"' in rule["expr"]
    assert not of_kind("PodMonitor", "production")


def test_every_series_is_on_the_dashboard() -> None:
    shown = {
        name
        for panel in DASHBOARD["panels"]
        for target in panel["targets"]
        for name, _ in SELECTOR.findall(target["expr"])
    }
    wanted = {name for name in SERIES | OF_OPERATOR if not name.endswith(("_created", "_sum", "_count"))} - {"up"}
    assert wanted <= shown


def test_the_dashboard_arrives_as_it_is_in_the_chart() -> None:
    (config,) = (one for one in of_kind("ConfigMap", "everything") if "grafana_dashboard" in one["metadata"]["labels"])
    assert json.loads(config["data"]["mintmark.json"]) == DASHBOARD


def test_no_alert_asks_for_series_of_an_operator_that_nobody_reads() -> None:
    rule = the("PrometheusRule", "operator", "--set", "operator.podMonitor.enabled=false")
    assert [group["name"] for group in rule["spec"]["groups"]] == ["tokens-mintmark"]


def test_panels_do_not_lie_over_each_other() -> None:
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in DASHBOARD["panels"]]
    assert len(places) == len(set(places))
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(places)


def test_the_adapter_rule_of_the_readme_makes_the_metric_that_the_autoscaler_asks_for() -> None:
    metrics = the("HorizontalPodAutoscaler", "everything")["spec"]["metrics"]
    (asked,) = (metric["pods"]["metric"]["name"] for metric in metrics if metric["type"] == "Pods")
    readme = (CHART / "README.md").read_text()
    assert f"name: {{as: {asked}}}" in readme
    assert re.findall(r"seriesQuery: (\w+)", readme) == ["mintmark_token_requests_total"]
    assert "mintmark_token_requests_total" in SERIES


def test_the_alerts_without_kubernetes_are_those_of_the_chart() -> None:
    rule = helm(
        "template", "mintmark", str(CHART), "--namespace", "tokens", "-f", str(FILES["bundled"]),
        "--set", "prometheusRule.enabled=true", "-s", "templates/prometheusrule.yaml",
    )  # fmt: skip
    assert prometheus_rules.PLACE.read_text() == prometheus_rules.written(rule.stdout), "run helm/prometheus_rules.py"
