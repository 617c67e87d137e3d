"""A client that encrypts objects for us, by joserfc."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from joserfc import jwe
from joserfc.jwk import ECKey, OctKey, RSAKey

from service.app import open_issuer
from service.crypto.incoming_jwe import symmetric_key
from service.protocol.names import ContentEncryption, KeyManagement
from tests.redis_shapes import Shape
from tests.world import SECRET, World, in_process, settings_for, signing_keys

MASTER = "m" * 43


@asynccontextmanager
async def decrypting(
    redis: Shape, algorithms: Sequence[KeyManagement] = tuple(KeyManagement), **changes: Any
) -> AsyncIterator[World]:
    """Yield a service that accepts encrypted objects. It signs with the keys of the other tests, which need not be made."""
    keys = {"master_key": MASTER, "signing_key_files": (signing_keys(),), "encryption_algorithms": algorithms}
    async with open_issuer(settings_for(redis.url, **keys, **changes)) as issuer, in_process(issuer) as http:
        yield World(issuer, http, redis)


async def published(world: World, algorithm: KeyManagement) -> dict[str, Any]:
    """Return our published public key for an algorithm."""
    keys = (await (await world.http.get("/jwks")).json())["keys"]
    (found,) = (key for key in keys if key["alg"] == algorithm.value)
    assert found["use"] == "enc"
    return dict(found)


async def encrypted(
    world: World,
    content: str,
    algorithm: KeyManagement = KeyManagement.ECDH_ES,
    encryption: ContentEncryption = ContentEncryption.A256GCM,
    secret: str = SECRET,
    **header: object,
) -> str:
    """Return a JWE for our key, or with the client's secret."""
    whole: dict[str, Any] = {"alg": algorithm.value, "enc": encryption.value, "cty": "JWT", **header}
    key: Any
    if algorithm.is_symmetric:
        key = OctKey.import_key(symmetric_key(secret, algorithm, encryption))
    else:
        jwk = await published(world, algorithm)
        whole = {"kid": jwk["kid"], **whole}
        key = (RSAKey if algorithm.is_rsa else ECKey).import_key(jwk)
    whole = {name: value for name, value in whole.items() if value is not None}
    return str(jwe.encrypt_compact(whole, content.encode(), key, algorithms=[*KeyManagement, *ContentEncryption]))
