"""A Job of the cluster gets a token by its service account: what the chart registers, the Job of docs/how-to/workloads.md."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlencode

import aiohttp
import yaml  # type: ignore[import-untyped]

from tests.as_tested import VARIABLES
from tests.assertions import ISSUER, proof
from tests.helm.chart import Object, the
from tests.redis_shapes import Shape
from tests.server_process import ServerProcess
from tests.workloads import BILLING, CLUSTER, Platform
from tests.world import FORM

ROOT = Path(__file__).parents[2]
MANIFEST = re.findall(r"^```yaml\n(apiVersion: .*?)^```", (ROOT / "docs/how-to/workloads.md").read_text(), re.M | re.S)


def _registering(*options: str) -> Object:
    pod: Object = the("Job", "workloads", *options, component="clients")["spec"]["template"]["spec"]
    return pod


def _run(container: Object, path: Path, redis_url: str) -> None:
    others = {name: value for name, value in os.environ.items() if not name.startswith("MINTMARK_")}
    variables = others | VARIABLES | {"PATH": f"{path}:{others['PATH']}", "MINTMARK_REDIS_URL": redis_url}
    done = subprocess.run(container["command"], env=variables, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


async def test_a_service_account_gets_a_token(redis: Shape, tmp_path: Path) -> None:
    program = tmp_path / "bin" / "mintmark"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m service "$@"\n')
    program.chmod(0o755)
    platform = Platform()
    args = ["--use", "client-authentication", "--jwks", json.dumps(platform.jwks)]
    pod = _registering("--set-json", f"clients.trust={json.dumps([{'issuer': CLUSTER, 'args': args}])}")
    for container in (*pod["initContainers"], *pod["containers"]):
        _run(container, program.parent, redis.url)
    async with ServerProcess(tmp_path, redis_url=redis.url, issuer=ISSUER) as server, aiohttp.ClientSession() as http:
        for account, status in (("billing", 200), ("admin", 401)):
            token = platform.service_account_token(account=account)
            form = {"grant_type": "client_credentials", "client_id": "billing", **proof(token)}
            async with http.post(f"{server.url}/token", data=urlencode(form), headers={"Content-Type": FORM}) as answer:
                assert answer.status == status, await answer.text()


def test_the_documented_job_asks_for_a_token_for_us() -> None:
    (manifest,) = map(yaml.safe_load, MANIFEST)
    pod = manifest["spec"]["template"]["spec"]
    (source,) = pod["volumes"][0]["projected"]["sources"]
    (container,) = pod["containers"]
    script = container["command"][-1]
    assert source["serviceAccountToken"]["audience"] + "/token" in script
    mounted = f"{container['volumeMounts'][0]['mountPath']}/{source['serviceAccountToken']['path']}"
    assert f"client_assertion@{mounted}" in script
    account = f"system:serviceaccount:{manifest['metadata']['namespace']}:{pod['serviceAccountName']}"
    assert account == BILLING
    assert account in json.dumps(_registering()["containers"][0]["command"])
