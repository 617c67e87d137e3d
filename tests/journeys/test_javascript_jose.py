"""jose (npm): makes assertions that pass, and verifies what Mintmark signs."""

import asyncio
import json
from pathlib import Path

import pytest

from service.app import open_issuer
from service.crypto.key_material import algorithm_object
from service.protocol.names import AccessTokenFormat, ClientAuthMethod, GrantTypeName, SigningAlgorithm
from service.records.client import Client
from tests.assertions import JWKS, KEYS
from tests.conftest import NODE
from tests.patience import PATIENCE
from tests.redis_shapes import Shape
from tests.server_process import ServerProcess
from tests.world import settings_for

pytestmark = pytest.mark.slow

MASTER_KEY = "m" * 43


@pytest.mark.usefixtures("node_modules")
async def test_its_assertions_pass_and_it_verifies_what_we_sign(redis: Shape, tmp_path: Path) -> None:
    """private_key_jwt, the JWT grant, JWT access tokens and signed introspection, against a live server process."""
    private = dict(algorithm_object("ES256").to_jwk(KEYS[SigningAlgorithm.ES256], as_dict=True))
    public = next(key for key in JWKS["keys"] if key["alg"] == "ES256")
    async with open_issuer(settings_for(redis.url, master_key=MASTER_KEY), listen=False) as issuer:
        client = Client(
            "app",
            auth_method=ClientAuthMethod.PRIVATE_KEY_JWT,
            jwks=JWKS,
            may_assert_subjects=True,
            grant_types=("client_credentials", GrantTypeName.JWT_BEARER),
            scopes=("read",),
            default_scope="read",
            audiences=("https://api.example.com",),
            access_token_format=AccessTokenFormat.JWT,
        )
        await issuer.store.clients.save(client, None)
    server = ServerProcess(tmp_path, redis_url=redis.url, master_key=MASTER_KEY)
    server._settings["issuer"] = server.url
    async with server:
        node = await asyncio.create_subprocess_exec(
            "node",
            "jose.js",
            server.url,
            json.dumps(private | {"alg": "ES256", "kid": public["kid"]}),
            cwd=NODE,
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await asyncio.wait_for(node.communicate(), PATIENCE)
    assert json.loads(said) == {"client": "app", "active": True, "subject": "alice"}
