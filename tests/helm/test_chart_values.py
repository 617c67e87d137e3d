"""Values: each is described, a wrong one is refused, and settings are those of the service."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from helm import readme, settings_schema
from service.settings import Settings
from service.settings.redis_url import Topology, parse
from tests.helm.chart import CHART, FILES, MATRIX, ROOT, helm, of_kind, settings, text, the

SOURCE = (CHART / "values.yaml").read_text()
SCHEMA = json.loads((CHART / "values.schema.json").read_text())


def test_every_value_has_a_comment() -> None:
    assert not [value.path for value in readme.values(SOURCE) if not value.text]


def test_the_readme_was_written_from_the_comments() -> None:
    assert (CHART / "README.md").read_text() == readme.written((CHART / "README.md").read_text(), SOURCE), (
        "run python helm/readme.py"
    )


def test_the_schema_was_written_from_the_settings() -> None:
    assert (CHART / "values.schema.json").read_text() == settings_schema.written(json.loads(json.dumps(SCHEMA))), (
        "run python helm/settings_schema.py"
    )


def test_every_setting_can_be_said_in_exactly_one_place() -> None:
    offered = set(SCHEMA["properties"]["settings"]["properties"])
    secret = set(SCHEMA["properties"]["secrets"]["properties"]["values"]["properties"])
    assert offered | secret | settings_schema.OF_THE_CHART == set(Settings.model_fields)
    assert not offered & secret
    assert not (offered | secret) & settings_schema.OF_THE_CHART


def test_no_secret_can_be_a_plain_setting() -> None:
    known = {"master_key", "pairwise_salt", "directory_secret", "redis_password", "redis_sentinel_password"}
    known |= {"admin_tokens", "decision_api_keys"}
    assert known <= set(settings_schema.secret_settings())


@pytest.mark.parametrize("values", MATRIX)
def test_what_the_chart_writes_are_settings(values: str) -> None:
    assert set(settings(values)) <= set(Settings.model_fields)


def test_every_value_is_in_the_schema_and_every_object_refuses_others() -> None:
    """A member that is described nowhere would be taken and not heeded."""
    for value in readme.values(SOURCE):
        described = SCHEMA
        for part in value.path.split("."):
            if "$ref" in described:
                described = SCHEMA["definitions"][described["$ref"].rpartition("/")[2]]
            members = described.get("properties", {})
            assert part in members or isinstance(described.get("additionalProperties"), dict), value.path
            described = members.get(part) or described["additionalProperties"]


def test_plain_http_and_loopback_need_no_proxy() -> None:
    plain = ["settings.issuer=http://tokens.example.com", "settings.require_https=false"]
    assert text("bundled", *(word for option in plain for word in ("--set", option)))
    assert text("bundled")


@pytest.mark.parametrize(
    ("values", "topology", "servers", "secure"),
    [
        ("default", Topology.STANDALONE, ["redis.example.com:6379"], False),
        ("production", Topology.SENTINEL, [f"sentinel-{n}.redis:26379" for n in range(3)], True),
        ("cluster", Topology.CLUSTER, ["node-0.redis:6379", "node-1.redis:6380"], True),
        ("bundled", Topology.STANDALONE, ["tokens-mintmark-redis:6379"], False),
    ],
)
def test_redis_is_sought_where_values_say(values: str, topology: Topology, servers: list[str], secure: bool) -> None:
    url = parse(settings(values)["redis_url"])
    assert (url.topology, [str(server) for server in url.servers], url.secure) == (topology, servers, secure)
    assert url.username is url.password is None
    assert (url.service, url.database) == (("main", 2) if topology is Topology.SENTINEL else ("", 0))


def test_the_network_policy_lets_pods_reach_redis() -> None:
    assert {6379, 26379} <= _ports_out("production")
    assert _ports_out("everything") == {53, 6379, 6390, 443, 8443}


def test_the_network_policy_keeps_the_admin_port_for_those_who_are_named() -> None:
    """What lets a request in by the admin port names who sends it; without names nobody but the kubelet gets there."""
    (policy,) = of_kind("NetworkPolicy", "production")
    admin = [rule for rule in policy["spec"]["ingress"] if {"port": "admin"} in rule["ports"]]
    assert [bool(rule.get("from")) for rule in admin] == [True]
    options = ("--set", "networkPolicy.adminFrom=null", "--set", "serviceMonitor.enabled=false")
    (alone,) = of_kind("NetworkPolicy", "production", *options)
    assert alone["spec"]["ingress"] == [{"ports": [{"port": "http"}, {"port": "mtls"}]}]


@pytest.mark.parametrize("values", MATRIX)
def test_the_admin_port_is_nowhere_but_in_its_own_service(values: str) -> None:
    """Not at the Service that the world's load balancer may be, not in an Ingress, not in a route."""
    for one in of_kind("Service", values):
        ports = {port["targetPort"] for port in one["spec"]["ports"]}
        assert ports == {"admin"} or "admin" not in ports
        assert "admin" not in ports or one["spec"]["type"] == "ClusterIP"
    (service,) = [one for one in of_kind("Service", values) if one["spec"]["ports"][0]["targetPort"] == "http"]
    for one in (*of_kind("Ingress", values), *of_kind("HTTPRoute", values)):
        if one["metadata"]["labels"]["app.kubernetes.io/component"] == "admin":
            assert "tokens.example.com" not in repr(one)
            continue
        assert f"{service['metadata']['name']}-admin" not in repr(one)


def _ports_out(values: str) -> set[int]:
    (policy,) = of_kind("NetworkPolicy", values)
    return {port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]}


def test_a_route_is_for_the_host_of_the_issuer_without_its_port() -> None:
    assert the("HTTPRoute", "gateway")["spec"]["hostnames"] == ["tokens.example.com"]
    assert the("Ingress", "cluster")["spec"]["rules"][0]["host"] == "example.com"


def test_a_gateway_takes_that_many_matches() -> None:
    """The Gateway API allows 64 of a rule."""
    (rule,) = the("HTTPRoute", "gateway")["spec"]["rules"]
    assert len(rule["matches"]) <= 64


def test_locust_is_the_version_that_the_users_are_tested_with() -> None:
    locked = re.search(r"^locust==(\S+)", (ROOT / "requirements" / "load.txt").read_text(), re.MULTILINE)
    assert locked
    assert yaml.safe_load(SOURCE)["loadtest"]["image"]["tag"] == locked[1]


def test_locust_gets_the_files_of_the_repository() -> None:
    """All that the locustfile imports of ours, and nothing else."""
    (config,) = (one for one in of_kind("ConfigMap", "loadtest") if "locustfile.py" in one["data"])
    for name, content in config["data"].items():
        assert content.strip() == (ROOT / "loadtests" / name).read_text().strip()
    source = config["data"]["locustfile.py"]
    imported = re.findall(r"^from loadtests import (\w+)|^from loadtests\.(\w+) import", source, re.MULTILINE)
    assert {"__init__.py", "locustfile.py"} | {f"{a or b}.py" for a, b in imported} == set(config["data"])


def test_locust_finds_them_where_kubernetes_puts_them(tmp_path: Path) -> None:
    """The files of a ConfigMap are links to links; imports must not lose their way."""
    (config,) = (one for one in of_kind("ConfigMap", "loadtest") if "locustfile.py" in one["data"])
    mounted = tmp_path / "work" / "loadtests"
    (mounted / "..2026").mkdir(parents=True)
    (mounted / "..data").symlink_to("..2026")
    for name, content in config["data"].items():
        (mounted / "..2026" / name).write_text(content)
        (mounted / name).symlink_to(f"..data/{name}")
    for role in ("master", "worker"):
        deployment = the("Deployment", "loadtest", component=f"loadtest-{role}")
        (container,) = deployment["spec"]["template"]["spec"]["containers"]
        assert "--locustfile=/work/loadtests/locustfile.py" in container["args"]
        variables = {one["name"]: one.get("value", "") for one in container["env"]}
        done = subprocess.run(
            [sys.executable, "-c", _STAND_INS, str(mounted / "locustfile.py")],
            env={"PYTHONPATH": f"{tmp_path}{variables['PYTHONPATH']}", "PYTHONDONTWRITEBYTECODE": "1"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout.split() == [str(mounted / "answers.py"), *container["args"][-1:]], done.stderr
        assert variables["LOAD_ADMIN_URL"] == "https://mintmark-admin:8081"
        assert "LOAD_ADMIN_TOKEN" in variables


_STAND_INS = """
import runpy, sys
from unittest.mock import MagicMock
locust = MagicMock(FastHttpUser=object, LoadTestShape=object, tag=lambda *_: lambda f: f, task=lambda _: lambda f: f)
locust.task = lambda given: given if callable(given) else (lambda f: f)
sys.modules |= {"locust": locust, "gevent": MagicMock(), "gevent.lock": MagicMock()}
found = runpy.run_path(sys.argv[1])
print(found["answers"].__file__, *(name for name in ("Mixed",) if name in found))
"""
"""Imports the locustfile with stand-ins for locust, which need not be installed for this."""


@pytest.mark.parametrize(
    ("values", "told", "not_told"),
    [
        ("bundled", ["WARNING: redis.bundled", "forgets every token", "port-forward", "OpenID Connect is off"], []),
        ("clients", ["WARNING: redis.bundled"], ["forgets every token", "OpenID Connect is off"]),
        ("production", ["serves https://tokens.example.com"], ["WARNING", "port-forward", "OpenID Connect is off"]),
        ("loadtest", ["to 8089"], []),
    ],
)
def test_the_notes_say_what_matters(values: str, told: list[str], not_told: list[str], tmp_path: Path) -> None:
    """``helm template`` leaves the notes out: a copy of the chart makes an object of them."""
    copy = Path(shutil.copytree(CHART, tmp_path / "mintmark"))
    made = '{"kind": "Notes", "text": {{ include (print .Template.BasePath "/NOTES.txt") . | toJson }}}'
    (copy / "templates" / "notes.yaml").write_text(made)
    done = helm("template", "tokens", str(copy), "-f", str(FILES[values]), "-s", "templates/notes.yaml")
    assert done.returncode == 0, done.stderr
    notes = yaml.safe_load(done.stdout)["text"]
    assert not [words for words in told if words not in notes]
    assert not [words for words in not_told if words in notes]
