"""An API server and what acts on its objects: ReplicaSets get pods, Jobs end, quotas count. Without a node nothing runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.api_server import Cluster, api_server, running, wait_until
from tests.free_ports import HOST, free_ports


def filled_namespace(cluster: Cluster, name: str) -> str:
    """A new namespace, with what controllers put into each."""
    cluster.namespace(name)
    for given in ("serviceaccount/default", "configmap/kube-root-ca.crt"):
        cluster.kubectl("wait", "--for=create", given, "--namespace", name, "--timeout=60s")
    return name


@contextmanager
def control_plane(folder: Path, host: str = HOST) -> Iterator[Cluster]:
    """``host``: the address that the API server listens on."""
    with api_server(folder, host) as cluster:
        manager, scheduler = free_ports(2)
        known = {"kubeconfig": str(cluster.kubeconfig), "leader-elect": "false", "bind-address": HOST}
        managing = {
            "secure-port": str(manager), "cert-dir": str(folder / "manager"), "root-ca-file": str(cluster.certificate),
            "service-account-private-key-file": str(folder / "service-accounts.key"),
            # A pod of a node that is gone is not waited for.
            "node-monitor-grace-period": "20s",
        }  # fmt: skip
        scheduling = {"secure-port": str(scheduler), "cert-dir": str(folder / "scheduler")}
        with (
            running("kube-controller-manager", known | managing, folder) as manages,
            running("kube-scheduler", known | scheduling, folder) as schedules,
        ):
            wait_until(
                lambda: manages() and schedules() and cluster.run("get", "serviceaccount", "default").returncode == 0,
                "namespaces get their service account",
                folder,
            )
            yield cluster
