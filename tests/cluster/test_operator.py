"""The operator on a real API server, by the rights that the chart gives it, beside a real service."""

import asyncio
import base64
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml  # type: ignore[import-untyped]

from service.declared import API_VERSION
from tests.cluster.api_server import Cluster, api_server, kubeconfig
from tests.free_ports import free_ports
from tests.helm.chart import CHART, objects
from tests.redis_shapes import Shape
from tests.server_process import ServerProcess

TOKEN = "of-the-operator-in-tests-0123456789"
SPEC = {"grant_types": ["client_credentials"], "scopes": ["read"]}
PATIENCE = 90.0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """An API server of its own, for the definitions belong to the whole cluster; nothing else is needed."""
    with api_server(tmp_path_factory.mktemp("operator")) as made:
        for path in sorted((CHART / "files" / "crds").iterdir()):
            made.kubectl("apply", "--server-side", "--filename", str(path))
        made.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
        yield made


class Watched:
    """A namespace, a service, and operators between them."""

    def __init__(self, cluster: Cluster, namespace: str, folder: Path, redis: Shape) -> None:
        self.cluster, self.namespace, self.folder = cluster, namespace, folder
        (self.admin_port,) = free_ports(1)
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
        headers = {"Authorization": f"Bearer {TOKEN}", "If-Match": "*"}
        url = f"http://127.0.0.1:{self.admin_port}/admin/v1{path}"
        async with (
            aiohttp.ClientSession(headers=headers) as http,
            http.request(method, url, json=body or None) as answer,
        ):
            return answer.status, await answer.json(content_type=None)

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
                    await asyncio.wait_for(process.wait(), 30)
                except TimeoutError:
                    process.kill()
                    await process.wait()
            log.close()


@pytest.fixture
async def watched(
    request: pytest.FixtureRequest, cluster: Cluster, tmp_path: Path, redis: Shape
) -> AsyncIterator[Watched]:
    name = request.node.name.replace("_", "-")[:50].strip("-")
    made = Watched(cluster, cluster.namespace(name), tmp_path, redis)
    async with made.server:
        yield made


async def test_life_of_a_client(watched: Watched) -> None:
    async with watched.operating():
        watched.declare("web")
        await watched.until(lambda: watched.is_ready("web"), "it is ready")
        first = watched.secret("web-oauth")
        others = {"client_id": "web", "issuer": "https://id.example.com"}
        assert first == others | {"client_secret": first["client_secret"]}
        assert await watched.takes("web", first["client_secret"])
        assert " ".join(watched.kubectl("get", "oa2c", "--no-headers").split()[:4]) == "web web True Declared"

        watched.declare("web", **SPEC, name="The shop", secret={"name": "web-oauth"})

        async def is_renamed() -> bool:
            return bool((await watched.admin("GET", "/clients/web"))[1]["name"] == "The shop")

        await watched.until(is_renamed, "it has its name")
        await watched.admin("PATCH", "/clients/web", name="Somebody else's")
        await watched.until(is_renamed, "it has its name again")

        watched.kubectl("annotate", "oauth2client", "web", "mintmark.dev/rotate-secret=1")
        await watched.until(lambda: watched.secret("web-oauth") != first, "there is another secret")
        second = watched.secret("web-oauth")["client_secret"]
        await watched.until(lambda: watched.takes("web", second), "it counts")
        assert await watched.takes("web", first["client_secret"]), "the old one counts a while"

        watched.kubectl("delete", "secret", "web-oauth")
        await watched.until(
            lambda: "web-oauth" in watched.kubectl("get", "secret", "--output", "name"), "it comes again"
        )

        watched.kubectl("delete", "oauth2client", "web", "--timeout=60s")
        assert (await watched.admin("GET", "/clients/web"))[0] == 404
    assert {"Created", "Updated", "DriftPutRight", "SecretWritten", "SecretChanged", "Ended"} <= set(watched.reasons())


async def test_other_kinds(watched: Watched) -> None:
    async with watched.operating():
        watched.declare("api", "OAuth2Resource", resource="https://api.example.com", scopes=["read"])
        watched.declare("ci", "TrustedIssuer", issuer="https://ci.example.com", uses=["token-exchange"])
        for kind, name in (("oauth2resource", "api"), ("trustedissuer", "ci")):
            await watched.until(lambda k=kind, n=name: watched.ready(n, k).get("status") == "True", name)
        assert (await watched.admin("GET", "/trusted-issuers"))[1]["trusts"][0]["issuer"] == "https://ci.example.com"
        watched.kubectl("delete", "oauth2resource,trustedissuer", "--all", "--timeout=60s")
        assert (await watched.admin("GET", "/resources"))[1]["resources"] == []


async def test_the_api_server_refuses_what_has_no_meaning(watched: Watched) -> None:
    watched.declare("web")
    for path, told in (
        ('{"spec":{"refresh_grace":301}}', "less than or equal to 300"),
        ('{"spec":{"auth_method":"telepathy"}}', "Unsupported value"),
        ('{"spec":{"client_id":"another"}}', "client_id cannot be changed"),
        ('{"spec":{"redirect_uris":"https://shop.example/cb"}}', "must be of type array"),
    ):
        done = watched.cluster.run(
            "patch", "oauth2client", "web", "--namespace", watched.namespace, "--type=merge", "--patch", path
        )
        assert done.returncode, path
        assert told in done.stderr


async def test_what_it_did_not_make_it_says_and_leaves(watched: Watched) -> None:
    await watched.admin("POST", "/clients", client_id="web", **SPEC)
    async with watched.operating():
        watched.declare("web")
        await watched.until(lambda: watched.ready("web").get("reason") == "DeclaredElsewhere", "it says so")
        watched.kubectl("delete", "oauth2client", "web", "--timeout=60s")
    assert (await watched.admin("GET", "/clients/web"))[0] == 200


async def test_two_operators_make_one_of_each(watched: Watched) -> None:
    """Started together, with objects made, given new secrets and deleted under both."""
    names = [f"web-{number}" for number in range(12)]
    async with watched.operating("first"), watched.operating("second"):
        for name in names:
            watched.declare(name)
        for name in names:
            await watched.until(lambda n=name: watched.is_ready(n), name)
        before = {name: watched.secret(f"{name}-oauth")["client_secret"] for name in names}
        assert all([await watched.takes(name, secret) for name, secret in before.items()])
        watched.kubectl("annotate", "oauth2client", "--all", "mintmark.dev/rotate-secret=1")
        for name in names:
            await watched.until(lambda n=name: watched.secret(f"{n}-oauth")["client_secret"] != before[n], name)
            after = watched.secret(f"{name}-oauth")["client_secret"]
            await watched.until(lambda n=name, s=after: watched.takes(n, s), name)
        assert all([await watched.takes(name, secret) for name, secret in before.items()])
        for name in names:
            _, shown = await watched.admin("GET", f"/clients/{name}")
            assert len(shown["secrets"]) == 2
        watched.kubectl("delete", "oauth2client", "--all", "--timeout=80s")
    assert (await watched.admin("GET", "/clients"))[1]["clients"] == []


async def test_a_restart_finds_what_was_missed_and_touches_nothing_else(watched: Watched) -> None:
    async with watched.operating():
        watched.declare("web")
        watched.declare("going")
        await watched.until(lambda: watched.is_ready("web"), "it is ready")
        await watched.until(lambda: watched.is_ready("going"), "it is ready")
    watched.kubectl("delete", "oauth2client", "going", "--wait=false")
    watched.declare("new")
    seen = json.loads(watched.kubectl("get", "oauth2client", "web", "--output", "json"))
    async with watched.operating("again"):
        await watched.until(lambda: watched.is_ready("new"), "what came is there")
        watched.kubectl("wait", "--for=delete", "oauth2client/going", "--timeout=60s")
        await asyncio.sleep(5)  # some looks
    assert json.loads(watched.kubectl("get", "oauth2client", "web", "--output", "json")) == seen
    assert (await watched.admin("GET", "/clients/going"))[0] == 404


async def test_an_object_is_not_stuck_where_the_service_is_away(watched: Watched) -> None:
    async with watched.operating():
        watched.declare("web")
        await watched.until(lambda: watched.is_ready("web"), "it is ready")
        await watched.server.stop()
        watched.kubectl("delete", "oauth2client", "web", "--wait=false")
        await watched.until(lambda: "CannotEnd" in watched.reasons(), "it says why")
        await watched.until(lambda: watched.ready("web").get("reason") == "CannotEnd", "its condition does, too")
        watched.kubectl("annotate", "oauth2client", "web", "mintmark.dev/abandon=true")
        watched.kubectl("wait", "--for=delete", "oauth2client/web", "--timeout=80s")
    await watched.server.start()
    assert (await watched.admin("GET", "/clients/web"))[0] == 200


async def test_namespaces_are_chosen_by_label_also_later(watched: Watched) -> None:
    """One without the label is another operator's: not even a finalizer of ours is on its objects."""
    rights = watched.rights_everywhere()
    watched.declare("web")
    async with watched.operating(watching=("--namespace-label", "team=shop"), rights=rights):
        await asyncio.sleep(6)
        untouched = json.loads(watched.kubectl("get", "oauth2client", "web", "--output", "json"))
        assert "status" not in untouched
        assert "finalizers" not in untouched["metadata"]
        watched.cluster.kubectl("label", "namespace", watched.namespace, "team=shop")
        await watched.until(lambda: watched.is_ready("web"), "it is ready")
        watched.kubectl("delete", "oauth2client", "web", "--timeout=60s")


async def test_a_namespace_without_rights_is_left_out_until_there_are_some(watched: Watched) -> None:
    other = watched.cluster.namespace(f"{watched.namespace[:40]}-other")
    made = {"apiVersion": API_VERSION, "kind": "OAuth2Client", "metadata": {"name": "late", "namespace": other}}
    watched.cluster.apply(made | {"spec": SPEC | {"secret": {"name": "late-oauth"}}})
    watched.declare("web")
    async with watched.operating(watching=("--namespace", other, "--namespace", watched.namespace)):
        await watched.until(lambda: watched.is_ready("web"), "the others go on")
        assert "namespace_forbidden" in (watched.folder / "operator.log").read_text()
        for one in objects("operator", "--set", f"operator.namespaces={{{other}}}"):
            if one["kind"] in ("Role", "RoleBinding"):
                for subject in one.get("subjects", []):
                    subject["namespace"] = watched.namespace
                watched.cluster.apply(one)
        shown = ("get", "oauth2client", "--namespace", other, "--no-headers")
        await watched.until(lambda: "Declared" in watched.cluster.kubectl(*shown), "it counts, too")


async def test_many_objects_are_looked_at_and_not_written(watched: Watched) -> None:
    """What does not change is not written, or each look would be an event for everybody who watches."""
    many = [
        {
            "apiVersion": API_VERSION,
            "kind": "OAuth2Client",
            "metadata": {"name": f"web-{number}"},
            "spec": SPEC | {"auth_method": "none", "grant_types": ["authorization_code"], "redirect_uris": ["app:/cb"]},
        }
        for number in range(150)
    ]
    watched.kubectl("create", "--filename", "-", stdin=yaml.safe_dump_all(many))

    def ready() -> list[str]:
        told = "jsonpath={range .items[*]}{.status.conditions[0].status} {end}"
        return watched.kubectl("get", "oauth2client", "--output", told).split()

    async with watched.operating(resync=4):
        await watched.until(lambda: ready() == ["True"] * len(many), "all are ready")

        async def is_left_alone() -> bool:
            """For two looks at each."""
            before = watched.cluster.get("oauth2client", "--namespace", watched.namespace)
            await asyncio.sleep(9)
            return watched.cluster.get("oauth2client", "--namespace", watched.namespace) == before

        await watched.until(is_left_alone, "nothing is written any more")
