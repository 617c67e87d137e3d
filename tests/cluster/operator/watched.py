"""A namespace, a service, and operators between them."""

import asyncio
import base64
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import yaml  # type: ignore[import-untyped]

from service.declared import API_VERSION
from tests.cluster.api_server import Cluster, api_server, kubeconfig
from tests.free_ports import free_ports
from tests.helm.chart import CHART, objects
from tests.observe.exposition import samples
from tests.redis_shapes import Shape
from tests.server_process import ServerProcess

TOKEN = "of-the-operator-in-tests-0123456789"
SPEC = {"grant_types": ["client_credentials"], "scopes": ["read"]}
PATIENCE = 90.0


@contextmanager
def declaring(folder: Path) -> Iterator[Cluster]:
    """An API server that knows our kinds; nothing else is needed."""
    with api_server(folder) as made:
        define(made)
        yield made


def define(cluster: Cluster) -> None:
    """Let the cluster know our kinds."""
    for path in sorted((CHART / "files" / "crds").iterdir()):
        cluster.kubectl("apply", "--server-side", "--filename", str(path))
    cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")


class Watched:
    """A namespace, a service, and operators between them."""

    def __init__(self, cluster: Cluster, namespace: str, folder: Path, redis: Shape) -> None:
        self.cluster, self.namespace, self.folder = cluster, namespace, folder
        self.admin_port, self.health_port = free_ports(2)
        tokens = json.dumps({"operator": TOKEN})
        self.server = ServerProcess(folder, redis_url=redis.url, admin_port=self.admin_port, admin_tokens=tokens)
        self.rights = self._account()

    def _account(self) -> Path:
        """A kubeconfig with the account and the rights that the chart makes."""
        options = ("--set", f"operator.namespaces={{{self.namespace}}}")
        for one in objects("operator", *options):
            is_ours = one["metadata"]["labels"]["app.kubernetes.io/component"] == "operator"
            if is_ours and one["kind"] in ("Role", "RoleBinding", "ServiceAccount"):
                one["metadata"]["namespace"] = self.namespace
                for subject in one.get("subjects", []):
                    subject["namespace"] = self.namespace
                self.cluster.apply(one)
        token = self.kubectl("create", "token", "tokens-mintmark-operator").strip()
        path = self.folder / "operator.kubeconfig"
        path.write_text(kubeconfig(self.cluster, token))
        return path

    def rights_everywhere(self) -> Path:
        """A kubeconfig with the same account and the ClusterRole of the chart."""
        options = ("--set", "operator.namespaces=null,operator.allNamespaces=true,operator.namespaceLabels.team=shop")
        for one in objects("operator", *options):
            if one["kind"] in ("ClusterRole", "ClusterRoleBinding"):
                for subject in one.get("subjects", []):
                    subject["namespace"] = self.namespace
                self.cluster.apply(one)
        return self.rights

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        return self.cluster.kubectl("--namespace", self.namespace, *arguments, stdin=stdin)

    def declare(self, named: str, kind: str = "OAuth2Client", /, **spec: Any) -> None:
        spec = spec or SPEC | {"secret": {"name": f"{named}-oauth"}}
        made = {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": named}, "spec": spec}
        self.kubectl("apply", "--filename", "-", stdin=yaml.safe_dump(made))

    def ready(self, name: str, kind: str = "oauth2client") -> dict[str, Any]:
        """The condition, empty where there is none."""
        found = json.loads(self.kubectl("get", kind, name, "--output", "json"))
        return next(iter(found.get("status", {}).get("conditions", [])), {})

    def secret(self, name: str) -> dict[str, str]:
        data = json.loads(self.kubectl("get", "secret", name, "--output", "json"))["data"]
        return {key: base64.b64decode(one).decode() for key, one in data.items()}

    def reasons(self) -> list[str]:
        return [event["reason"] for event in self.cluster.get("events", "--namespace", self.namespace)]

    async def until(self, is_so: Callable[[], Any] | Callable[[], Awaitable[Any]], what: str) -> None:
        """Wait for it."""
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    found: Any = is_so()
                    if await found if isinstance(found, Awaitable) else found:
                        return
                    await asyncio.sleep(0.3)
        except TimeoutError as error:
            raise AssertionError(f"not within {PATIENCE} s: {what}") from error

    async def is_ready(self, name: str) -> bool:
        return self.ready(name).get("status") == "True"

    async def takes(self, client_id: str, secret: str) -> bool:
        """Whether the service gives a token for it."""
        auth = aiohttp.encode_basic_auth(client_id, secret)
        form = {"grant_type": "client_credentials"}
        async with (
            aiohttp.ClientSession(headers={"Authorization": auth}) as http,
            http.post(f"{self.server.url}/token", data=form) as answer,
        ):
            return answer.status == 200

    async def admin(self, method: str, path: str, **body: Any) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {TOKEN}"} | ({"If-Match": "*"} if method == "PATCH" else {})
        url = f"http://127.0.0.1:{self.admin_port}/admin/v1{path}"
        async with (
            aiohttp.ClientSession(headers=headers) as http,
            http.request(method, url, json=body or None) as answer,
        ):
            return answer.status, await answer.json(content_type=None)

    async def ready_text(self) -> str:
        """Why the operator is not ready; "" where it is."""
        try:
            async with aiohttp.ClientSession() as http, http.get(f"{self._health}/readyz") as answer:
                found = await answer.json()
                return "" if answer.status == 200 else f"{found['status']}: {found['reason']}"
        except aiohttp.ClientError:
            return "it does not answer yet"

    async def is_operator_ready(self) -> bool:
        return await self.ready_text() == ""

    async def metric(self, name: str, **labels: str) -> float:
        """A number of the operator's."""
        (found,) = await self.metrics(name, **labels)
        return found

    async def metrics(self, name: str, **labels: str) -> list[float]:
        """Its numbers of this name with these labels."""
        async with aiohttp.ClientSession() as http, http.get(f"{self._health}/metrics") as answer:
            return samples(await answer.text(), name, **labels)

    @property
    def _health(self) -> str:
        return f"http://127.0.0.1:{self.health_port}"

    def events(self, name: str) -> list[dict[str, Any]]:
        """Lines of the operator's log with this event."""
        lines = (self.folder / "operator.log").read_text().splitlines()
        return [found for line in lines if line.startswith("{") and (found := json.loads(line))["event"] == name]

    @asynccontextmanager
    async def operating(
        self, name: str = "operator", resync: int = 3, watching: tuple[str, ...] = (), rights: Path | None = None
    ) -> AsyncIterator[asyncio.subprocess.Process]:
        """An operator, by default for the namespace alone and by the rights of that."""
        log = (self.folder / f"{name}.log").open("ab")
        token = self.folder / "token"
        token.write_text(TOKEN)
        command = [sys.executable, "-m", "service", "--url", f"http://127.0.0.1:{self.admin_port}"]
        command += ["--token-file", str(token), "operator", "--resync", str(resync)]
        command += [*(watching or ("--namespace", self.namespace)), "--issuer", "https://id.example.com"]
        command += ["--health-port", str(self.health_port)] if name == "operator" else []
        process = await asyncio.create_subprocess_exec(
            *command,
            env={"KUBECONFIG": str(rights or self.rights), "PATH": "/usr/bin:/bin"},
            stdout=log,
            stderr=log,
        )
        try:
            yield process
            assert process.returncode is None, log.name
        finally:
            if process.returncode is None:
                process.terminate()
                try:
                    assert await asyncio.wait_for(process.wait(), 60) == 0, f"SIGTERM ends it well: {log.name}"
                except TimeoutError:
                    process.kill()
                    raise
            log.close()
