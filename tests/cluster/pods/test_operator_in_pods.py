"""The operator as the chart runs it: two pods, objects from declaration to deletion, and what the cluster collects then."""

import base64
import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml  # type: ignore[import-untyped]
from cryptography.x509.oid import ExtendedKeyUsageOID

from service.declared import API_VERSION, KINDS
from tests.certificates import alternative, self_signed
from tests.cluster.api_server import Cluster, Object, wait_until
from tests.cluster.installing import Release
from tests.cluster.pods.asking import in_a_pod, until_ready, url_of

TOKEN = "of-the-operator-in-tests-0123456789"
CLIENTS = [f"web-{number}" for number in range(12)]
SECONDS = 240.0


@pytest.fixture
def installed(cluster: Cluster, release: Release, tmp_path: Path) -> Release:
    """A release with two pods of the operator, for its own namespace."""
    name = f"tokens-mintmark-admin.{release.namespace}.svc"
    shown = self_signed(names=(alternative("dns", name),), usage=(ExtendedKeyUsageOID.SERVER_AUTH,))
    certificate, key = shown.files(tmp_path)
    files = (f"--from-file=tls.crt={certificate}", f"--from-file=ca.crt={certificate}", f"--from-file=tls.key={key}")
    create = ("--namespace", release.namespace, "create", "secret", "generic")
    cluster.kubectl(*create, "admin-tls", *files)
    cluster.kubectl(*create, "mintmark-operator", f"--from-literal=token={TOKEN}")
    values = tmp_path / "values.yaml"
    values.write_text(yaml.safe_dump(_VALUES))
    release.install("-f", str(values), "--wait", "--timeout", "4m")
    return release


_VALUES: dict[str, Any] = {
    "image": {"tag": "now", "pullPolicy": "Never"},
    "replicas": 1,
    "settings": {
        "admin_certificate_file": "/run/admin-tls/tls.crt",
        "admin_key_file": "/run/admin-tls/tls.key",
    },
    "secrets": {"values": {"admin_tokens": json.dumps({"operator": TOKEN})}},
    "redis": {"bundled": {"enabled": True}},
    "extraVolumes": [{"name": "admin-tls", "secret": {"secretName": "admin-tls"}}],
    "extraVolumeMounts": [{"name": "admin-tls", "mountPath": "/run/admin-tls", "readOnly": True}],
    "operator": {
        "enabled": True,
        "replicas": 2,
        "resyncSeconds": 5,
        "adminToken": {"name": "mintmark-operator"},
        "adminCa": {"name": "admin-tls"},
    },
}


async def test_two_pods_keep_what_objects_declare(installed: Release) -> None:
    until_ready(installed, 2, "operator")
    _declare(installed, "OAuth2Resource", "api", resource="https://api.example.com", scopes=["read"])
    _declare(installed, "TrustedIssuer", "ci", issuer="https://ci.example.com", uses=["token-exchange"])
    for name in CLIENTS:
        secret = {"name": f"{name}-oauth"}
        _declare(installed, "OAuth2Client", name, grant_types=["client_credentials"], scopes=["read"], secret=secret)
    _kubectl(installed, "wait", "--for=condition=Ready", "mintmark", "--all", "--timeout=200s")
    first = {name: _secret(installed, name) for name in CLIENTS}
    for secret in first.values():
        assert await _gets_token(installed, secret)

    # One of the pods goes while all clients get another secret; the other one, or the next, goes on.
    _kubectl(installed, "annotate", "oauth2client", "--all", "mintmark.dev/rotate-secret=1")
    _kubectl(installed, "delete", "pod", installed.pods("operator")[0]["metadata"]["name"], "--wait=false")
    _until(
        installed,
        lambda: all(_secret(installed, name) != secret for name, secret in first.items()),
        "all Secrets have another secret",
    )
    _until(
        installed,
        lambda: {_kept(installed, name) for name in CLIENTS} == {2},
        "each client has both secrets, and no third",
    )
    for name in CLIENTS:
        assert await _gets_token(installed, _secret(installed, name))
        assert await _gets_token(installed, first[name]), "each pod of the application still has the old one"
    until_ready(installed, 2, "operator")
    pods = installed.pods("operator")
    assert {status["restartCount"] for pod in pods for status in pod["status"]["containerStatuses"]} == {0}
    _until(
        installed, lambda: {_declared(pod) for pod in pods} == {len(CLIENTS)}, "both pods see all clients as declared"
    )

    _kubectl(installed, "delete", "mintmark", "--all", "--timeout=200s")
    assert _listed(installed, "client") == []
    assert _listed(installed, "resource") == []
    assert not await _gets_token(installed, first[CLIENTS[0]])
    _until(installed, lambda: not _secrets(installed), "the cluster has collected their Secrets")


def _kubectl(release: Release, *arguments: str, stdin: str | None = None) -> str:
    return release.cluster.kubectl("--namespace", release.namespace, *arguments, stdin=stdin)


def _until(release: Release, is_so: Callable[[], object], what: str) -> None:
    wait_until(is_so, what, release.cluster.folder, SECONDS)


def _declare(release: Release, kind: str, name: str, **spec: Any) -> None:
    metadata = {"name": name, "namespace": release.namespace}
    assert kind in KINDS
    release.cluster.apply({"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec})


def _secret(release: Release, client: str) -> dict[str, str]:
    data = release.the("secret", f"{client}-oauth")["data"]
    return {key: base64.b64decode(one).decode() for key, one in data.items()}


def _secrets(release: Release) -> list[str]:
    names = [one["metadata"]["name"] for one in release.all("secret")]
    return [name for name in names if name.endswith("-oauth")]


def _listed(release: Release, noun: str) -> list[Any]:
    found = json.loads(in_a_pod(release, noun, "list", "--json"))
    return list(found[f"{noun}s"]) if isinstance(found, dict) else list(found)


def _kept(release: Release, client: str) -> int:
    """How many secrets of a client count."""
    return len(json.loads(in_a_pod(release, "client", "show", client, "--json"))["secrets"])


def _declared(pod: Object) -> int:
    """How many clients are Ready, by the metrics of a pod of the operator."""
    with urllib.request.urlopen(f"http://{pod['status']['podIP']}:8082/metrics", timeout=20) as answer:
        text = answer.read().decode()
    shown = 'mintmark_operator_objects{kind="OAuth2Client",reason="Declared"} '
    (line,) = (line for line in text.splitlines() if line.startswith(shown))
    return int(float(line.removeprefix(shown)))


async def _gets_token(release: Release, secret: dict[str, str]) -> bool:
    """Whether an application with this Secret gets a token."""
    auth = aiohttp.encode_basic_auth(secret["client_id"], secret["client_secret"])
    async with (
        aiohttp.ClientSession(headers={"Authorization": auth}) as http,
        http.post(f"{url_of(release)}/token", data={"grant_type": "client_credentials"}) as answer,
    ):
        return answer.status == 200
