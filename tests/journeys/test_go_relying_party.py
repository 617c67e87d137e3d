"""A relying party in Go on coreos/go-oidc, as Argo CD, kubelogin and the API server of Kubernetes are: groups in ID tokens."""

import asyncio
import json
import os
import shutil
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from service.admin import users
from service.admin.users import UserInput
from service.app import open_issuer
from tests.patience import PATIENCE
from tests.person import Person
from tests.redis_shapes import Shape
from tests.server_process import free_port
from tests.world import CALLBACK, SECRET, World, in_process, settings_for

SOURCE = Path(__file__).parents[1] / "clients" / "go"
SCOPE = "openid profile email groups offline_access"
pytestmark = pytest.mark.slow


async def _built(folder: Path) -> Path:
    go = shutil.which("go", path=f"{os.environ['PATH']}:/usr/local/go/bin")
    if go is None:
        pytest.skip("there is no Go here to build the relying party with: install Go 1.26")
    program = folder / "relying-party"
    build = await asyncio.create_subprocess_exec(go, "build", "-o", str(program), ".", cwd=SOURCE)
    assert await build.wait() == 0
    return program


async def test_it_reads_groups_and_names_in_id_tokens(redis: Shape, tmp_path: Path) -> None:
    program, port = await _built(tmp_path), free_port()
    url = f"http://127.0.0.1:{port}"
    settings = settings_for(redis.url, issuer=url, master_key="m" * 32, signing_algorithms=("ES256",))
    async with open_issuer(settings) as issuer, in_process(issuer, port=port) as http:
        world = World(issuer, http, redis)
        told = ("email", "groups", "preferred_username")
        await world.client(id_token_claims=told, scopes=tuple(SCOPE.split()), default_scope=None)
        claims = {"email": "alice@example.com", "groups": ["admins"]}
        await users.create_user(issuer, UserInput(username="alice", claims=claims), "wonderland")
        argo = await asyncio.create_subprocess_exec(
            str(program),
            url,
            "app",
            SECRET,
            CALLBACK,
            SCOPE,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert argo.stdin
        assert argo.stdout
        async with asyncio.timeout(PATIENCE):
            asked = urlsplit((await argo.stdout.readline()).decode().strip())
            person = Person(world)
            shown = await person.log_in(await person.get(asked.path, **dict(parse_qsl(asked.query))))
            back = await person.agree(shown)
            argo.stdin.write(f"{back.location}\n".encode())
            first = json.loads(await argo.stdout.readline())
            await users.update_user(issuer, "alice", {"groups": ["admins", "dev"]})
            argo.stdin.write(b"\n")
            second = json.loads(await argo.stdout.readline())
            assert await argo.wait() == 0
    assert (first["email"], first["groups"], first["preferred_username"]) == ("alice@example.com", ["admins"], "alice")
    assert second["groups"] == ["admins", "dev"], "as it is now, after a refresh"
