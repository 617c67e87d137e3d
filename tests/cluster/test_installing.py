"""Installing, upgrading, rolling back and uninstalling on a real control plane; without a node pods are made and wait."""

from pathlib import Path

import pytest

from tests.cluster.api_server import Cluster, Object, wait_until
from tests.cluster.control_plane import filled_namespace
from tests.cluster.installing import Release, chart_of_last_release, chart_of_next_release, everything
from tests.helm.chart import FILES, MATRIX, objects

BUNDLED = ("-f", str(FILES["bundled"]))
DEFAULT = ("-f", str(FILES["default"]))


def _uids(pods: list[Object]) -> set[str]:
    return {one["metadata"]["uid"] for one in pods}


def _volumes(release: Release) -> set[str]:
    """What a volume holds is nobody's to throw away but its owner's; the chart's README says so."""
    return {f"v1 PersistentVolumeClaim {release.namespace}/data-{release.name}-mintmark-redis-0"}


def _kept(values: str) -> list[str]:
    """Kinds of the operator: with them all objects of the cluster would go."""
    policy = "helm.sh/resource-policy"
    return [one["metadata"]["name"] for one in objects(values) if policy in one["metadata"].get("annotations", {})]


def _until_pods(release: Release, component: str, count: int) -> list[Object]:
    wait_until(lambda: len(release.pods(component)) == count, f"{count} pods {component}", release.cluster.folder)
    return release.pods(component)


@pytest.mark.parametrize("values", MATRIX)
def test_uninstalling_leaves_nothing(cluster: Cluster, release: Release, values: str) -> None:
    for name in {one["metadata"]["namespace"] for one in objects(values) if "namespace" in one["metadata"]}:
        filled_namespace(cluster, name)  # which the values name
    before = everything(cluster)
    # Hooks wait for Jobs to end, and nothing runs here: those of the clients are below and in test_pods.py.
    release.install("-f", str(FILES[values]), "--no-hooks")
    made = everything(cluster) - before
    assert any(one.startswith("apps/v1 Deployment") for one in made)
    release.install("-f", str(FILES[values]), "--no-hooks", "--set", "settings.log_level=DEBUG")
    release.does("rollback", "1", "--no-hooks")
    release.does("uninstall", "--wait")
    for name in _kept(values):
        cluster.kubectl("delete", "customresourcedefinition", name)
    left = f"nothing of {sorted(made)} is left"
    wait_until(lambda: everything(cluster) - before <= _volumes(release), left, cluster.folder)


def test_the_last_release_is_upgraded_and_rolled_back_to(release: Release, tmp_path: Path) -> None:
    """With the same values, of which none may have lost its meaning."""
    before = chart_of_last_release(tmp_path)
    options = ["--set", "settings.issuer=https://tokens.example.com", "--set", "redis.hosts={redis}"]
    options += ["--set", "settings.trusted_proxies={10.0.0.0/8}", "--no-hooks"]
    release.install(*options, chart=before)
    uid = release.the("Deployment", "tokens-mintmark")["metadata"]["uid"]
    release.install(*options)
    release.does("rollback", "1", "--no-hooks")
    release.install(*options)
    assert release.the("Deployment", "tokens-mintmark")["metadata"]["uid"] == uid, "changed in place"


def test_a_new_version_of_the_chart_leaves_the_bundled_redis_alone(release: Release, tmp_path: Path) -> None:
    release.install(*BUNDLED)
    there = _uids(_until_pods(release, "redis", 1) + _until_pods(release, "server", 2))
    release.install(*BUNDLED, chart=chart_of_next_release(tmp_path))
    labels = release.the("StatefulSet", "tokens-mintmark-redis")["metadata"]["labels"]
    assert labels["helm.sh/chart"] == "mintmark-9.9.9"
    _until_seen(release)
    assert _uids(release.pods("redis") + release.pods("server")) == there


def _until_seen(release: Release) -> None:
    """Until the controllers have acted on what was changed."""

    def is_seen() -> bool:
        found = release.all("deployments") + release.all("statefulsets")
        return all(one["status"].get("observedGeneration") == one["metadata"]["generation"] for one in found)

    wait_until(is_seen, "the controllers have seen it", release.cluster.folder)


@pytest.mark.parametrize("scaler", ["autoscaling", "keda"])
def test_turning_a_scaler_on_keeps_the_pods_that_there_are(release: Release, scaler: str) -> None:
    release.install(*DEFAULT, "--set", "replicas=4")
    there = _uids(_until_pods(release, "server", 4))
    release.install(*DEFAULT, "--set", "replicas=4", "--set", f"{scaler}.enabled=true")
    _until_seen(release)
    assert release.the("Deployment", "tokens-mintmark")["spec"]["replicas"] == 4
    assert _uids(release.pods("server")) == there


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["nameOverride=other"], "Set fullnameOverride=tokens-mintmark to keep it"),
        (["nameOverride=other", "fullnameOverride=tokens-mintmark"], "Set nameOverride=mintmark to keep it"),
        (["fullnameOverride=elsewhere"], "everything would be made anew as elsewhere"),
        (["redis.bundled.persistence.enabled=true"], "delete statefulset tokens-mintmark-redis"),
    ],
)
def test_what_cannot_be_changed_in_place_is_refused_before_anything_is(
    cluster: Cluster, release: Release, options: list[str], told: str
) -> None:
    release.install(*BUNDLED)
    _until_pods(release, "redis", 1)
    before = everything(cluster)
    assert told in release.refused(*BUNDLED, *(word for option in options for word in ("--set", option)))
    assert everything(cluster) == before, "no failed revision either"


def test_the_volume_is_switched_as_the_refusal_says(cluster: Cluster, release: Release) -> None:
    release.install(*BUNDLED)
    volume = ("--set", "redis.bundled.persistence.enabled=true")
    release.refused(*BUNDLED, *volume)
    cluster.kubectl("delete", "statefulset", "tokens-mintmark-redis", "--namespace", release.namespace)
    release.install(*BUNDLED, *volume)
    assert release.the("StatefulSet", "tokens-mintmark-redis")["spec"]["volumeClaimTemplates"]


@pytest.mark.parametrize("name", ["4prod", "prod.eu"])
def test_a_release_that_names_no_service_makes_nothing(cluster: Cluster, namespace: str, name: str) -> None:
    before = everything(cluster)
    assert "is no name for a Service" in Release(cluster, namespace, name).refused(*DEFAULT, command="install")
    assert everything(cluster) == before


@pytest.mark.parametrize(
    ("one", "another"),
    [
        ("a-release-of-the-platform-in-eu-west-1-blue", "a-release-of-the-platform-in-eu-west-1-green"),
        ("mintmark", "mintmark-admin"),
        ("mintmark", "mintmark-redis"),
    ],
)
def test_two_releases_live_in_one_namespace(cluster: Cluster, namespace: str, one: str, another: str) -> None:
    options = (*BUNDLED, "--set", "adminService.enabled=true")
    both = [Release(cluster, namespace, name) for name in (one, another)]
    for release in both:
        release.install(*options)
    for release in both:
        _until_pods(release, "server", 2)
    both[0].does("uninstall", "--wait")
    assert len(both[1].pods("server")) == 2


def test_a_failed_clients_job_leaves_nothing_for_long(cluster: Cluster, release: Release) -> None:
    """Helm says that the Job failed, not that time is over; it takes no hooks away, and this one goes by itself."""
    before = everything(cluster)
    options = ("--set", "clients.deadlineSeconds=2", "--set", "clients.keepFailedSeconds=3", "--timeout", "4m")
    complaint = release.refused("-f", str(FILES["clients"]), *options, "--install")
    assert "DeadlineExceeded" in complaint, complaint
    release.does("uninstall", "--wait")
    wait_until(lambda: everything(cluster) - before <= _volumes(release), "nothing is left", cluster.folder)


def test_a_quota_with_limits_lets_the_pods_in(cluster: Cluster, release: Release) -> None:
    hard = {"limits.cpu": "4", "limits.memory": "4Gi", "requests.cpu": "4", "requests.memory": "4Gi"}
    metadata = {"name": "all", "namespace": release.namespace}
    cluster.apply({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": hard}})
    limits = ["resources.limits.cpu=1", "redis.bundled.resources.limits.cpu=1"]
    release.install(*BUNDLED, *(word for option in limits for word in ("--set", option)))
    _until_pods(release, "server", 2)
    _until_pods(release, "redis", 1)


def test_the_service_account_may_do_nothing_and_has_no_token(cluster: Cluster, release: Release) -> None:
    release.install(*DEFAULT)
    (pod, _) = _until_pods(release, "server", 2)
    assert not [one for one in pod["spec"]["volumes"] if one["name"].startswith("kube-api-access")]
    account = f"system:serviceaccount:{release.namespace}:{pod['spec']['serviceAccountName']}"
    for act in ("get secrets", "list pods", "create pods", "patch deployments.apps"):
        words = ["auth", "can-i", *act.split(), "--namespace", release.namespace, "--as", account]
        assert cluster.run(*words).stdout.strip() == "no", act
