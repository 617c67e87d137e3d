"""The ValidatingAdmissionPolicy of docs/how-to/kubernetes-objects.md on a real API server: what it refuses, what it lets by."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from service.declared import API_VERSION
from tests.cluster.api_server import Cluster, wait_until
from tests.cluster.operator.watched import SPEC
from tests.pages import Page

POLICY = Page("how-to/kubernetes-objects.md").block("yaml", "kind: ValidatingAdmissionPolicyBinding")
NAMESPACE = "shop"


@pytest.fixture(scope="module")
def bound(cluster: Cluster) -> Iterator[Cluster]:
    """With the policy, bound to one namespace: the other tests have theirs; and with an object that was there before."""
    cluster.namespace(NAMESPACE)
    assert not _apply(cluster, "before", skip_consent=True).returncode
    policy, binding = yaml.safe_load_all(POLICY)
    only = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}}}
    binding["spec"]["matchResources"] = only
    cluster.apply(policy, binding)
    wait_until(lambda: _apply(cluster, "web", "server").returncode, "the policy counts", cluster.folder)
    yield cluster
    for one in (binding, policy):
        cluster.kubectl("delete", one["kind"], one["metadata"]["name"])


def _apply(cluster: Cluster, name: str, dry_run: str = "none", **spec: Any) -> subprocess.CompletedProcess[str]:
    metadata = {"name": name, "namespace": NAMESPACE}
    made = {"apiVersion": API_VERSION, "kind": "OAuth2Client", "metadata": metadata, "spec": SPEC | spec}
    return cluster.run("apply", f"--dry-run={dry_run}", "--filename", "-", stdin=json.dumps(made))


@pytest.mark.parametrize(
    ("name", "spec", "message"),
    [
        ("shop-web", {"may_assert_subjects": True}, "ask the identity team"),
        ("shop-web", {"skip_consent": True}, "ask the identity team"),
        ("web", {}, "begins with the namespace"),
        ("shopping", {}, "begins with the namespace"),
        ("shop-web", {"client_id": "billing-web"}, "begins with the namespace"),
        ("shop-web", {"alias": "billing-web"}, "alias begins with the namespace"),
    ],
)
def test_it_refuses(bound: Cluster, name: str, spec: dict[str, Any], message: str) -> None:
    done = _apply(bound, name, "server", **spec)
    assert done.returncode
    assert "plain-oauth2-clients" in done.stderr
    assert message in done.stderr


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("shop-web", {}),
        ("shop-web", {"may_assert_subjects": False, "skip_consent": False, "alias": "shop-old"}),
        ("web", {"client_id": "shop-web"}),
    ],
)
def test_it_lets_by(bound: Cluster, name: str, spec: dict[str, Any]) -> None:
    done = _apply(bound, name, "server", **spec)
    assert done.returncode == 0, done.stderr


def test_an_object_of_before_goes_though_it_may_not_change(bound: Cluster) -> None:
    assert "ask the identity team" in _apply(bound, "before", "server", skip_consent=True, scopes=["write"]).stderr
    of = ("oauth2client", "before", "--namespace", NAMESPACE)
    for finalizers in (["mintmark.dev/end"], []):  # as the operator writes them
        patch = json.dumps({"metadata": {"finalizers": finalizers}})
        bound.kubectl("patch", *of, "--type=merge", "--patch", patch)
    bound.kubectl("delete", *of, "--timeout=60s")
