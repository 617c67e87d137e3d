"""A real API server takes what the chart makes: every member known, every value valid, every pod within "restricted"."""

import pytest
import yaml  # type: ignore[import-untyped]

from tests.cluster.api_server import Cluster, Object
from tests.helm.chart import ALL, objects, pod_templates


@pytest.mark.parametrize("values", ALL)
def test_every_object(cluster: Cluster, namespace: str, values: str) -> None:
    """Strictly: a member that is not known, or comes twice, is a fault."""
    found = yaml.safe_dump_all([_in(namespace, one) for one in objects(values)])
    done = cluster.run("create", "--dry-run=server", "--validate=strict", "--filename", "-", stdin=found)
    assert done.returncode == 0, done.stderr
    assert "would violate PodSecurity" not in done.stderr
    assert len(done.stdout.splitlines()) == len(objects(values))


@pytest.mark.parametrize("values", ALL)
def test_every_pod(cluster: Cluster, namespace: str, values: str) -> None:
    """The standard is enforced for pods alone: a Deployment is taken, and its pods then never come."""
    templates = list(pod_templates(values))
    accounts = {template["spec"]["serviceAccountName"] for _, template in templates}
    for account in accounts - {"default"}:
        cluster.kubectl("create", "serviceaccount", account, "--namespace", namespace)
    for name, template in templates:
        of_others = {"priorityClassName", "runtimeClassName"}  # which objects of the cluster stand for
        spec = {member: value for member, value in template["spec"].items() if member not in of_others}
        if name.startswith("StatefulSet") and "volumes" not in spec:  # its own come from its claims
            spec["volumes"] = [{"name": "data", "emptyDir": {}}]
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": template["metadata"] | {"name": "one"}}
        described = yaml.safe_dump(_in(namespace, pod | {"spec": {"restartPolicy": "Always"} | spec}))
        done = cluster.run("create", "--dry-run=server", "--validate=strict", "--filename", "-", stdin=described)
        assert done.returncode == 0, f"{name}: {done.stderr}"


def _in(namespace: str, one: Object) -> Object:
    return one | {"metadata": one["metadata"] | {"namespace": namespace}}
