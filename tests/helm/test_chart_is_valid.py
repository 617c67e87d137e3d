"""helm finds nothing to complain about, and every object is one that Kubernetes takes."""

import subprocess
from collections import Counter
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

import service
from tests.helm import kubernetes_schemas, tools
from tests.helm.chart import ALL, CHART, FILES, MATRIX, helm, objects, text


@pytest.fixture(scope="module", params=tools.KUBERNETES)
def schemas(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the schemas of one version of Kubernetes and of what extends it."""
    folder = tmp_path_factory.mktemp("schemas")
    kinds = {one["kind"] for values in ALL for one in objects(values)}
    kubernetes_schemas.write_kubernetes(request.param, folder, kinds)
    kubernetes_schemas.write_extensions(folder)
    return folder


def _complaints(schemas: Path, manifests: str) -> str:
    location = f"{schemas}/{kubernetes_schemas.LOCATION}"
    command = [str(tools.program(tools.KUBECONFORM)), "-summary", "-schema-location", location]
    command += ["-skip", "CustomResourceDefinition"]  # not in that document; the API server of tests/cluster takes them
    done = subprocess.run(command, input=manifests, capture_output=True, text=True, timeout=60, check=False)
    return done.stdout + done.stderr if done.returncode else ""


@pytest.mark.parametrize("values", ALL)
def test_helm_lint_is_content(values: str) -> None:
    done = helm("lint", "--strict", str(CHART), "-f", str(FILES[values]))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("values", ALL)
def test_every_object_is_what_kubernetes_takes(values: str, schemas: Path) -> None:
    assert not _complaints(schemas, text(values))


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("containerPort: 8080", "containerPort: eighty"),
        ("automountServiceAccountToken", "automountServiceAcountToken"),
        ("maxUnavailable: 25%", "maxUnavailable: [25]"),
        ("interval: 30s", "intervall: 30s"),
        ("appProtocol: http", "appProtocoll: http"),
    ],
)
def test_the_schemas_would_notice(right: str, wrong: str, schemas: Path) -> None:
    """A schema that takes everything proves nothing."""
    manifests = text("production")
    assert right in manifests
    assert "invalid" in _complaints(schemas, manifests.replace(right, wrong))


def test_what_is_validated_is_what_the_chart_lets_in() -> None:
    """Its oldest and its newest Kubernetes: ``kubeVersion``, and the one before that is refused."""
    oldest, newest = ([int(number) for number in version[1:].split(".")] for version in tools.KUBERNETES)
    wanted = yaml.safe_load((CHART / "Chart.yaml").read_text())["kubeVersion"]
    assert wanted == f">={oldest[0]}.{oldest[1]}.0-0"
    assert newest > oldest
    for version, is_taken in (
        (f"v1.{oldest[1] - 1}.99", False),
        (f"v1.{oldest[1]}.0-gke.1", True),
        (tools.KUBERNETES[1], True),
    ):
        command = [str(tools.program(tools.HELM)), "template", str(CHART), "-f", str(FILES["default"])]
        done = subprocess.run([*command, "--kube-version", version], capture_output=True, text=True, check=False)
        assert (done.returncode == 0) is is_taken, done.stderr


def test_the_values_switch_on_every_template() -> None:
    """A template that no values file reaches would not be tested at all."""
    templates = {path.name for path in (CHART / "templates").glob("*.yaml")}
    reached = {
        line.rpartition("/")[2] for values in MATRIX for line in text(values).splitlines() if "# Source:" in line
    }
    assert templates == reached


@pytest.mark.parametrize("values", MATRIX)
def test_no_two_objects_have_the_same_name(values: str) -> None:
    names = Counter((one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]) for one in objects(values))
    assert max(names.values()) == 1


@pytest.mark.parametrize("values", MATRIX)
def test_no_key_stands_twice(values: str) -> None:
    """YAML readers keep the last of two without a word."""
    for document in yaml.compose_all(text(values), yaml.CSafeLoader):
        _check_keys(document)


def _check_keys(node: yaml.Node) -> None:
    if isinstance(node, yaml.MappingNode):
        keys = [key.value for key, _ in node.value]
        assert len(keys) == len(set(keys)), keys
    for child in node.value if isinstance(node, yaml.CollectionNode) else []:
        for one in child if isinstance(child, tuple) else (child,):
            _check_keys(one)


def test_there_is_no_cron_job() -> None:
    """Redis' own TTLs end everything, so there is nothing to clean up; the README says so."""
    assert not [one for values in MATRIX for one in objects(values) if one["kind"] == "CronJob"]
    assert "No CronJob" in (CHART / "README.md").read_text()


def test_the_chart_runs_this_version() -> None:
    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"] == service.__version__
