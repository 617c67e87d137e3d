"""Our keys: one set for many processes, encrypted, rotated without anybody noticing; and what is no token of ours."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import jwt
import pytest
from authlib.jose import JsonWebKey
from authlib.jose import jwt as authlib_jwt
from hypothesis import given
from hypothesis import strategies as st

from service.crypto import key_schedule
from service.crypto.key_material import UnusableKeyError, algorithm_object, generate
from service.crypto.keyring import Keyring, half_hash
from service.crypto.random_blocks import RandomBlocks
from service.protocol.names import SigningAlgorithm
from service.store.store import make_store
from tests.forging import hs256
from tests.redis_shapes import Shape
from tests.world import World, settings_for, signing_keys

ES256, EDDSA = SigningAlgorithm.ES256, SigningAlgorithm.EDDSA
MASTER = "m" * 43
CLAIMS = {"iss": "https://mint.example", "sub": "alice", "aud": "app"}


@asynccontextmanager
async def keyring_on(redis: Shape, clock: Callable[[], float] = time.time, **changes: Any) -> AsyncIterator[Keyring]:
    """A keyring as one process has it, on a connection of its own; EC keys only, which cost nothing to make."""
    settings = settings_for(redis.url, **{"master_key": MASTER, "signing_algorithms": (ES256, EDDSA), **changes})
    store = make_store(settings)
    keyring = Keyring(settings, store.signing_keys, RandomBlocks(), clock)
    try:
        yield keyring
    finally:
        keyring.close()
        await store.close()


async def test_twenty_processes_that_start_at_once_agree(any_redis: Shape) -> None:
    """On an empty Redis: each of them makes keys, exactly one set is kept."""
    for _ in range(5):
        any_redis.flush()
        async with _many(any_redis, 20) as keyrings:
            await asyncio.gather(*(keyring.open() for keyring in keyrings))
            seen = {tuple(sorted(known.key.kid for known in keyring.known())) for keyring in keyrings}
            assert len(seen) == 1
            assert len(next(iter(seen))) == 2
            tokens = [keyring.sign(ES256, CLAIMS) for keyring in keyrings]
            for token in tokens:
                assert await keyrings[0].verify(token) == CLAIMS


@asynccontextmanager
async def _many(redis: Shape, count: int) -> AsyncIterator[list[Keyring]]:
    if not count:
        yield []
        return
    async with keyring_on(redis) as one, _many(redis, count - 1) as others:
        yield [one, *others]


@pytest.mark.parametrize("algorithm", list(SigningAlgorithm))
async def test_others_verify_what_we_sign(world: World, algorithm: SigningAlgorithm) -> None:
    """By PyJWT and Authlib, with nothing but the JWK set (IT-09)."""
    keyring = world.issuer.keyring
    assert keyring is not None
    token = keyring.sign(algorithm, CLAIMS)
    jwks = json.loads(keyring.jwks().content)
    header = jwt.get_unverified_header(token)
    key = jwt.PyJWKSet.from_dict(jwks)[header["kid"]].key
    assert jwt.decode(token, key, algorithms=[algorithm.value], audience="app") == CLAIMS
    if algorithm is not EDDSA:  # Authlib's jose has it apart
        assert dict(authlib_jwt.decode(token, JsonWebKey.import_key_set(jwks))) == CLAIMS
    assert await keyring.verify(token) == CLAIMS


async def test_the_jwk_set_holds_public_members_only(world: World) -> None:
    """oidcc-discovery-endpoint-verification: kid on every key, each once, RSA of 2048 bits or more."""
    response = await world.http.get("/jwks")
    keys = (await response.json())["keys"]
    assert response.headers["Cache-Control"] == "public, max-age=300"
    assert len({key["kid"] for key in keys}) == len(keys) == 5
    for key in keys:
        assert not {"d", "p", "q", "dp", "dq", "qi", "k"} & set(key)
        assert (key["use"], key["alg"] in list(SigningAlgorithm)) == ("sig", True)
        if key["kty"] == "RSA":
            assert len(key["n"]) >= 342
    again = await world.http.get("/jwks", headers={"If-None-Match": response.headers["ETag"]})
    assert (again.status, await again.read()) == (304, b"")


async def test_redis_holds_no_private_key(redis: Shape) -> None:
    """P5: what lies there opens under the master key only, and for the kid that it belongs to."""
    async with keyring_on(redis) as keyring:
        await keyring.open()
        (key,) = redis.nodes[0].admin.keys("mm:{signing}*")
        dump = redis.nodes[0].admin.get(key)
        assert isinstance(dump, bytes)
        assert b'"d"' not in dump
        swapped = json.loads(dump)
        one, two = swapped["keys"]
        one["sealed"], two["sealed"] = two["sealed"], one["sealed"]
        redis.nodes[0].admin.set(key, json.dumps(swapped))
    async with keyring_on(redis) as other:
        with pytest.raises(UnusableKeyError):
            await other.open()


async def test_the_master_key_is_replaced_without_new_keys(redis: Shape) -> None:
    async with keyring_on(redis) as keyring:
        await keyring.open()
        token = keyring.sign(ES256, CLAIMS)
    async with keyring_on(redis, master_key="n" * 43) as wrong:
        with pytest.raises(UnusableKeyError, match="another master key"):
            await wrong.open()
    async with keyring_on(redis, master_key=f"{'n' * 43} {MASTER}") as both:
        await both.open()
        assert await both.verify(token) == CLAIMS
    async with keyring_on(redis, master_key="n" * 43) as new:
        await new.open()
        assert await new.verify(token) == CLAIMS


async def test_a_rotation_is_seen_before_it_signs(redis: Shape) -> None:
    """By two processes with one clock in the test's hand: published, then signing, then retired but still published."""
    now = [1_000_000.0]
    options: dict[str, Any] = {"signing_key_lifetime": 10_000, "jwks_lifetime": 300}
    async with (
        keyring_on(redis, lambda: now[0], **options) as one,
        keyring_on(redis, lambda: now[0], **options) as two,
    ):
        await one.open()
        await two.open()
        old = one.sign(ES256, CLAIMS)
        now[0] += 10_000 - 300 - key_schedule.SLACK
        await one.look()
        await two.look()
        cached = jwt.PyJWKSet.from_dict(json.loads(two.jwks().content))
        assert len(cached.keys) == 4
        assert _kid(one.sign(ES256, CLAIMS)) == _kid(old)
        now[0] += 300 + key_schedule.SLACK
        fresh = two.sign(ES256, CLAIMS)
        assert _kid(fresh) != _kid(old)
        assert jwt.decode(fresh, cached[_kid(fresh)].key, algorithms=["ES256"], audience="app") == CLAIMS
        assert await one.verify(fresh) == await two.verify(old) == CLAIMS
        now[0] += key_schedule.LONGEST_TOKEN + key_schedule.SLACK
        await one.look()
        assert _kid(old) not in one.jwks().content.decode()
        assert await one.verify(old) == CLAIMS, "an old hint"


def _kid(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


async def test_a_key_that_another_process_made_just_now_is_looked_for(redis: Shape) -> None:
    async with keyring_on(redis) as one, keyring_on(redis) as two:
        await one.open()
        await two.open()
        await one.signing.rotate([ES256], at_once=True)
        one._clock = lambda: time.time() + 60
        token = one.sign(ES256, CLAIMS)
        assert await two.verify(token) == CLAIMS


async def test_a_retired_key_is_gone_at_once(redis: Shape) -> None:
    async with keyring_on(redis) as keyring:
        await keyring.open()
        token = keyring.sign(ES256, CLAIMS)
        await keyring.signing.retire(_kid(token))
        assert await keyring.verify(token) is None
        assert _kid(token) not in keyring.jwks().content.decode()
        assert await keyring.verify(keyring.sign(ES256, CLAIMS)) == CLAIMS


async def test_rotations_at_once_make_one_key(any_redis: Shape) -> None:
    async with _many(any_redis, 8) as keyrings:
        await asyncio.gather(*(keyring.open() for keyring in keyrings))
        await asyncio.gather(*(keyring.signing.rotate([ES256]) for keyring in keyrings))
        await keyrings[0].look()
        states = [known.state for known in keyrings[0].known() if known.key.algorithm == ES256]
        assert sorted(states) == ["active", "next"]


async def test_keys_of_one_s_own(tmp_path: Any, redis: Shape) -> None:
    """PEM or JWK; Redis has none of it. What cannot be used is told by name."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    pem = tmp_path / "key.pem"
    pem.write_bytes(generate(ES256, 0).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    pem.chmod(0o600)
    files = (pem, signing_keys())
    async with keyring_on(redis, master_key=None, signing_key_files=files) as keyring:
        await keyring.open()
        assert {known.key.algorithm for known in keyring.known()} == set(SigningAlgorithm)
        token = keyring.sign(ES256, CLAIMS)
        assert await keyring.verify(token) == CLAIMS
        assert len(json.loads(keyring.jwks().content)["keys"]) == 6, (
            "the first of a kind signs, the others are published"
        )
    assert not redis.nodes[0].admin.keys("*")
    pem.write_text("nonsense")
    for unusable in (pem, tmp_path / "no-key.pem"):
        async with keyring_on(redis, master_key=None, signing_key_files=(unusable,)) as keyring:
            with pytest.raises(UnusableKeyError, match=r"signing_key_files: .*key\.pem"):
                await keyring.open()


# what is no token of ours


@pytest.mark.parametrize(
    "kind", ["none", "HS256 with the public key", "another key", "no kid", "other kid", "crit", "typ"]
)
async def test_forged_tokens_are_refused(world: World, kind: str) -> None:
    """Algorithm confusion and its kin."""
    keyring = world.issuer.keyring
    assert keyring is not None
    token = keyring.sign(ES256, CLAIMS)
    kid = _kid(token)
    others = generate(ES256, 0)
    public = next(key for key in json.loads(keyring.jwks().content)["keys"] if key["kid"] == kid)
    pem = json.dumps(public)
    forged = {
        "none": lambda: jwt.encode(CLAIMS, None, "none", headers={"kid": kid}),  # type: ignore[arg-type]
        "HS256 with the public key": lambda: hs256(CLAIMS, pem.encode(), kid=kid),
        "another key": lambda: jwt.encode(CLAIMS, others, "ES256", headers={"kid": kid}),
        "no kid": lambda: jwt.encode(CLAIMS, others, "ES256"),
        "other kid": lambda: jwt.encode(CLAIMS, others, "ES256", headers={"kid": "x"}),
        "crit": lambda: jwt.encode(CLAIMS, others, "ES256", headers={"kid": kid, "crit": ["x"]}),
        "typ": lambda: token,
    }[kind]()
    assert await keyring.verify(forged, typ="logout+jwt" if kind == "typ" else "JWT") is None


@pytest.mark.parametrize("text", ["", ".", "..", "...", "a.b.c", "ü.b.c", "e30.e30.e30", "W10.e30.", "x" * 20_000])
async def test_garbage_is_refused(world: World, text: str) -> None:
    keyring = world.issuer.keyring
    assert keyring is not None
    assert await keyring.verify(text) is None


async def test_any_changed_byte_is_refused(world: World) -> None:
    keyring = world.issuer.keyring
    assert keyring is not None
    token = keyring.sign(ES256, CLAIMS)

    for place in range(len(token)):
        for other in ("A", "-", "=", "."):
            changed = token[:place] + other + token[place + 1 :]
            if changed != token:
                assert await keyring.verify(changed) is None, changed


@given(st.sampled_from(list(SigningAlgorithm)), st.text(alphabet=st.characters(codec="ascii"), max_size=80))
def test_half_hashes_have_half_the_length(algorithm: SigningAlgorithm, text: str) -> None:
    """OpenID Connect Core 3.1.3.6."""
    assert len(half_hash(algorithm, text)) == {"ES384": 32, "EdDSA": 43}.get(algorithm.value, 22)


def test_the_example_of_the_standard() -> None:
    """OpenID Connect Core appendix A.3 and A.4."""
    assert half_hash(SigningAlgorithm.RS256, "jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y") == "77QmUPtjPfzWtF2AnpK9RQ"
    code = "Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk"
    assert half_hash(SigningAlgorithm.RS256, code) == "LDktKdoQak3Pk0cnXxCltA"
    assert algorithm_object("RS256")
