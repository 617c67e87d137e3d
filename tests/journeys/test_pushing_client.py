"""openid-client (npm) drives everything at once: PAR + JAR + JARM + DPoP with nonces + private_key_jwt, and encryption."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from joserfc.jwk import ECKey

from service.app import open_issuer
from service.crypto.key_material import algorithm_object
from service.protocol.names import ClientAuthMethod, ContentEncryption, KeyManagement, SigningAlgorithm
from tests.assertions import JWKS, KEYS
from tests.conftest import NODE
from tests.free_ports import free_ports
from tests.patience import PATIENCE
from tests.person import Person
from tests.redis_shapes import Shape
from tests.world import CALLBACK, World, in_process, settings_for

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("node_modules")]

Say = Callable[..., Awaitable[dict[str, Any]]]
EVERYTHING: dict[str, Any] = {
    "master_key": "m" * 43,
    "signing_algorithms": ("ES256",),
    "strict_request_objects": True,
    "require_signed_request_object": True,
    "require_pushed_authorization_requests": True,
    "dpop_nonce_required": True,
}


OWN = ECKey.generate_key("P-256")
"""For which ID tokens are encrypted."""
ENCRYPTED: dict[str, Any] = {
    "id_token_encrypted_response_alg": KeyManagement.ECDH_ES,
    "id_token_encrypted_response_enc": ContentEncryption.A256GCM,
    "request_object_encryption_alg": KeyManagement.RSA_OAEP_256,
    "jwks": {"keys": [*JWKS["keys"], {**OWN.as_dict(private=False), "use": "enc", "kid": "enc"}]},
}


@pytest.fixture(params=[None, KeyManagement.RSA_OAEP_256, KeyManagement.ECDH_ES], ids=["signed", "RSA", "EC"])
def encryption(request: pytest.FixtureRequest) -> KeyManagement | None:
    """By what the client encrypts its requests, if it does."""
    chosen: KeyManagement | None = request.param
    return chosen


@pytest.fixture
async def person(redis: Shape, encryption: KeyManagement | None) -> AsyncIterator[Person]:
    """Who signs in at a service that demands all of it."""
    [port] = free_ports(1)
    further = {"encryption_algorithms": (encryption,)} if encryption else {}
    settings = settings_for(redis.url, issuer=f"http://127.0.0.1:{port}", **EVERYTHING, **further)
    async with open_issuer(settings) as issuer, in_process(issuer, port=port) as http:
        world = World(issuer, http, redis)
        await world.user()
        await world.openid_client(
            auth_method=ClientAuthMethod.PRIVATE_KEY_JWT,
            secrets=(),
            skip_consent=True,
            dpop_bound_access_tokens=True,
            response_types=("code",),
            authorization_signed_response_alg=SigningAlgorithm.ES256,
            id_token_signed_response_alg=SigningAlgorithm.ES256,
            **(ENCRYPTED if encryption else {"jwks": JWKS}),
        )
        yield Person(world)


@pytest.fixture
async def say(person: Person, encryption: KeyManagement | None) -> AsyncIterator[Say]:
    """Has the client do something, and gives what came of it."""
    private = dict(algorithm_object("ES256").to_jwk(KEYS[SigningAlgorithm.ES256], as_dict=True))
    kid = next(key["kid"] for key in JWKS["keys"] if key["alg"] == "ES256")
    key = json.dumps(private | {"alg": "ES256", "kid": kid})
    private_key = [json.dumps(OWN.as_dict(private=True))] if encryption else []
    command = ("node", "pushed_client.js", person.world.issuer.url, "app", key, *private_key)
    pipe = asyncio.subprocess.PIPE
    node = await asyncio.create_subprocess_exec(*command, cwd=NODE, stdin=pipe, stdout=pipe)
    assert node.stdin
    assert node.stdout
    to_node, from_node = node.stdin, node.stdout

    async def said(*what: str) -> dict[str, Any]:
        to_node.write(json.dumps(what).encode() + b"\n")
        answer: dict[str, Any] = json.loads(await asyncio.wait_for(from_node.readline(), PATIENCE))
        return answer

    yield said
    to_node.close()
    await node.wait()


async def _go(person: Person, url: str) -> str:
    """Where the client's user comes back to."""
    shown = await person.get(url.removeprefix(person.world.issuer.url))
    return (await person.log_in(shown)).location if not shown.location else shown.location


async def test_it_gets_tokens_that_are_bound_to_its_key(person: Person, say: Say) -> None:
    url = (await say("ask", CALLBACK, "openid offline_access"))["go"]
    assert set(dict(part.split("=") for part in url.partition("?")[2].split("&"))) == {"client_id", "request_uri"}
    back = await _go(person, url)
    assert back.startswith(f"{CALLBACK}?response=")
    assert await say("finish", back) == {"type": "dpop", "subject": "alice"}
    assert "failed" in await say("finish", back), "a code counts once"


async def test_it_reads_errors_of_both_endpoints(person: Person, say: Say) -> None:
    refused = await say("ask", CALLBACK, "openid everything")
    assert refused["failed"] == "invalid_scope"
    assert (await say("ask", "https://evil.example/", "openid"))["failed"] == "invalid_request"
    shown = await person.get((await say("ask", CALLBACK, "openid"))["go"].removeprefix(person.world.issuer.url))
    denied = (await person.submit(shown, cancel="1")).location
    assert (await say("finish", denied))["failed"] == "access_denied"


async def test_it_takes_no_response_that_was_changed(person: Person, say: Say) -> None:
    back = await _go(person, (await say("ask", CALLBACK, "openid"))["go"])
    head, _, rest = back.partition("?response=")
    parts = rest.split("&")[0].split(".")
    changed = ".".join([parts[0], parts[1], parts[2][:-2] + ("AA" if parts[2][-2:] != "AA" else "BB")])
    assert "failed" in await say("finish", f"{head}?response={changed}")
    assert "failed" in await say("finish", f"{head}?code=x&state=y"), "nor one without a signature"
