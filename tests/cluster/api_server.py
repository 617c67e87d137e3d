"""A real Kubernetes API server with its etcd, on free ports, its data in a folder: objects are kept and checked, nothing runs.

``with api_server(folder) as cluster:`` gives its kubeconfig and kubectl. Everything that was started has ended afterwards.
"""

import json
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.cluster.programs import program
from tests.free_ports import HOST, free_ports

Object = dict[str, Any]

ADMIN_TOKEN = "administrator-of-a-cluster-for-tests"
SERVICES, SERVICES_IPV6 = "10.96.0.0/16", "fd00:10:96::/112"
ADVERTISED = "192.0.2.10"
"""Where pods find the API server: an address for documentation (RFC 5737), which no machine has."""
START_SECONDS = 120.0
STOP_SECONDS = 30.0
LONGEST = 300
"""Seconds that a command may take."""


@dataclass(frozen=True)
class Cluster:
    """How to reach it: as an administrator."""

    folder: Path
    url: str

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    @property
    def certificate(self) -> Path:
        """What the API server shows, signed by itself."""
        return self.folder / "apiserver.crt"

    def run(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """kubectl, whatever comes of it."""
        command = [str(program("kubectl")), "--kubeconfig", str(self.kubeconfig), *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=LONGEST, check=False)

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """What kubectl prints. Raises AssertionError with its complaint."""
        done = self.run(*arguments, stdin=stdin)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def get(self, kind: str, *arguments: str) -> list[Object]:
        """Objects of a kind; ``-A`` or ``--namespace`` says where."""
        found: list[Object] = json.loads(self.kubectl("get", kind, "--output", "json", *arguments))["items"]
        return found

    def read(self, path: str) -> bytes:
        """What the API has at a path, without a kubectl, which takes seconds where the machine is busy. Raises OSError."""
        asked = urllib.request.Request(f"{self.url}{path}", headers={"Authorization": f"Bearer {ADMIN_TOKEN}"})
        trusted = ssl.create_default_context(cafile=self.certificate)
        with urllib.request.urlopen(asked, context=trusted, timeout=LONGEST) as answer:
            found: bytes = answer.read()
        return found

    def apply(self, *objects: Object) -> None:
        """Make these objects, or change them."""
        self.kubectl("apply", "--server-side", "--filename", "-", stdin=yaml.safe_dump_all(objects))

    def namespace(self, name: str, *, standard: str = "restricted") -> str:
        """A new namespace whose pods must keep to a Pod Security Standard."""
        labels = {f"pod-security.kubernetes.io/{mode}": standard for mode in ("enforce", "warn")}
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
        return name


@contextmanager
def api_server(folder: Path, host: str = HOST) -> Iterator[Cluster]:
    """``host``: the address that it listens on. Raises AssertionError with its log where it does not start."""
    client, peer, port = free_ports(3)
    cluster = Cluster(folder, f"https://{host}:{port}")
    key = folder / "service-accounts.key"
    key.write_bytes(
        rsa.generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    (folder / "tokens.csv").write_text(f'{ADMIN_TOKEN},admin,admin,"system:masters"\n')
    kept_in = f"http://{HOST}:{client}"
    etcd = {
        "data-dir": str(folder / "etcd"), "listen-client-urls": kept_in, "advertise-client-urls": kept_in,
        "listen-peer-urls": f"http://{HOST}:{peer}", "initial-advertise-peer-urls": f"http://{HOST}:{peer}",
        "initial-cluster": f"default=http://{HOST}:{peer}", "unsafe-no-fsync": "true",
    }  # fmt: skip
    server = {
        "etcd-servers": kept_in, "bind-address": host, "secure-port": str(port), "cert-dir": str(folder),
        "token-auth-file": str(folder / "tokens.csv"), "authorization-mode": "Node,RBAC",
        "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
        "service-account-key-file": str(key), "service-account-signing-key-file": str(key),
        "service-cluster-ip-range": f"{SERVICES},{SERVICES_IPV6}", "advertise-address": ADVERTISED,
        "kubelet-preferred-address-types": "InternalIP", "allow-privileged": "true",
    }  # fmt: skip
    with running("etcd", etcd, folder), running("kube-apiserver", server, folder) as is_up:
        wait_until(lambda: is_up() and _is_ready(cluster), "the API server is ready", cluster.folder)
        cluster.kubeconfig.write_text(kubeconfig(cluster, ADMIN_TOKEN))
        yield cluster


def kubeconfig(cluster: Cluster, token: str) -> str:
    """For whom a token stands."""
    server = {"server": cluster.url, "certificate-authority": str(cluster.certificate)}
    described = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "tests", "cluster": server}],
        "users": [{"name": "tests", "user": {"token": token}}],
        "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "tests"}}],
        "current-context": "tests",
    }
    return str(yaml.safe_dump(described))


def _is_ready(cluster: Cluster) -> bool:
    try:
        return cluster.certificate.exists() and cluster.read("/readyz") == b"ok"
    except OSError:
        return False


@contextmanager
def running(name: str, flags: Mapping[str, str], folder: Path) -> Iterator[Callable[[], bool]]:
    """A program, its log beside its data; gives whether it still runs. At the end it gets SIGTERM, and then SIGKILL."""
    command = [str(program(name)), *(f"--{flag}={value}" for flag, value in flags.items())]
    with (folder / f"{name}.log").open("ab") as log, ExitStack() as stack:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, start_new_session=True)
        stack.callback(_end, process)

        def is_up() -> bool:
            assert process.poll() is None, f"{name} ended with {process.returncode}: {last_lines(folder, name)}"
            return True

        yield is_up


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def last_lines(folder: Path, name: str) -> str:
    """The end of a program's log."""
    return "\n".join((folder / f"{name}.log").read_text(errors="replace").splitlines()[-20:])


def wait_until(is_so: Callable[[], object], what: str, folder: Path, seconds: float = START_SECONDS) -> None:
    """Look until it is so. Raises AssertionError with the ends of all logs."""
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            logs = "\n".join(f"{log.stem}: {last_lines(folder, log.stem)}" for log in sorted(folder.glob("*.log")))
            raise AssertionError(f"not within {seconds:.0f} s: {what}\n{logs}")
        time.sleep(0.2)
