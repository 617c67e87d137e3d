"""What the chart does to what is there already, and beside others: upgrades, scaling, a chart around it, neighbours."""

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

import service
from tests.helm import tools
from tests.helm.chart import CHART, FILES, Object, documents, helm, objects, pod_templates, the
from tests.helm.cluster import as_installed, cluster, upgraded


def _deployment(manifests: str) -> Object:
    (found,) = (
        one
        for one in documents(manifests)
        if one["kind"] == "Deployment" and one["metadata"]["labels"]["app.kubernetes.io/component"] == "server"
    )
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("scaler", ["autoscaling", "keda"])
def test_turning_a_scaler_on_keeps_the_pods_that_there_are(tmp_path: Path, scaler: str) -> None:
    """Helm takes a number away that is no longer said, and Kubernetes then runs one pod."""
    with cluster(as_installed(the("Deployment", "default"), replicas=4)) as url:
        code, manifests, complaint = upgraded(url, "default", tmp_path, "--set", f"{scaler}.enabled=true")
    assert code == 0, complaint
    assert _deployment(manifests)["spec"]["replicas"] == 4


def test_without_a_scaler_the_values_say_it(tmp_path: Path) -> None:
    with cluster(as_installed(the("Deployment", "default"), replicas=4)) as url:
        code, manifests, complaint = upgraded(url, "default", tmp_path)
    assert code == 0, complaint
    assert _deployment(manifests)["spec"]["replicas"] == 2


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("nameOverride=other", "Set fullnameOverride=tokens-mintmark to keep it"),
        ("fullnameOverride=elsewhere", "everything would be made anew as elsewhere"),
    ],
)
def test_what_would_be_made_anew_is_refused(tmp_path: Path, option: str, told: str) -> None:
    with cluster(as_installed(the("Deployment", "default"))) as url:
        code, _, complaint = upgraded(url, "default", tmp_path, "--set", option)
    assert code
    assert told in complaint


def test_a_selector_that_cannot_change_is_refused(tmp_path: Path) -> None:
    with cluster(as_installed(the("Deployment", "default"))) as url:
        options = ("--set", "nameOverride=other", "--set", "fullnameOverride=tokens-mintmark")
        code, _, complaint = upgraded(url, "default", tmp_path, *options)
    assert code
    assert "Set nameOverride=mintmark to keep it" in complaint


@pytest.mark.parametrize("before", [True, False])
def test_a_volume_cannot_be_switched_in_place(tmp_path: Path, before: bool) -> None:
    name = "redis.bundled.persistence.enabled"
    there = the("StatefulSet", "bundled", "--set", f"{name}={str(before).lower()}", component="redis")
    with cluster(as_installed(there)) as url:
        code, _, complaint = upgraded(url, "bundled", tmp_path, "--set", f"{name}={str(not before).lower()}")
        assert code
        assert "delete statefulset tokens-mintmark-redis" in complaint
        assert upgraded(url, "bundled", tmp_path, "--set", f"{name}={str(before).lower()}")[0] == 0


def test_others_deployments_have_no_say(tmp_path: Path) -> None:
    """Those of another release, or of another chart in the same one."""
    neighbour = as_installed(the("Deployment", "default"))
    neighbour["metadata"]["name"] = "neighbour"
    neighbour["metadata"]["annotations"]["meta.helm.sh/release-name"] = "others"
    sibling = as_installed(the("Deployment", "default"))
    sibling["metadata"]["name"] = "sibling"
    sibling["metadata"]["labels"]["helm.sh/chart"] = "shop-1.0.0"
    with cluster(neighbour, sibling) as url:
        code, _, complaint = upgraded(url, "default", tmp_path)
    assert code == 0, complaint


def test_a_new_version_of_the_chart_starts_no_pod_anew(tmp_path: Path) -> None:
    """The bundled Redis keeps everything in its pod: a label that changes would forget it all."""
    newer = Path(shutil.copytree(CHART, tmp_path / "mintmark"))
    description = yaml.safe_load((newer / "Chart.yaml").read_text()) | {"version": "9.9.9"}
    (newer / "Chart.yaml").write_text(yaml.safe_dump(description))
    done = helm("template", "tokens", str(newer), "--namespace", "identity", "-f", str(FILES["bundled"]))
    assert "mintmark-9.9.9" in done.stdout
    after = {
        f"{one['kind']} {one['metadata']['name']}": one["spec"]["template"]
        for one in documents(done.stdout)
        if one["kind"] in ("Deployment", "StatefulSet", "Job")
    }
    assert after == dict(pod_templates("bundled"))


def _around(parent: Path) -> Path:
    """A chart that holds this one, as its developers have it: ``helm dependency update`` once, then ``build`` by its lock."""
    dependency = {
        "name": "mintmark",
        "version": ">=0.1.0-0",
        "repository": f"file://{CHART}",
        "condition": "mintmark.enabled",
    }
    described = {"apiVersion": "v2", "name": "platform", "version": "1.0.0", "dependencies": [dependency]}
    (parent / "templates").mkdir(parents=True)
    (parent / "templates/theirs.yaml").write_text("{apiVersion: v1, kind: ConfigMap, metadata: {name: theirs}}\n")
    (parent / "Chart.yaml").write_text(yaml.safe_dump(described))
    for command in ("update", "build"):
        shutil.rmtree(parent / "charts", ignore_errors=True)
        program = [str(tools.program(tools.HELM)), "dependency", command, str(parent)]
        done = subprocess.run(program, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "symlink" not in done.stdout + done.stderr
        assert [path.name for path in (parent / "charts").iterdir()] == [f"mintmark-{service.__version__}.tgz"]
    return parent


def _within(parent: Path, *options: str) -> list[Object]:
    """The objects that a chart makes of ours."""
    done = helm("template", "shop", str(parent), "--namespace", "identity", *options)
    assert done.returncode == 0, done.stderr
    return [one for one in documents(done.stdout) if one["metadata"]["name"] != "theirs"]


def test_a_chart_around_it_can_switch_it_and_share_its_values(tmp_path: Path) -> None:
    options = [
        "mintmark.redis.bundled.enabled=true",
        "mintmark.loadtest.enabled=true",
        "mintmark.clients.create[0].id=a",
    ]
    options += ["mintmark.loadtest.clientSecret.name=load", "global.imageRegistry=mirror.example.com"]
    options += ["global.imagePullSecrets[0].name=mirror", "global.theirs.own=1"]
    chosen = [word for option in options for word in ("--set", option)]
    parent = _around(tmp_path / "platform")
    assert _within(parent, *chosen, "--set", "mintmark.enabled=false") == []
    found = [
        one["spec"]["template"]["spec"]
        for one in _within(parent, *chosen, "--set", "mintmark.enabled=true")
        if "template" in one.get("spec", {})
    ]
    assert len(found) == 6
    for pod in found:
        assert pod["imagePullSecrets"] == [{"name": "mirror"}]
        assert all(container["image"].startswith("mirror.example.com/") for container in pod["containers"])


@pytest.mark.parametrize(
    ("one", "another"),
    [
        ("a-release-of-the-platform-in-eu-west-1-blue", "a-release-of-the-platform-in-eu-west-1-green"),
        ("mintmark", "mintmark-admin"),
        ("mintmark", "mintmark-redis"),
        ("mintmark", "mintmark-clients"),
        ("mintmark", "mintmark-test"),
        ("mintmark", "mintmark-loadtest"),
        ("mintmark", "mintmark-dashboard"),
    ],
)
def test_two_releases_of_a_namespace_keep_apart(one: str, another: str) -> None:
    names = [
        {(found["kind"], found["metadata"]["name"]) for found in objects(values, release=release)}
        for values in ("everything", "bundled")
        for release in (one, another)
    ]
    for first, second in ((names[0], names[1]), (names[0], names[3]), (names[2], names[1]), (names[2], names[3])):
        assert not first & second
