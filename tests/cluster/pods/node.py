"""A node: containerd, kubelet and kube-proxy of this machine, in a network of its own that leads nowhere.

`make test-cluster` starts the tests in namespaces of their own (`unshare --net --pid --mount`), so that no address, rule,
mount or process of a node is left behind, and no packet gets out.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]

from tests.cluster.api_server import ADVERTISED, SERVICES, Cluster, running, wait_until
from tests.cluster.pods.images import PLUGINS, PYTHON, what_is_missing
from tests.cluster.pods.names import DOMAIN, names

NAME = "node"
PODS = "10.244.0.0/16"


def skip_where_pods_cannot_run() -> None:
    """Say what is missing."""
    if missing := what_is_missing():
        pytest.skip(f"NO PODS: {missing}")
    if len(Path("/proc/net/route").read_text().splitlines()) > 1:
        pytest.skip("NO PODS: they run in a network of their own alone, in which `make test-cluster` starts the tests")


@contextmanager
def network() -> Iterator[None]:
    """The address of the node, and the way to Services. What else is asked for has no route."""
    for command in (
        "ip link set lo up",
        f"ip link add {NAME} type bridge",
        f"ip address add {ADVERTISED}/24 dev {NAME}",
        f"ip link set {NAME} up",
        f"ip route add {SERVICES} dev {NAME}",
        "sysctl -q -w net.ipv4.ip_forward=1",
    ):
        subprocess.run(command.split(), check=True, timeout=30)
    yield
    subprocess.run(["ip", "link", "delete", NAME], check=True, timeout=30)


@contextmanager
def node(cluster: Cluster, folder: Path, images: list[Path]) -> Iterator[None]:
    """``folder``: a short path, for sockets; ``images``: what pods are made of."""
    socket = f"unix://{folder}/containerd.sock"
    (folder / "containerd.toml").write_text(_containerd(folder))
    (folder / "cni").mkdir()
    (folder / "cni" / "10-pods.conflist").write_text(json.dumps(_pod_network(folder)))
    (folder / "kubelet.yaml").write_text(yaml.safe_dump(_kubelet(folder, socket)))
    kubelet = {
        "config": str(folder / "kubelet.yaml"), "kubeconfig": str(cluster.kubeconfig), "hostname-override": NAME,
        "node-ip": ADVERTISED, "root-dir": str(folder / "kubelet"), "cert-dir": str(folder / "certificates"),
    }  # fmt: skip
    proxy = {
        "kubeconfig": str(cluster.kubeconfig), "hostname-override": NAME, "proxy-mode": "iptables",
        "cluster-cidr": PODS, "metrics-bind-address": "127.0.0.1:10249", "conntrack-max-per-core": "0",
    }  # fmt: skip
    with running("containerd", {"config": str(folder / "containerd.toml")}, folder) as contains:
        control = ["ctr", "--address", f"{folder}/containerd.sock", "--namespace", "k8s.io"]
        ready = [*control, "version"]
        wait_until(
            lambda: contains() and subprocess.run(ready, capture_output=True, check=False).returncode == 0,
            "containerd answers",
            folder,
        )
        for image in images:
            subprocess.run([*control, "images", "import", str(image)], check=True, capture_output=True, timeout=300)
        with (
            names(cluster, ADVERTISED),
            running("kubelet", kubelet, folder) as kubelet_is_up,
            running("kube-proxy", proxy, folder) as proxy_is_up,
        ):
            wait_until(lambda: kubelet_is_up() and proxy_is_up() and _is_ready(cluster), "the node is ready", folder)
            yield
            _end_pods(cluster, folder)


def _is_ready(cluster: Cluster) -> bool:
    conditions = [one for found in cluster.get("nodes") for one in found["status"].get("conditions", [])]
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _end_pods(cluster: Cluster, folder: Path) -> None:
    """By the kubelet, which alone knows how they are taken down."""
    for kind in ("deployments", "statefulsets", "jobs"):
        cluster.kubectl("delete", kind, "--all", "--all-namespaces", "--wait=false")
    cluster.kubectl("delete", "pods", "--all", "--all-namespaces", "--grace-period=1", "--wait=false")
    wait_until(lambda: not cluster.get("pods", "--all-namespaces"), "all pods are gone", folder)


def _containerd(folder: Path) -> str:
    return f"""
version = 2
root = "{folder}/containerd"
state = "{folder}/containerd-state"
[grpc]
address = "{folder}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{PYTHON}"
disable_apparmor = true
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{PLUGINS}"
conf_dir = "{folder}/cni"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
"""


def _pod_network(folder: Path) -> dict[str, object]:
    """Every pod has a line of its own to the node, which routes: what comes back from a Service passes kube-proxy's rules."""
    addresses = {
        "type": "host-local",
        "ranges": [[{"subnet": PODS}]],
        "routes": [{"dst": "0.0.0.0/0"}],
        "dataDir": str(folder / "addresses"),
    }
    return {"cniVersion": "0.4.0", "name": "pods", "plugins": [{"type": "ptp", "ipam": addresses}]}


def _kubelet(folder: Path, socket: str) -> dict[str, object]:
    (folder / "resolv.conf").write_text(f"nameserver {ADVERTISED}\n")
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "containerRuntimeEndpoint": socket,
        "address": ADVERTISED,
        "authentication": {"anonymous": {"enabled": True}, "webhook": {"enabled": False}},
        "authorization": {"mode": "AlwaysAllow"},
        # Cgroups of this machine as they are, without a tree of the kubelet's own that would stay.
        "failCgroupV1": False,
        "cgroupDriver": "cgroupfs",
        "cgroupsPerQOS": False,
        "enforceNodeAllocatable": [],
        "failSwapOn": False,
        "clusterDomain": DOMAIN,
        "clusterDNS": [ADVERTISED],
        "resolvConf": str(folder / "resolv.conf"),
        "evictionHard": {"nodefs.available": "1%"},
        "imageMinimumGCAge": "24h",
        "podLogsDir": str(folder / "pod-logs"),
        "volumePluginDir": str(folder / "volume-plugins"),
    }
