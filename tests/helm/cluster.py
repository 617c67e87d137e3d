"""As much of a cluster's API as Helm asks for what is there already: `helm template --dry-run=server`."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from tests.helm.chart import CHART, FILES, Object, helm

_KINDS = {"Deployment": "deployments", "StatefulSet": "statefulsets"}


@contextmanager
def cluster(*objects: Object) -> Iterator[str]:
    """The URL of an API server whose namespace ``identity`` holds these objects of apps/v1."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, found = _answer(self.path.partition("?")[0], objects)
            body = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _answer(path: str, objects: tuple[Object, ...]) -> tuple[int, dict[str, Any]]:
    if path == "/version":
        return 200, {"major": "1", "minor": "33", "gitVersion": "v1.33.13"}
    if path == "/api":
        return 200, {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        version = {"groupVersion": "apps/v1", "version": "v1"}
        return 200, {
            "kind": "APIGroupList",
            "groups": [{"name": "apps", "versions": [version], "preferredVersion": version}],
        }
    if path in ("/api/v1", "/apis/apps/v1"):
        kinds = [
            {"name": plural, "kind": kind, "namespaced": True, "verbs": ["get", "list"]}
            for kind, plural in _KINDS.items()
        ]
        group = path.removeprefix("/apis/").removeprefix("/api/")
        return 200, {"kind": "APIResourceList", "groupVersion": group, "resources": kinds if group == "apps/v1" else []}
    for kind, plural in _KINDS.items():
        place = f"/apis/apps/v1/namespaces/identity/{plural}"
        here = [one for one in objects if one["kind"] == kind]
        if path == place:
            return 200, {"kind": f"{kind}List", "apiVersion": "apps/v1", "metadata": {}, "items": here}
        for one in here:
            if path == f"{place}/{one['metadata']['name']}":
                return 200, one
    return 404, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}


def upgraded(url: str, values: str, folder: Path, *options: str) -> tuple[int, str, str]:
    """What an upgrade of the release ``tokens`` would do there: exit code, objects, complaint."""
    config = folder / "kubeconfig"
    named = {"name": "here", "cluster": {"server": url}}
    context = {"name": "here", "context": {"cluster": "here", "user": "nobody"}}
    config.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [named],
                "contexts": [context],
                "current-context": "here",
            }
            | {"users": [{"name": "nobody", "user": {}}]}
        )
    )
    done = helm(
        "template", "tokens", str(CHART), "--namespace", "identity", "--is-upgrade", "--dry-run=server",
        "--kubeconfig", str(config), "-f", str(FILES[values]), *options,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def as_installed(one: Object, *, replicas: int | None = None) -> Object:
    """An object of the chart as Helm leaves it in the cluster."""
    kept = json.loads(json.dumps(one))
    kept["metadata"]["namespace"] = "identity"
    kept["metadata"].setdefault("annotations", {})["meta.helm.sh/release-name"] = "tokens"
    if replicas is not None:
        kept["spec"]["replicas"] = replicas
    assert isinstance(kept, dict)
    return kept
