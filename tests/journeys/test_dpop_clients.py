"""openid-client and oauth4webapi (npm) bind their tokens by DPoP: against a live server process, with nonces and without."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from service.app import open_issuer
from service.crypto.passwords import hash_generated
from service.protocol.names import ClientAuthMethod
from service.records.client import Client, ClientSecret
from service.records.user import User
from tests.conftest import NODE
from tests.patience import PATIENCE
from tests.person import Person
from tests.redis_shapes import Shape
from tests.server_process import ServerProcess
from tests.world import CALLBACK, SECRET, VERIFIER, World, in_process, settings_for

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("node_modules")]

MASTER_KEY = "m" * 43
NONCES = pytest.mark.parametrize("nonces", [False, True], ids=["without nonces", "with nonces"])


async def register(world: World) -> None:
    """A public client that has to bind its tokens, a resource server, and a person."""
    clients = world.issuer.store.clients
    public = Client(
        "phone",
        auth_method=ClientAuthMethod.NONE,
        grant_types=("authorization_code", "refresh_token"),
        redirect_uris=(CALLBACK,),
        scopes=("openid",),
        dpop_bound_access_tokens=True,
    )
    await clients.save(public, None)
    await clients.save(Client("api", secrets=(ClientSecret(hash_generated(SECRET)),), introspect=True), None)
    hashed = await world.issuer.hashing.hash("wonderland")
    await world.issuer.store.users.save(User("alice", "alice", hashed), None)


@NONCES
async def test_openid_client(redis: Shape, tmp_path: Path, nonces: bool) -> None:
    """Code flow with PKCE, UserInfo, refresh; what somebody steals is refused."""
    server = ServerProcess(tmp_path, redis_url=redis.url, master_key=MASTER_KEY, dpop_nonce_required=nonces)
    server._settings["issuer"] = server.url
    settings = settings_for(redis.url, master_key=MASTER_KEY, issuer=server.url)
    async with open_issuer(settings, listen=False) as issuer, in_process(issuer) as http, server:
        world = World(issuer, http, redis)
        await register(world)
        location = (await Person(world).sign_in("phone")).location.replace(
            "127.0.0.1%3A8080", server.url[7:].replace(":", "%3A")
        )
        node = await asyncio.create_subprocess_exec(
            "node", "dpop.js", server.url, "phone", location, VERIFIER, cwd=NODE, stdout=asyncio.subprocess.PIPE
        )
        said, _ = await asyncio.wait_for(node.communicate(), PATIENCE)
    told: dict[str, Any] = json.loads(said)
    assert (told["type"], told["sub"], told["again"]) == ("dpop", "alice", "alice")
    assert told["stolen"] == ["invalid_token", "invalid_token", "invalid_dpop_proof", "invalid_grant"]


@NONCES
async def test_oauth4webapi_pushes_a_request_that_binds_the_code(redis: Shape, tmp_path: Path, nonces: bool) -> None:
    """RFC 9449 section 10.1: the proof of the pushed request is the key of the code."""
    server = ServerProcess(tmp_path, redis_url=redis.url, master_key=MASTER_KEY, dpop_nonce_required=nonces)
    server._settings["issuer"] = server.url
    settings = settings_for(redis.url, master_key=MASTER_KEY, issuer=server.url)
    async with open_issuer(settings, listen=False) as issuer, in_process(issuer) as http, server:
        world = World(issuer, http, redis)
        await register(world)
        pipe = asyncio.subprocess.PIPE
        command = ("node", "dpop_par.js", server.url, "phone", CALLBACK)
        node = await asyncio.create_subprocess_exec(*command, cwd=NODE, stdin=pipe, stdout=pipe)
        assert node.stdout
        assert node.stdin
        pushed = json.loads(await asyncio.wait_for(node.stdout.readline(), PATIENCE))
        person = Person(world)
        shown = await person.log_in(
            await person.get("/authorize", client_id="phone", request_uri=pushed["request_uri"])
        )
        location = (await person.agree(shown)).location
        said, _ = await asyncio.wait_for(node.communicate(f"{location}\n".encode()), PATIENCE)
    told = json.loads(said)
    assert (told["type"], told["sub"]) == ("dpop", "alice")
