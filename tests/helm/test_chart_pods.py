"""What must hold for every pod of every set of values: who it is, what it may do, how it begins and ends."""

import math
import re
from collections.abc import Iterator
from typing import Any

import pytest

from service.settings import Settings
from tests.helm.chart import MATRIX, Object, objects, of_kind, pod_templates, settings, the

LONG = "a-release-with-a-name-as-long-as-helm-allows-it-to"  # 53 characters at most
WORKERS_GRACE = 5
"""``service.workers`` kills a worker so many seconds after it should have ended."""

each_set_of_values = pytest.mark.parametrize("values", MATRIX)


def containers(values: str) -> Iterator[tuple[Object, Object]]:
    """Every container, behind the pod around it. Rendered when a test runs: collecting tests must not need helm."""
    for _, template in pod_templates(values):
        pod = template["spec"]
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            yield pod, container


@each_set_of_values
def test_it_satisfies_the_restricted_pod_security_standard(values: str) -> None:
    for pod, container in containers(values):
        context = container["securityContext"]
        assert context["runAsNonRoot"] is True
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert context["seccompProfile"] == pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["securityContext"].get("runAsUser", 1) > 0
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        assert not [port for port in container.get("ports", []) if "hostPort" in port]
        allowed = {"configMap", "emptyDir", "projected", "secret", "persistentVolumeClaim"}
        assert all(set(volume) - {"name"} <= allowed for volume in pod.get("volumes", []))


@each_set_of_values
def test_it_has_no_token_of_the_cluster_and_no_injected_variables(values: str) -> None:
    for name, template in pod_templates(values):
        asked = (values, name) == ("platform", "Deployment tokens-mintmark") or name.endswith("-operator")
        assert template["spec"]["automountServiceAccountToken"] is asked
        assert template["spec"]["enableServiceLinks"] is False


@each_set_of_values
def test_secrets_come_by_reference_and_for_the_service_as_files(values: str) -> None:
    for _, container in containers(values):
        for variable in container.get("env", []):
            if (
                re.search("SECRET|PASSWORD|KEY|SALT|TOKEN|HEADERS", variable["name"])
                and variable["name"] != "MINTMARK_SECRETS_DIR"
            ):
                assert set(variable) == {"name", "valueFrom"}, variable["name"]
        ours = {variable["name"] for variable in container.get("env", []) if variable["name"].startswith("MINTMARK_")}
        assert ours <= {"MINTMARK_CONFIG", "MINTMARK_SECRETS_DIR", "MINTMARK_REQUIRED"}


@each_set_of_values
def test_a_secret_value_is_in_the_secret_alone(values: str) -> None:
    for secret in ("0123456789abcdef", "between-us", "salted"):
        assert not [one["kind"] for one in objects(values) if one["kind"] != "Secret" and secret in repr(one)]


@each_set_of_values
def test_it_mounts_what_there_is_and_says_what_it_needs(values: str) -> None:
    for pod, container in containers(values):
        volumes = {volume["name"] for volume in pod.get("volumes", [])} | {"data"}
        mounts = container["volumeMounts"]
        assert {mount["name"] for mount in mounts} <= volumes
        assert len({mount["mountPath"] for mount in mounts}) == len(mounts)
        assert {"cpu", "memory"} <= set(container["resources"]["requests"])
        assert "memory" in container["resources"]["limits"]


@each_set_of_values
def test_no_image_is_the_latest_one(values: str) -> None:
    for _, container in containers(values):
        _, colon, tag = container["image"].rpartition(":")
        assert colon
        assert tag not in ("", "latest")


@each_set_of_values
def test_probes_ask_a_port_that_is_open(values: str) -> None:
    for _, container in containers(values):
        ports = {port["name"] for port in container.get("ports", [])}
        for name in ("startupProbe", "livenessProbe", "readinessProbe"):
            probe = container.get(name, {})
            for way in ("httpGet", "tcpSocket"):
                assert way not in probe or probe[way]["port"] in ports


@each_set_of_values
def test_the_service_is_probed_where_it_listens(values: str) -> None:
    container = the("Deployment", values)["spec"]["template"]["spec"]["containers"][0]
    read = settings(values)
    asks = [{"name": "mtls", "containerPort": read["mtls_port"]}] if "mtls_port" in read else []
    assert container["ports"] == [
        {"name": "http", "containerPort": read["port"]},
        *asks,
        {"name": "admin", "containerPort": read["admin_port"]},
    ]
    assert read["admin_host"] == read["host"], "the kubelet does not come by loopback"
    scheme = "HTTPS" if "admin_certificate_file" in read else None
    probes = [container[name]["httpGet"] for name in container if name.endswith("Probe")]
    assert [(probe["port"], probe.get("scheme")) for probe in probes] == [("admin", scheme)] * 3
    asked = {name: container[name]["httpGet"]["path"] for name in container if name.endswith("Probe")}
    assert asked == {"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"}


@each_set_of_values
def test_nobody_is_killed_while_draining(values: str) -> None:
    server = the("Deployment", values)
    pod, read = server["spec"]["template"]["spec"], settings(values)
    waits = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"]
    needs = waits + read["drain_delay"] + read["drain_seconds"] + WORKERS_GRACE
    assert needs < pod["terminationGracePeriodSeconds"] <= math.ceil(needs) + 5


def test_without_pre_stop_there_is_no_hook() -> None:
    server = the("Deployment", "default", "--set", "shutdown.preStopSeconds=0")
    assert "lifecycle" not in server["spec"]["template"]["spec"]["containers"][0]


@each_set_of_values
def test_selectors_match_the_pods_and_no_others(values: str) -> None:
    labels = {name: template["metadata"]["labels"] for name, template in pod_templates(values)}
    for one in objects(values):
        selector = _selector(one)
        if not selector:
            continue
        component = selector["app.kubernetes.io/component"]
        chosen = [found for found in labels.values() if selector.items() <= found.items()]
        assert [found["app.kubernetes.io/component"] for found in chosen] == [component], one["kind"]


@each_set_of_values
def test_ports_of_services_are_ports_of_pods(values: str) -> None:
    ports = {
        template["metadata"]["labels"]["app.kubernetes.io/component"]: {
            port["name"] for container in template["spec"]["containers"] for port in container.get("ports", [])
        }
        for _, template in pod_templates(values)
    }
    for one in of_kind("Service", values):
        component = one["spec"]["selector"]["app.kubernetes.io/component"]
        assert {port["targetPort"] for port in one["spec"]["ports"]} <= ports[component]
    for one in of_kind("ServiceMonitor", values):
        assert one["spec"]["endpoints"][0]["port"] in {
            port["name"]
            for found in of_kind("Service", values)
            if one["spec"]["selector"]["matchLabels"].items() <= found["metadata"]["labels"].items()
            for port in found["spec"]["ports"]
        }


@each_set_of_values
def test_spread_is_counted_over_our_own_pods(values: str) -> None:
    server = the("Deployment", values)
    labels = server["spec"]["template"]["metadata"]["labels"]
    for constraint in server["spec"]["template"]["spec"]["topologySpreadConstraints"]:
        assert constraint["labelSelector"]["matchLabels"].items() <= labels.items()


@each_set_of_values
@pytest.mark.parametrize("allowed", ["1", "3", "1%", "25%", "100%"])
def test_a_disruption_budget_never_blocks(values: str, allowed: str) -> None:
    """``maxUnavailable`` is rounded up, so from 1 % on at least one pod may always go."""
    for one in of_kind("PodDisruptionBudget", values, "--set", f"podDisruptionBudget.maxUnavailable={allowed}"):
        assert "minAvailable" not in one["spec"]
        assert int(str(one["spec"]["maxUnavailable"]).rstrip("%")) >= 1
        assert one["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


@each_set_of_values
def test_one_only_says_how_many_pods_there_are(values: str) -> None:
    server = the("Deployment", values)
    scalers = of_kind("HorizontalPodAutoscaler", values) + of_kind("ScaledObject", values)
    assert len(scalers) == ("replicas" not in server["spec"])
    for one in scalers:
        assert one["spec"]["scaleTargetRef"]["name"] == server["metadata"]["name"]


@each_set_of_values
def test_a_roll_out_never_has_fewer_pods_than_before(values: str) -> None:
    assert the("Deployment", values)["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}


@each_set_of_values
@pytest.mark.parametrize("release", [LONG, "mintmark", "t"])
def test_names_fit_with_what_controllers_add(values: str, release: str) -> None:
    for one in objects(values, release=release):
        if one["kind"] == "CustomResourceDefinition":  # its name is that of what it defines
            continue
        name = one["metadata"]["name"]
        # A StatefulSet's pods are labelled with its name and a hash of ten; KEDA puts "keda-hpa-" before.
        limit = {"StatefulSet": 52, "ScaledObject": 54}.get(one["kind"], 63)
        assert len(name) <= limit, name
        assert re.fullmatch("[a-z0-9]([-a-z0-9]*[a-z0-9])?", name), name
        labels = {**one["metadata"]["labels"], **_selector(one)}
        assert all(len(str(value)) <= 63 for value in labels.values())


@each_set_of_values
def test_hooks_clean_up_behind_them(values: str) -> None:
    for one in objects(values):
        annotations = one["metadata"].get("annotations", {})
        if one["kind"] == "Job" or "helm.sh/hook" in annotations:
            assert annotations["helm.sh/hook"] in ("post-install,post-upgrade", "test")
            policies = set(annotations["helm.sh/hook-delete-policy"].split(","))
            assert policies == {"before-hook-creation", "hook-succeeded"}
            # Helm takes no hook away with the release: one that failed goes by itself.
            assert 0 < one["spec"]["ttlSecondsAfterFinished"] <= 3600
            assert one["spec"]["activeDeadlineSeconds"] < 300, "Helm waits so long, and then says no more than that"


@pytest.mark.parametrize(
    ("values", "change", "checksum"),
    [
        ("default", "settings.log_level=DEBUG", "checksum/settings"),
        ("default", "redis.username=somebody", "checksum/settings"),
        ("clients", "secrets.values.pairwise_salt=salt", "checksum/secrets"),
    ],
)
def test_a_change_brings_new_pods(values: str, change: str, checksum: str) -> None:
    before, after = (
        the("Deployment", values, *options)["spec"]["template"]["metadata"]["annotations"]
        for options in ((), ("--set", change))
    )
    assert {name for name in before if before[name] != after[name]} == {checksum}


def test_secrets_cannot_be_looked_up_by_their_checksum() -> None:
    """Equal ones have another in each release: who sees pods alone has to try secrets one by one, each by scrypt."""
    checksums = {
        template["metadata"]["annotations"]["checksum/secrets"]
        for release in ("tokens", "other")
        for name, template in pod_templates("clients", release=release)
        if "checksum/secrets" in template["metadata"].get("annotations", {})
    }
    assert len(checksums) == 2


def test_the_drain_defaults_are_those_of_the_service_where_the_chart_says_nothing_else() -> None:
    """drain_delay differs on purpose: in a cluster there is a load balancer that must notice."""
    read = settings("default")
    assert read["drain_seconds"] == Settings.model_fields["drain_seconds"].default
    assert read["drain_delay"] > 0


def test_readiness_waits_longer_than_the_service_waits_for_redis() -> None:
    """Otherwise the probe gives up before the service says that it is Redis."""
    (container,) = the("Deployment", "default")["spec"]["template"]["spec"]["containers"]
    assert container["readinessProbe"]["timeoutSeconds"] > Settings.model_fields["redis_timeout"].default


def _selector(one: Object) -> dict[str, Any]:
    """The labels that it chooses pods by; empty where it chooses none, or several kinds of them on purpose."""
    spec = one.get("spec", {})
    selector = spec.get("podSelector") or spec.get("selector") or {}
    if "matchExpressions" in selector or one["kind"] == "ServiceMonitor":
        return {}
    labels = selector.get("matchLabels", selector)
    assert isinstance(labels, dict)
    return labels


def test_clients_are_asked_for_a_certificate_at_a_port_of_its_own() -> None:
    """With one, the Service has it and both are TLS; where port asks itself, there is no other."""
    (service,) = [one for one in of_kind("Service", "production") if one["spec"]["ports"][0]["targetPort"] == "http"]
    assert [(port["targetPort"], port["appProtocol"]) for port in service["spec"]["ports"]] == [
        ("http", "https"),
        ("mtls", "https"),
    ]
    same = the("Service", "gateway", "--set", "tls.existingSecret=tls", "--set", "tls.mtlsPort=8080")
    assert [port["targetPort"] for port in same["spec"]["ports"]] == ["http"]
    assert settings("gateway", "--set", "tls.existingSecret=tls", "--set", "tls.mtlsPort=8080")["mtls_port"] == 8080
