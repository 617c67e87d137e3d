"""What only pods that run can show: starts before Redis, Jobs for clients, the admin port's TLS, wrong secrets."""

from pathlib import Path

from tests.certificates import self_signed
from tests.cluster.api_server import Cluster, Object, wait_until
from tests.cluster.installing import Release, everything
from tests.cluster.pods.asking import in_a_pod, is_ready, until_ready
from tests.cluster.pods.images import VALKEY

NOW = ("--set", "image.tag=now", "--set", "image.pullPolicy=Never", "--set", "replicas=1")
BUNDLED = (*NOW, "--set", "redis.bundled.enabled=true")
KEY = "0123456789abcdef0123456789abcdef"


def _set(*options: str) -> tuple[str, ...]:
    return tuple(word for option in options for word in ("--set", option))


def _container(pod: Object) -> Object:
    (found,) = pod["status"]["containerStatuses"]
    assert isinstance(found, dict)
    return found


def _redis(namespace: str) -> list[Object]:
    context = {"runAsNonRoot": True, "runAsUser": 999, "seccompProfile": {"type": "RuntimeDefault"}}
    container = {
        "name": "redis", "image": VALKEY, "args": ["valkey-server", "--protected-mode", "no", "--save", ""],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }  # fmt: skip
    metadata = {"name": "redis", "namespace": namespace, "labels": {"app": "redis"}}
    pod = {"containers": [container], "securityContext": context}
    service = {"selector": {"app": "redis"}, "ports": [{"port": 6379}]}
    return [
        {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": pod},
        {"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": service},
    ]


def test_a_pod_that_starts_before_redis_waits_for_it(cluster: Cluster, release: Release) -> None:
    release.install(*NOW, *_set("redis.hosts={redis}", "settings.issuer=http://127.0.0.1:8080"))

    def is_alive() -> bool:
        """By its own words, as the probe of the start asks for them."""
        pods = release.pods("server")
        return bool(pods) and bool(pods[0]["status"].get("containerStatuses", [{}])[0].get("started"))

    wait_until(is_alive, "the container has started", cluster.folder)
    log = ("logs", "deployment/tokens-mintmark", "--namespace", release.namespace)
    wait_until(lambda: "edis" in cluster.run(*log).stdout, "it says what it waits for", cluster.folder)
    (pod,) = release.pods("server")
    assert not is_ready(pod)
    cluster.apply(*_redis(release.namespace))
    until_ready(release, 1)
    (pod,) = release.pods("server")
    assert _container(pod)["restartCount"] == 0


def test_the_admin_port_may_speak_tls(cluster: Cluster, release: Release, tmp_path: Path) -> None:
    certificate, key = self_signed().files(tmp_path)
    files = (f"--from-file=tls.crt={certificate}", f"--from-file=tls.key={key}")
    cluster.kubectl("create", "secret", "generic", "admin-tls", *files, "--namespace", release.namespace)
    options = ["admin_certificate_file=/run/admin-tls/tls.crt", "admin_key_file=/run/admin-tls/tls.key"]
    mounted = ["extraVolumes[0].name=admin-tls", "extraVolumes[0].secret.secretName=admin-tls"]
    mounted += ["extraVolumeMounts[0].name=admin-tls", "extraVolumeMounts[0].mountPath=/run/admin-tls"]
    release.install(*BUNDLED, *_set(*(f"settings.{one}" for one in options), *mounted), "--wait", "--timeout", "4m")
    until_ready(release, 1)


def test_a_master_key_by_another_name_ends_the_pod_which_says_so(cluster: Cluster, release: Release) -> None:
    cluster.kubectl("create", "secret", "generic", "own", f"--from-literal=masterkey={KEY}", "-n", release.namespace)
    release.install(*BUNDLED, *_set("secrets.existingSecret=own"))

    def said() -> str:
        states = [_container(pod) for pod in release.pods("server") if pod["status"].get("containerStatuses")]
        ended = [one.get("lastState", {}).get("terminated") or one["state"].get("terminated") for one in states]
        return " ".join(str(one.get("message")) for one in ended if one)

    wait_until(said, "the pod ends", cluster.folder)
    assert "master_key" in said()


CLIENTS = ["clients.create[0].id=public", "clients.create[0].args={--auth-method,none,--grant-type,authorization_code,"]
CLIENTS[1] += "--redirect-uri,https://app.example.com/callback}"
CLIENTS += ["clients.create[1].id=billing", "clients.create[1].args={--grant-type,client_credentials}"]
CLIENTS += ["clients.create[1].secret.name=billing", "clients.create[1].secret.key=secret"]
CLIENTS += ["clients.deadlineSeconds=150", "clients.keepFailedSeconds=5"]


def test_first_clients_are_registered_and_their_job_goes(cluster: Cluster, release: Release) -> None:
    secret = "--from-literal=secret=a-secret-of-more-than-enough-characters"
    cluster.kubectl("create", "secret", "generic", "billing", secret, "--namespace", release.namespace)
    release.install(*BUNDLED, *_set(*CLIENTS), "--wait", "--timeout", "4m")
    assert not release.all("jobs")
    listed = in_a_pod(release, "client", "list")
    assert "public" in listed
    assert "billing" in listed


def test_a_client_whose_secret_is_missing_stops_no_other(cluster: Cluster, release: Release) -> None:
    release.install(*BUNDLED, "--wait", "--timeout", "4m")
    before = everything(cluster)
    seconds = ("clients.deadlineSeconds=90", "clients.keepFailedSeconds=60")
    complaint = release.refused(*BUNDLED, *_set(*CLIENTS, *seconds), "--timeout", "4m")
    assert "Job tokens-mintmark-clients" in complaint or "job tokens-mintmark-clients failed" in complaint, complaint
    said = [
        one["state"].get("terminated", {}).get("message", "")
        for pod in release.pods("clients")
        for one in pod["status"].get("containerStatuses", [])
    ]
    assert any("there is no Secret billing with the key secret" in one for one in said), said
    assert "public" in in_a_pod(release, "client", "list")
    release.does("uninstall", "--wait")
    gone = {one for one in everything(cluster) - before if "/sh.helm.release" not in one}
    wait_until(lambda: not {*everything(cluster)} & gone, "the Job that failed goes by itself", cluster.folder, 300)
