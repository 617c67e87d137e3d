"""Keys that others encrypt for: made, published, rotated and retired like those that sign, and never one of them."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from joserfc import jwe as joserfc
from joserfc.jwk import ECKey

from service.admin.errors import InvalidInput
from service.admin.keys import list_keys, retire_key, rotate_keys
from service.crypto import key_schedule
from service.crypto.incoming_jwe import decrypt, parse
from service.crypto.keyring import Keyring
from service.crypto.random_blocks import RandomBlocks
from service.protocol.names import KeyManagement, SigningAlgorithm
from service.settings import SettingsError
from service.store.store import make_store
from tests.encrypting import MASTER, decrypting
from tests.redis_shapes import Shape
from tests.world import World, settings_for

ECDH, WRAPPED = KeyManagement.ECDH_ES, KeyManagement.ECDH_ES_A256KW
SIGNING = SigningAlgorithm.ES256


@asynccontextmanager
async def keyring_on(redis: Shape, clock: Callable[[], float] = time.time, **changes: Any) -> AsyncIterator[Keyring]:
    """A keyring as one process has it; EC keys only, which cost nothing to make."""
    usual: dict[str, Any] = {
        "master_key": MASTER,
        "signing_algorithms": (SIGNING,),
        "encryption_algorithms": (ECDH, WRAPPED),
    }
    settings = settings_for(redis.url, **(usual | changes))
    store = make_store(settings)
    keyring = Keyring(settings, store.signing_keys, RandomBlocks(), clock, store.encryption_keys)
    try:
        yield keyring
    finally:
        keyring.close()
        await store.close()


def published(keyring: Keyring, use: str = "enc") -> dict[str, dict[str, Any]]:
    """Public keys for a use, by their algorithm."""
    return {key["alg"]: key for key in json.loads(keyring.jwks().content)["keys"] if key["use"] == use}


def sealed(jwk: dict[str, Any], content: bytes = b"content") -> str:
    """What a client that has seen this key encrypts for it."""
    header = {"alg": jwk["alg"], "enc": "A256GCM", "kid": jwk["kid"]}
    return str(joserfc.encrypt_compact(header, content, ECKey.import_key(jwk), algorithms=[*header.values()]))


async def opened(keyring: Keyring, token: str) -> bytes | None:
    jwe = parse(token, tuple(KeyManagement))
    for key in await keyring.decryption_keys(jwe.algorithm, jwe.kid):
        if (content := decrypt(jwe, key)) is not None:
            return content
    return None


async def test_twenty_processes_that_start_at_once_agree(any_redis: Shape) -> None:
    for _ in range(5):
        any_redis.flush()
        async with AsyncExitStack() as stack:
            keyrings = [await stack.enter_async_context(keyring_on(any_redis)) for _ in range(20)]
            await asyncio.gather(*(keyring.open() for keyring in keyrings))
            assert len({json.dumps(published(keyring), sort_keys=True) for keyring in keyrings}) == 1
            token = sealed(published(keyrings[0])[ECDH])
            assert {await opened(keyring, token) for keyring in keyrings} == {b"content"}


async def test_one_use_one_algorithm_one_key(redis: Shape) -> None:
    """What signs decrypts nothing and the other way round; private parts are sealed."""
    async with keyring_on(redis) as keyring:
        await keyring.open()
        keys = published(keyring)
        assert set(keys) == {"ECDH-ES", "ECDH-ES+A256KW"}
        signs = published(keyring, "sig")[SIGNING.value]
        assert len({key["x"] for key in (*keys.values(), signs)}) == 3
        assert await opened(keyring, sealed({**signs, "alg": "ECDH-ES", "use": "enc"})) is None
        assert await opened(keyring, sealed({**keys["ECDH-ES"], "alg": "ECDH-ES+A256KW"})) is None
        token = keyring.sign(SIGNING, {"sub": "alice"})
        assert await keyring.verify(token) == {"sub": "alice"}
        dump = redis.nodes[0].admin.get("mm:{encryption}:keys")
        assert isinstance(dump, bytes)
        assert b'"d"' not in dump


async def test_a_rotation_loses_nothing(redis: Shape) -> None:
    """By two processes with one clock: the next key is published when both have it; the one before opens for a day more."""
    now = [1_000_000.0]
    options: dict[str, Any] = {"signing_key_lifetime": 10_000, "encryption_algorithms": (ECDH,)}
    async with (
        keyring_on(redis, lambda: now[0], **options) as one,
        keyring_on(redis, lambda: now[0], **options) as two,
    ):
        await one.open()
        await two.open()
        old = published(one)[ECDH]
        now[0] += 10_000 - key_schedule.SETTLING
        await one.look()
        await two.look()
        assert published(one)[ECDH] == old, "the next one waits until every process has read it"
        now[0] += key_schedule.SETTLING
        new = published(two)[ECDH]
        assert new["kid"] != old["kid"]
        assert published(one) == published(two) == {ECDH.value: new}
        for jwk in (old, new):
            assert await opened(one, sealed(jwk)) == await opened(two, sealed(jwk)) == b"content"
        now[0] += key_schedule.LONGEST_TOKEN + key_schedule.SLACK
        await one.look()
        assert await opened(one, sealed(old)) is None, "a cached JWKS is not that old"
        assert await opened(one, sealed(new)) == b"content"
        assert len(redis.nodes[0].admin.get("mm:{encryption}:keys") or b"") < 2000, "and it is forgotten"


async def test_a_key_that_another_process_made_just_now_is_looked_for(redis: Shape) -> None:
    async with keyring_on(redis) as one, keyring_on(redis) as two:
        await one.open()
        await two.open()
        assert one.encryption
        await one.encryption.rotate([ECDH])
        one._clock = lambda: time.time() + 60
        assert await opened(two, sealed(published(one)[ECDH])) == b"content"


async def test_the_master_key_is_replaced_without_new_keys(redis: Shape) -> None:
    async with keyring_on(redis) as keyring:
        await keyring.open()
        token = sealed(published(keyring)[ECDH])
    async with keyring_on(redis, master_key=f"{'n' * 43} {MASTER}") as both:
        await both.open()
        assert await opened(both, token) == b"content"
    async with keyring_on(redis, master_key="n" * 43) as new:
        await new.open()
        assert await opened(new, token) == b"content"


@pytest.fixture
async def world(redis: Shape) -> AsyncIterator[World]:
    async with decrypting(redis, [ECDH, WRAPPED]) as made:
        yield made


async def test_operators_see_rotate_and_retire_them(world: World) -> None:
    """Also where those that sign are in files."""
    issuer = world.issuer
    assert issuer.keyring
    known = [one for one in await list_keys(issuer) if one.key.public["use"] == "enc"]
    assert [(one.key.algorithm, one.state) for one in known] == [("ECDH-ES", "active"), ("ECDH-ES+A256KW", "active")]
    [made] = await rotate_keys(issuer, "ECDH-ES")
    assert (made.key.algorithm, made.state) == ("ECDH-ES", "next")
    for name in ("RS256", "RSA-OAEP", "dir", "x"):
        with pytest.raises(InvalidInput):
            await rotate_keys(issuer, name)
    token = sealed(published(issuer.keyring)[WRAPPED])
    retired = await retire_key(issuer, published(issuer.keyring)[WRAPPED]["kid"])
    assert retired.algorithm == WRAPPED
    assert await opened(issuer.keyring, token) is None
    assert await opened(issuer.keyring, sealed(published(issuer.keyring)[WRAPPED])) == b"content"


def test_without_a_master_key_there_is_nothing_to_seal_them_with() -> None:
    with pytest.raises(SettingsError, match="encryption_algorithms: needs master_key"):
        settings_for("redis://127.0.0.1/", encryption_algorithms=[ECDH])
