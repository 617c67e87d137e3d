"""What platforms want to say about pods and Services: that it arrives where it is meant to, and nowhere else."""

import pytest

from tests.helm.chart import CHART, MATRIX, Object, of_kind, pod_templates, refusal, the


def _server(values: str, *options: str) -> Object:
    pod = the("Deployment", values, *options)["spec"]["template"]["spec"]
    assert isinstance(pod, dict)
    return pod


def test_an_image_may_have_a_registry_of_its_own_and_a_digest() -> None:
    options = ("image.registry=registry.example.com:5000", "image.repository=identity/mintmark", "image.tag=1.2.3")
    digest = "sha256:" + "f00d" * 16
    chosen = [word for option in (*options, f"image.digest={digest}") for word in ("--set", option)]
    (container,) = _server("default", *chosen)["containers"]
    assert container["image"] == f"registry.example.com:5000/identity/mintmark:1.2.3@{digest}"


def test_a_registry_for_all_is_for_all() -> None:
    images = {
        container["image"]
        for _, template in pod_templates("platform")
        for container in template["spec"]["containers"]
        if container["name"] != "vault-agent"
    }
    assert len(images) == 3
    assert all(image.startswith("mirror.example.com/") for image in images)


def test_every_pod_can_be_pulled_with_every_secret() -> None:
    found = [template["spec"]["imagePullSecrets"] for _, template in pod_templates("platform")]
    assert len(found) == 6
    assert all(secrets == [{"name": "registry"}, {"name": "mirror"}] for secrets in found)


def test_on_openshift_no_pod_says_who_it_is() -> None:
    for _, template in pod_templates("platform"):
        context = template["spec"]["securityContext"]
        assert not {"runAsUser", "runAsGroup", "fsGroup"} & set(context)
        assert (context["runAsNonRoot"], context["supplementalGroups"]) == (True, [5])
        assert context["fsGroupChangePolicy"] == "Always"


def test_a_member_of_a_context_can_be_taken_away() -> None:
    options = ("podSecurityContext.fsGroup=null", "securityContext.capabilities.add={NET_BIND_SERVICE}")
    pod = _server("default", *(word for option in options for word in ("--set", option)))
    assert "fsGroup" not in pod["securityContext"]
    assert pod["securityContext"]["runAsUser"] == 10001
    assert pod["containers"][0]["securityContext"]["capabilities"] == {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}


def test_variables_of_ours_reach_all_that_runs_the_service() -> None:
    for name, template in pod_templates("platform"):
        if "redis" in name or "loadtest" in name:
            continue
        container = next(one for one in template["spec"]["containers"] if one["name"] != "vault-agent")
        assert "OTEL_EXPORTER_OTLP_HEADERS" in {one["name"] for one in container["env"]}, name
        assert container["envFrom"] == [{"configMapRef": {"name": "proxies"}}]


def test_what_stands_beside_the_service_is_there() -> None:
    pod = _server("platform")
    assert [one["name"] for one in pod["containers"]] == ["mintmark", "vault-agent"]
    assert [one["name"] for one in pod["initContainers"]] == ["wait"]
    assert (pod["runtimeClassName"], pod["schedulerName"], pod["dnsPolicy"]) == ("gvisor", "packing", "None")
    assert pod["dnsConfig"]["nameservers"] == ["10.0.0.10"]
    assert pod["hostAliases"] == [{"ip": "10.0.0.11", "hostnames": ["redis.example.com"]}]


def test_secrets_of_other_names_are_files_of_ours() -> None:
    volumes = {volume["name"]: volume for volume in _server("platform")["volumes"]}
    assert volumes["secrets"]["projected"]["sources"] == [
        {"secret": {"name": "vault", "items": [{"key": "MINTMARK_MASTER_KEY", "path": "master_key"}]}},
        {"secret": {"name": "vault", "items": [{"key": "SALT", "path": "pairwise_salt"}]}},
    ]


@pytest.mark.parametrize(
    ("options", "required"),
    [
        (["secrets.existingSecret=mine"], "master_key"),
        (["secrets.existingSecret=mine", "secrets.required={master_key,admin_tokens}"], "master_key,admin_tokens"),
        (["secrets.existingSecret=mine", "secrets.required=null"], None),
        (["redis.existingSecret=redis"], None),
    ],
)
def test_a_secret_must_hold_what_the_chart_was_told_of_it(options: list[str], required: str | None) -> None:
    (container,) = _server("default", *(word for option in options for word in ("--set", option)))["containers"]
    assert {one["name"]: one.get("value") for one in container["env"]}.get("MINTMARK_REQUIRED") == required


def test_every_object_has_the_labels_and_annotations_of_all() -> None:
    for name, template in pod_templates("platform"):
        assert template["metadata"]["labels"]["team"] == "identity", name
        assert template["metadata"]["labels"]["app.kubernetes.io/name"] == "mintmark"
    for kind in ("Deployment", "Service", "ConfigMap", "StatefulSet", "Ingress", "HTTPRoute", "ServiceMonitor", "Job"):
        for one in of_kind(kind, "platform"):
            if one["metadata"]["name"].endswith("-notes"):
                continue
            assert one["metadata"]["labels"]["team"] == "identity"
            assert one["metadata"]["annotations"]["example.com/owner"] == "identity"


def test_the_service_in_front_takes_what_load_balancers_want() -> None:
    spec = the("Service", "platform")["spec"]
    assert spec["loadBalancerClass"] == "example.com/nlb"
    assert spec["loadBalancerSourceRanges"] == ["10.0.0.0/8", "fd00::/8"]
    assert (spec["externalTrafficPolicy"], spec["internalTrafficPolicy"]) == ("Local", "Cluster")
    assert (spec["ipFamilyPolicy"], spec["ipFamilies"]) == ("PreferDualStack", ["IPv6", "IPv4"])
    assert spec["trafficDistribution"] == "PreferClose"
    (port,) = spec["ports"]
    assert (port["nodePort"], port["appProtocol"]) == (30080, "kubernetes.io/h2c")
    assert the("Service", "platform")["metadata"]["labels"]["shown"] == "outside"


def test_further_hosts_have_the_same_paths() -> None:
    rules = {rule["host"]: rule["http"] for rule in the("Ingress", "platform")["spec"]["rules"]}
    assert set(rules) == {"tokens.example.com", "login.example.com"}
    assert rules["tokens.example.com"] == rules["login.example.com"]
    assert the("HTTPRoute", "platform")["spec"]["hostnames"] == ["tokens.example.com", "login.example.com"]
    assert the("HTTPRoute", "platform")["spec"]["rules"][0]["filters"][0]["type"] == "ResponseHeaderModifier"


def test_operators_have_a_host_of_their_own() -> None:
    ingress = the("Ingress", "operators", component="admin")
    (rule,) = ingress["spec"]["rules"]
    assert rule["host"] == "operators.internal.example.com"
    assert [path["path"] for path in rule["http"]["paths"]] == ["/console", "/admin"]
    (backend,) = {str(path["backend"]["service"]) for path in rule["http"]["paths"]}
    assert backend == str({"name": "tokens-mintmark-admin", "port": {"name": "admin"}})
    assert the("Service", "operators", component="admin")["spec"]["ports"][0]["name"] == "admin"
    route = the("HTTPRoute", "platform", component="admin")["spec"]
    assert route["hostnames"] == ["operators.example.com"]
    assert route["rules"][0]["backendRefs"] == [{"name": "tokens-mintmark-admin", "port": 8081}]


def test_metrics_are_read_by_tls_where_the_admin_port_speaks_it() -> None:
    (endpoint,) = the("ServiceMonitor", "platform", component="server")["spec"]["endpoints"]
    assert (endpoint["scheme"], endpoint["tlsConfig"]) == ("https", {"insecureSkipVerify": True})
    assert endpoint["relabelings"][-1] == {"targetLabel": "cluster", "replacement": "blue"}
    assert endpoint["metricRelabelings"] == [{"action": "labeldrop", "regex": "pod"}]
    assert the("Service", "platform", component="admin")["spec"]["ports"][0]["appProtocol"] == "https"


def test_a_revision_may_take_the_place_of_another_at_once() -> None:
    assert the("Deployment", "default", "--set", "strategy.type=Recreate")["spec"]["strategy"] == {"type": "Recreate"}


def test_scalers_take_further_metrics_and_triggers() -> None:
    metrics = the("HorizontalPodAutoscaler", "platform")["spec"]["metrics"]
    assert [metric["resource"]["name"] for metric in metrics] == ["cpu", "memory"]
    triggers = ("keda.triggers[0].type=cron", "keda.triggers[0].metadata.timezone=UTC")
    chosen = [word for option in triggers for word in ("--set", option)]
    assert the("ScaledObject", "keda", *chosen)["spec"]["triggers"][-1]["type"] == "cron"


def test_objects_of_yours_are_filled_in() -> None:
    (notes,) = (one for one in of_kind("ConfigMap", "platform") if one["metadata"]["name"].endswith("-notes"))
    assert notes["metadata"]["name"] == "tokens-mintmark-notes"
    assert notes["data"] == {"issuer": "https://tokens.example.com"}


@pytest.mark.parametrize("values", MATRIX)
def test_a_node_can_be_drained(values: str) -> None:
    """kubectl drain stops at pods with an emptyDir, cluster autoscalers at pods with any local volume."""
    kinds = {kind for volume in _server(values)["volumes"] for kind in volume if kind != "name"}
    assert kinds <= {"configMap", "secret", "projected"}


def test_the_checkout_has_no_links_that_helm_warns_of() -> None:
    assert "symbolic link" not in refusal("default", "--set", "no.such.value=1")
    assert not [path for path in CHART.rglob("*") if path.is_symlink()]
