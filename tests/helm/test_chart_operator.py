"""The operator's part of the chart: definitions of its kinds, least rights, and where it may go."""

from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from helm import crds
from service.declared import KINDS, DeclaredKind
from service.operator.rights import OF_NAMESPACES, RIGHTS, Right
from tests.helm.chart import objects, of_kind, refusal, the
from tests.pages import Page

ALL_NAMESPACES = ("--set", "operator.allNamespaces=true,operator.namespaces=null")


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_the_definitions_were_written_from_the_kinds(kind: DeclaredKind) -> None:
    assert (crds.FOLDER / f"{kind.name.lower()}s.yaml").read_text() == crds.written(kind), "python helm/crds.py"


def test_every_member_of_a_manifest_is_described() -> None:
    for kind in KINDS.values():
        (version,) = crds.definition(kind)["spec"]["versions"]
        members = version["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]
        assert set(members) == set(kind.members) | ({"secret"} if kind.has_secret else set())
        assert all("type" in one and "description" in one for one in members.values())


def test_definitions_are_upgraded_with_the_release_and_outlive_it() -> None:
    found = of_kind("CustomResourceDefinition", "operator")
    assert {one["spec"]["names"]["kind"] for one in found} == set(KINDS)
    assert {one["metadata"]["annotations"]["helm.sh/resource-policy"] for one in found} == {"keep"}
    ending = of_kind("CustomResourceDefinition", "operator", "--set", "operator.crds.keep=false")
    assert not [one for one in ending if "annotations" in one["metadata"]]
    assert not of_kind("CustomResourceDefinition", "operator", "--set", "operator.crds.install=false")
    assert not of_kind("CustomResourceDefinition", "default")


def test_its_rights_end_at_the_namespaces_that_it_watches() -> None:
    roles = of_kind("Role", "operator")
    assert [role["metadata"]["namespace"] for role in roles] == ["shop", "billing"]
    assert not of_kind("ClusterRole", "operator")
    for role in roles:
        rules = {resource: rule["verbs"] for rule in role["rules"] for resource in rule["resources"]}
        assert rules["secrets"] == ["get", "create", "update", "delete"], "never listed"
        assert "*" not in repr(role["rules"])
        given = {Right(verb, group, of) for rule in role["rules"] for group in rule["apiGroups"] for of in rule["resources"]
                 for verb in rule["verbs"]}  # fmt: skip
        assert given == set(RIGHTS), "the operator looks for what the chart gives it, or would never be ready"
    bound = of_kind("RoleBinding", "operator")
    assert {one["subjects"][0]["name"] for one in bound} == {"tokens-mintmark-operator"}
    assert {one["subjects"][0]["namespace"] for one in bound} == {"identity"}


def test_releases_of_one_name_share_a_namespace_that_both_watch() -> None:
    names = {
        role["metadata"]["name"]
        for namespace in ("identity", "staging")
        for role in of_kind("Role", "operator", "--namespace", namespace)
    }
    assert len(names) == 2
    for bound in of_kind("RoleBinding", "operator"):
        assert bound["roleRef"]["name"] == bound["metadata"]["name"]
        assert bound["roleRef"]["name"] in names


def test_one_operator_ends_before_the_next_begins() -> None:
    assert the("Deployment", "operator", component="operator")["spec"]["strategy"] == {"type": "Recreate"}
    two = the("Deployment", "operator", "--set", "operator.replicas=2", component="operator")
    assert "strategy" not in two["spec"]


def test_without_a_word_it_watches_the_namespace_of_the_release() -> None:
    options = ("--set", "operator.namespaces=null")
    assert [role["metadata"]["namespace"] for role in of_kind("Role", "operator", *options)] == ["identity"]
    (container,) = the("Deployment", "operator", *options, component="operator")["spec"]["template"]["spec"][
        "containers"
    ]
    assert "--namespace=identity" in container["args"]


def test_all_namespaces_need_a_cluster_role_that_no_other_release_has() -> None:
    (role,) = of_kind("ClusterRole", "operator", *ALL_NAMESPACES)
    assert role["metadata"]["name"] == "identity-tokens-mintmark-operator"
    assert not [rule for rule in role["rules"] if "namespaces" in rule["resources"]]
    labelled = (*ALL_NAMESPACES, "--set", "operator.namespaceLabels.team=shop")
    (role,) = of_kind("ClusterRole", "operator", *labelled)
    assert [Right(verb, "", "namespaces") for verb in role["rules"][-1]["verbs"]] == list(OF_NAMESPACES)
    assert role["rules"][-1]["resources"] == ["namespaces"]
    (container,) = the("Deployment", "operator", *labelled, component="operator")["spec"]["template"]["spec"][
        "containers"
    ]
    assert "--namespace-label=team=shop" in container["args"]
    assert not [one for one in container["args"] if one.startswith("--namespace=")]


def test_it_is_probed_where_it_listens() -> None:
    (container,) = the("Deployment", "operator", "--set", "operator.healthPort=9000", component="operator")["spec"][
        "template"
    ]["spec"]["containers"]
    assert container["ports"] == [{"name": "health", "containerPort": 9000}]
    assert {"--health-host=0.0.0.0", "--health-port=9000"} <= set(container["args"])
    asked = {name: container[name]["httpGet"]["path"] for name in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert asked == {"startupProbe": "/livez", "livenessProbe": "/livez", "readinessProbe": "/readyz"}
    (over_ipv6,) = the("Deployment", "operator", "--set", "host=::", component="operator")["spec"]["template"]["spec"][
        "containers"
    ]
    assert "--health-host=::" in over_ipv6["args"]


def test_its_token_and_authority_are_files_of_secrets() -> None:
    pod = the("Deployment", "operator", component="operator")["spec"]["template"]["spec"]
    args = pod["containers"][0]["args"]
    assert args[0] == "--url=https://tokens-mintmark-admin.identity.svc:8081"
    assert {volume["secret"]["secretName"] for volume in pod["volumes"]} == {"mintmark-operator", "admin-tls"}
    assert args.index("operator") > args.index("--token-file=/run/mintmark/operator/token")


def test_it_may_go_to_the_admin_port_and_the_api_server_alone() -> None:
    policy = the("NetworkPolicy", "operator", component="operator")["spec"]
    prometheus = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    assert policy["ingress"] == [{"ports": [{"port": "health"}], "from": [prometheus]}]
    alone = ("--set", "networkPolicy.adminFrom=null,operator.podMonitor.enabled=false")
    assert the("NetworkPolicy", "operator", *alone, component="operator")["spec"]["ingress"] == []
    assert [[port["port"] for port in rule["ports"]] for rule in policy["egress"]] == [[53, 53], [443, 6443], ["admin"]]
    server = the("NetworkPolicy", "operator", *alone)["spec"]["ingress"]
    (admin,) = (rule for rule in server if rule["ports"] == [{"port": "admin"}])
    assert admin["from"][0]["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "operator"


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("operator.adminToken.name=", "operator.adminToken.name"),
        ("settings.admin_certificate_file=null", "over TLS only"),
        ("operator.serviceAccount.create=false", "operator.serviceAccount.name"),
        ("operator.allNamespaces=true", "say which namespaces, or all"),
        ("operator.namespaceLabels.team=shop", "needs operator.allNamespaces"),
        ("networkPolicy.adminFrom=null", "else operator.podMonitor reads nothing"),
    ],
)
def test_what_would_not_work_is_refused(option: str, told: str) -> None:
    assert told in refusal("operator", "--set", option)


def test_a_service_elsewhere_needs_no_admin_service() -> None:
    options = ("--set", "operator.adminUrl=https://ops.example.com:8443,settings.admin_certificate_file=null")
    assert "tokens-mintmark-admin" not in {one["metadata"]["name"] for one in objects("operator", *options)}
    policy = the("NetworkPolicy", "operator", *options, component="operator")["spec"]
    assert policy["egress"][-1]["ports"] == [{"port": 8443}]


def test_the_definitions_are_yaml_for_kubectl() -> None:
    for path in crds.FOLDER.iterdir():
        assert yaml.safe_load(path.read_text())["kind"] == "CustomResourceDefinition"


def test_the_values_of_its_page_install_it(tmp_path: Path) -> None:
    values = tmp_path / "operator.yaml"
    values.write_text(Page("how-to/kubernetes-objects.md").block("yaml", "# operator.yaml"))
    of_page = ("-f", str(values))
    (container,) = the("Deployment", "default", *of_page, component="operator")["spec"]["template"]["spec"][
        "containers"
    ]
    assert {"--namespace=shop", "--namespace=billing"} <= set(container["args"])


def test_the_status_holds_what_a_restart_needs() -> None:
    """What its schema does not name the API server drops: then each start would ask about every object."""
    (version,) = crds.definition(KINDS["OAuth2Client"])["spec"]["versions"]
    status = version["schema"]["openAPIV3Schema"]["properties"]["status"]["properties"]
    assert {"key", "digest", "conditions", "observedGeneration", "secret"} == set(status)
    assert {"name", "version", "createdAt", "oldUntil", "rotation", "secretKey"} == set(status["secret"]["properties"])
