"""client_secret_jwt (OpenID Connect Core 9): an HMAC with the client's secret, which is kept encrypted."""

from collections.abc import AsyncIterator

import pytest

from service.admin import clients
from service.admin.client_input import ClientInput
from service.admin.errors import InvalidInput
from service.admin.sealed_secrets import reseal_secrets
from service.crypto.sealing import Sealing
from tests.assertions import JWKS, Signer, proof
from tests.world import World, error_of

MASTER, OTHER = "m" * 40, "o" * 40
CRON = {"client_id": "app", "grant_types": ["client_credentials"], "auth_method": "client_secret_jwt"}


@pytest.fixture
async def sealed_world(world: World) -> AsyncIterator[World]:
    """One with a master key."""
    async with world.with_part(sealing=Sealing((MASTER,))) as other:
        yield other


async def ask(world: World, assertion: str) -> tuple[int, str]:
    response = await world.post("/token", {"grant_type": "client_credentials", **proof(assertion)}, None)
    return response.status, "" if response.status == 200 else (await response.json())["error"]


async def create(world: World, secret: str | None = None, **members: object) -> str:
    made = await clients.create_client(world.issuer, ClientInput.read(CRON | members), secret)
    return made.secret or secret or ""


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
async def test_a_client_proves_itself_with_its_secret(sealed_world: World, algorithm: str) -> None:
    """IT-15. The generated secret is long enough for its HMAC (RFC 7518 section 3.2)."""
    secret = await create(sealed_world, token_endpoint_auth_signing_alg=algorithm)
    assertion = Signer(secret, algorithm).sign()
    assert (await ask(sealed_world, assertion))[0] == 200
    assert await ask(sealed_world, assertion) == (401, "invalid_client"), "it counts once"
    assert await ask(sealed_world, Signer("x" * 64, algorithm).sign()) == (401, "invalid_client")
    other = "HS512" if algorithm == "HS256" else "HS256"
    assert await ask(sealed_world, Signer(secret, other).sign()) == (401, "invalid_client"), "the registered one only"


async def test_the_secret_itself_is_no_way_in(sealed_world: World) -> None:
    secret = await create(sealed_world)
    response = await sealed_world.post("/token", {"grant_type": "client_credentials"}, "app", secret)
    assert await error_of(response) == (401, "invalid_client")
    form = {"grant_type": "client_credentials", "client_id": "app", "client_secret": secret}
    assert await error_of(await sealed_world.post("/token", form, None)) == (401, "invalid_client")


async def test_a_key_pair_is_no_way_in(sealed_world: World) -> None:
    """Nor is a public key taken for a secret."""
    await create(sealed_world, jwks=JWKS)
    assert await ask(sealed_world, Signer().sign()) == (401, "invalid_client")


async def test_both_secrets_are_good_while_one_is_replaced(sealed_world: World) -> None:
    old = await create(sealed_world)
    new = (await clients.rotate_secret(sealed_world.issuer, "app", keep_old=True)).secret
    for secret in (old, new):
        assert (await ask(sealed_world, Signer(secret or "", "HS256").sign()))[0] == 200
    await clients.drop_old_secret(sealed_world.issuer, "app")
    sealed_world.issuer.store.clients.forget(["app"])
    assert (await ask(sealed_world, Signer(old, "HS256").sign()))[0] == 401


async def test_redis_holds_no_secret(sealed_world: World) -> None:
    """P5: what can be read again is encrypted, for this client only."""
    secret = await create(sealed_world)
    for node in sealed_world.redis.primaries():
        for key in node.admin.scan_iter("*"):
            assert secret.encode() not in (node.admin.get(key) or b"")
    client = await clients.get_client(sealed_world.issuer, "app")
    with pytest.raises(ValueError, match="another master key"):
        sealed_world.issuer.sealing.unseal_text(client.secrets[0].sealed, client.secrets[0].sealed_under, "other")


async def test_without_the_master_key_nobody_gets_in(sealed_world: World, world: World) -> None:
    """Neither are such clients made, nor do they pass, and the log says why."""
    secret = await create(sealed_world)
    async with world.with_part(sealing=Sealing((OTHER,))) as other:
        assert await ask(other, Signer(secret, "HS256").sign()) == (401, "invalid_client")
    async with world.with_part(sealing=Sealing((OTHER, MASTER))) as rotated:
        assert (await ask(rotated, Signer(secret, "HS256").sign()))[0] == 200, "master keys are rotated"
    with pytest.raises(InvalidInput, match="master_key"):
        await create(world, client_id="second")


@pytest.mark.parametrize(
    ("members", "secret", "told"),
    [
        ({"token_endpoint_auth_signing_alg": "ES256"}, None, "token_endpoint_auth_signing_alg"),
        ({"token_endpoint_auth_signing_alg": "none"}, None, "token_endpoint_auth_signing_alg"),
        ({}, "too-short-for-it", "32 characters"),
        ({"token_endpoint_auth_signing_alg": "HS512"}, "x" * 63, "64 characters"),
        ({"auth_method": "private_key_jwt"}, None, "jwks"),
        ({"auth_method": "private_key_jwt", "jwks": JWKS}, "x" * 64, "has none"),
        ({"auth_method": "private_key_jwt", "jwks": JWKS, "token_endpoint_auth_signing_alg": "HS256"}, None, "HS"),
    ],
)
async def test_what_cannot_be_registered(
    sealed_world: World, members: dict[str, object], secret: str | None, told: str
) -> None:
    with pytest.raises(InvalidInput, match=told):
        await create(sealed_world, secret, **members)


async def test_a_client_that_changes_to_it_needs_a_new_secret(sealed_world: World) -> None:
    """Of its old one only a hash is known."""
    await create(sealed_world, auth_method="client_secret_basic")
    changed = await clients.update_client(sealed_world.issuer, "app", {"auth_method": "client_secret_jwt"})
    assert changed.secrets == ()
    secret = (await clients.rotate_secret(sealed_world.issuer, "app")).secret
    sealed_world.issuer.store.clients.forget(["app"])
    assert (await ask(sealed_world, Signer(secret or "", "HS256").sign()))[0] == 200


async def test_master_keys_are_rotated(sealed_world: World, world: World) -> None:
    """The new one in front, everything encrypted anew, the old one dropped."""
    secret = await create(sealed_world)
    await create(sealed_world, client_id="basic", auth_method="client_secret_basic")
    async with world.with_part(sealing=Sealing((OTHER, MASTER))) as both:
        assert [await reseal_secrets(both.issuer) for _ in range(2)] == [1, 0]
    world.issuer.store.clients.forget(["app"])
    async with world.with_part(sealing=Sealing((OTHER,))) as new:
        assert (await ask(new, Signer(secret, "HS256").sign()))[0] == 200
    async with world.with_part(sealing=Sealing(("z" * 40,))) as wrong:
        with pytest.raises(ValueError, match="another master key"):
            await reseal_secrets(wrong.issuer)


async def test_a_secret_that_is_too_short_for_the_hmac_is_not_compared(sealed_world: World) -> None:
    secret = await create(sealed_world)
    assert (await ask(sealed_world, Signer(secret, "HS256").sign()))[0] == 200
    assert (await ask(sealed_world, Signer(secret, "HS512").sign()))[0] == 401


async def test_what_need_not_be_read_again_is_kept_as_a_hash_only(sealed_world: World) -> None:
    await create(sealed_world)
    changed = await clients.update_client(sealed_world.issuer, "app", {"auth_method": "client_secret_basic"})
    assert [(secret.sealed, bool(secret.hash)) for secret in changed.secrets] == [("", True)]
