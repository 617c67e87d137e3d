"""The service starts from exactly what the chart mounts, and the Job's script registers clients, on a real Redis."""

import asyncio
import base64
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr
from redis import Redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from service.dev.embedded_redis import find_redis_server
from service.redis.address import parse
from service.settings import load
from tests.as_tested import VARIABLES
from tests.helm.chart import ALL, ROOT, Object, of_kind, settings, the
from tests.redis_shapes import Shape
from tests.server_process import ServerProcess, free_port
from tests.world import basic

MASTER_KEY = "0123456789abcdef0123456789abcdef"


class Pod:
    """The files that a pod of the chart would see, in a folder; and its variables, which then point there."""

    def __init__(self, folder: Path, template: Object, config: str, secrets: dict[str, str]) -> None:
        self.folder = folder
        for path, content in {"/etc/mintmark/mintmark.yaml": config, **secrets}.items():
            place = folder / path.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(content)
        container = template["spec"]["containers"][0]
        self.variables = {
            one["name"]: str(folder) + one["value"] if one["value"].startswith("/") else one["value"]
            for one in container["env"]
            if "value" in one
        }


def _config(values: str, *options: str) -> str:
    (found,) = (one for one in of_kind("ConfigMap", values, *options) if "mintmark.yaml" in one["data"])
    return str(found["data"]["mintmark.yaml"])


def _secret_files(template: Object) -> set[str]:
    """Where the pod's Secrets are, key by key, as far as the chart itself says which."""
    found = set()
    for volume in template["spec"]["volumes"]:
        for source in volume.get("projected", {}).get("sources", []):
            found |= {f"/run/mintmark/{volume['name']}/{item['path']}" for item in source["secret"].get("items", [])}
        for item in volume.get("secret", {}).get("items", []):
            found.add(f"/run/mintmark/{volume['name']}/{item['path']}")
    return found


@pytest.mark.parametrize("values", ALL)
def test_the_service_reads_every_setting_that_the_chart_mounts(
    values: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    template = the("Deployment", values)["spec"]["template"]
    # A Secret that exists has what its owner put there; one of these is what most have.
    files = dict.fromkeys(_secret_files(template), "of-a-secret") | {"/run/mintmark/secrets/master_key": MASTER_KEY}
    files |= {"/run/mintmark/secrets/pairwise_salt": "a-salt-of-16-characters"} if values == "platform" else {}
    files |= {"/run/mintmark/secrets/admin_tokens": f'{{"ci": "{MASTER_KEY}"}}'}
    pod = Pod(tmp_path, template, _config(values), files)
    for name in [name for name in os.environ if name.startswith("MINTMARK_")]:
        monkeypatch.delenv(name)
    for name, value in pod.variables.items():
        monkeypatch.setenv(name, value)
    read = load()
    for name, value in settings(values).items():
        assert _comparable(getattr(read, name)) == value or name in ("resource_tokens", "workers")
    parse(read)
    for password, name in (
        (read.redis_password, "redis_password"),
        (read.redis_sentinel_password, "redis_sentinel_password"),
    ):
        assert _password(password) == files.get(f"/run/mintmark/secrets/{name}")
    public = (read.tls_certificate_file, read.tls_key_file, read.client_ca_file)
    for certificate in (read.redis_ca_file, read.redis_certificate_file, read.redis_key_file, *public):
        assert certificate is None or str(certificate) in files


def _comparable(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_comparable(one) for one in value]
    if isinstance(value, dict):
        return {name: _comparable(one) for name, one in value.items()}
    return str(value) if isinstance(value, Path) else value


def _password(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None


async def test_a_server_starts_from_what_is_mounted(redis: Shape, tmp_path: Path) -> None:
    node = redis.nodes[0]
    options = [f"redis.hosts={{{node.host}:{node.port}}}", "redis.bundled.enabled=false"]
    options += ["settings.issuer=http://127.0.0.1:8080", f"secrets.values.master_key={MASTER_KEY}"]
    chosen = [word for option in options for word in ("--set", option)]
    template = the("Deployment", "bundled", *chosen)["spec"]["template"]
    secret = {
        f"/run/mintmark/secrets/{name}": base64.b64decode(value).decode()
        for name, value in the("Secret", "bundled", *chosen)["data"].items()
    }
    pod = Pod(tmp_path, template, _config("bundled", *chosen), secret)
    ours = {name: value for name, value in pod.variables.items() if name.startswith("MINTMARK_")}
    variables = {name.removeprefix("MINTMARK_").lower(): value for name, value in ours.items()}
    # The command of the container is the image's, its argument the chart's: the same as here.
    assert template["spec"]["containers"][0]["args"] == ["serve"]
    variables["admin_port"] = str(free_port())
    operators = f"http://127.0.0.1:{variables['admin_port']}"
    async with (
        ServerProcess(tmp_path, **variables) as server,
        aiohttp.ClientSession(server.url) as http,
        aiohttp.ClientSession(operators) as admin,
    ):
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            asked = template["spec"]["containers"][0][probe]["httpGet"]["path"]
            async with admin.get(asked) as answer:
                assert answer.status == 200
        async with admin.get("/metrics") as answer:
            assert "mintmark_build_info" in await answer.text()
        async with http.get("/metrics") as answer:
            assert answer.status == 404
        async with http.get("/.well-known/openid-configuration") as answer:
            assert (await answer.json())["issuer"] == "http://127.0.0.1:8080"


@pytest.fixture
def mintmark_on_path(tmp_path: Path) -> Path:
    """A folder with a ``mintmark`` like that of the image."""
    program = tmp_path / "bin" / "mintmark"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m service "$@"\n')
    program.chmod(0o755)
    return program.parent


class ClientsJob:
    """The Job's containers, run one after the other as processes."""

    def __init__(self, folder: Path, path: Path, redis_url: str, secret: str) -> None:
        self.containers = the("Job", "clients", component="clients")["spec"]["template"]["spec"]["containers"]
        self._folder = folder
        self._secret = folder / "client-secret"
        self._secret.write_text(secret)
        others = {name: value for name, value in os.environ.items() if not name.startswith("MINTMARK_")}
        self.variables = {
            **others,
            **VARIABLES,
            "PATH": f"{path}:{os.environ['PATH']}",
            "MINTMARK_REDIS_URL": redis_url,
        }

    def run(self) -> list[subprocess.CompletedProcess[str]]:
        """Run each container's command with the mounted secret where it lies here."""
        return [self.run_command(container["command"]) for container in self.containers]

    def run_command(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        here = [str(self._secret) if word == "/run/mintmark/client/secret" else word for word in command]
        return subprocess.run(
            here,
            env=self.variables,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    def mintmark(self, *arguments: str) -> str:
        done = self.run_command(["mintmark", *arguments])
        assert done.returncode == 0, done.stderr
        return done.stdout


def test_the_job_registers_clients_once_and_tells_no_secret(
    redis: Shape, tmp_path: Path, mintmark_on_path: Path
) -> None:
    secret = "a-secret-that-somebody-keeps-elsewhere"
    job = ClientsJob(tmp_path, mintmark_on_path, redis.url, secret + "\n")
    for turn in ("is registered.", "is there already, and stays as it is."):
        for client_id, done in zip(("billing", "app"), job.run(), strict=True):
            assert done.returncode == 0, done.stderr
            # Nothing but this: what `client create` prints can hold a secret, and a Job's output is kept in logs.
            assert done.stdout == f"Client {client_id} {turn}\n"
            assert secret not in done.stderr
    shown = job.mintmark("client", "show", "billing", "--json")
    assert '''"name":"It's $HOME; \\"quoted\\""''' in shown
    assert '"scopes":["read","write"]' in shown
    assert '"auth_method":"none"' in job.mintmark("client", "show", "app", "--json")


async def test_the_secret_from_the_existing_secret_is_the_client_s(
    redis: Shape, tmp_path: Path, mintmark_on_path: Path
) -> None:
    job = ClientsJob(tmp_path, mintmark_on_path, redis.url, "kept-elsewhere\n")
    assert [done.returncode for done in job.run()] == [0, 0]
    async with (
        ServerProcess(tmp_path, redis_url=redis.url) as server,
        aiohttp.ClientSession(server.url) as http,
        http.post(
            "/token", headers=basic("billing", "kept-elsewhere"), data={"grant_type": "client_credentials"}
        ) as answer,
    ):
        assert answer.status == 200


def test_a_missing_secret_stops_its_own_client_only(redis: Shape, tmp_path: Path, mintmark_on_path: Path) -> None:
    job = ClientsJob(tmp_path, mintmark_on_path, redis.url, "")
    (tmp_path / "client-secret").unlink()
    billing, app = job.run()
    assert (billing.returncode, app.returncode) == (1, 0)
    assert billing.stderr == (
        "Client billing is not registered: there is no Secret billing with the key client-secret in this namespace.\n"
    )
    template = the("Job", "clients", component="clients")["spec"]["template"]["spec"]
    mounted = {
        volume["name"]: volume["secret"] for volume in template["volumes"] if volume["name"].startswith("client-")
    }
    assert all(secret["optional"] for secret in mounted.values())
    assert {one["terminationMessagePolicy"] for one in template["containers"]} == {"FallbackToLogsOnError"}


async def test_helm_test_follows_a_token_through_its_life(redis: Shape, tmp_path: Path, mintmark_on_path: Path) -> None:
    (container,) = the("Job", "bundled", component="test")["spec"]["template"]["spec"]["containers"]
    *command, asked = container["command"]
    assert asked == "http://tokens-mintmark:80"
    async with ServerProcess(tmp_path, redis_url=redis.url) as server:
        job = ClientsJob(tmp_path, mintmark_on_path, redis.url, "")
        done = await asyncio.to_thread(job.run_command, [sys.executable, *command[1:], server.url])
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == f"{server.url}: a token was issued, introspected and revoked.\n"
        assert "helm-test-" not in job.mintmark("client", "list", "--json")
    gone = await asyncio.to_thread(job.run_command, [sys.executable, *command[1:], server.url])
    assert gone.returncode == 1
    assert "test.url" in gone.stderr


def test_the_job_tries_again_where_redis_is_away(tmp_path: Path, mintmark_on_path: Path) -> None:
    """It must not take "cannot look" for "is not there"."""
    job = ClientsJob(tmp_path, mintmark_on_path, f"redis://127.0.0.1:{free_port()}/0", "secret")
    for done in job.run():
        assert done.returncode == 3
        assert "Redis cannot be reached" in done.stderr


def test_a_fault_in_the_arguments_fails_the_job(redis: Shape, tmp_path: Path, mintmark_on_path: Path) -> None:
    job = ClientsJob(tmp_path, mintmark_on_path, redis.url, "secret")
    (first, *_) = job.containers
    job.containers = [{"command": [*first["command"], "--no-such-option"]}]
    assert [done.returncode for done in job.run()] == [2]


def test_the_bundled_redis_takes_its_arguments(tmp_path: Path) -> None:
    """Valkey's are those of Redis; a server that is here reads them and is asked what it made of them."""
    (container,) = the("StatefulSet", "bundled", component="redis")["spec"]["template"]["spec"]["containers"]
    program, *arguments = container["args"]
    assert program == "valkey-server"
    port = str(free_port())
    here = {"6379": port, "/data": str(tmp_path)}
    server = subprocess.Popen([str(find_redis_server()), *(here.get(word, word) for word in arguments)])
    try:
        asked = Redis(port=int(port), retry=Retry(ConstantBackoff(0.05), 100))
        assert asked.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert asked.config_get("appendonly") == {"appendonly": "yes"}
        assert asked.config_get("protected-mode") == {"protected-mode": "no"}
        asked.close()
    finally:
        server.terminate()
        server.wait(10)
