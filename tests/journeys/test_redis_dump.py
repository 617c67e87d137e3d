"""What somebody who reads Redis gets: nothing that works (P5); and nothing that stays (P4)."""

import asyncio
import re
from inspect import signature
from typing import Any

import pytest

from docs.generate.redis_keys import KEPT
from service.protocol import credentials
from service.store.keys import Keys
from tests.devices import begun, device_client, enter
from tests.pages import Page
from tests.patience import PATIENCE
from tests.person import Person, usual_request
from tests.world import SECRET, VERIFIER, World

_TYPES = {"string": "string", "zset": "sorted set", "hash": "hash", "set": "set", "stream": "stream"}
_WORD = re.compile(rb"[\x21-\x7e]{8,}")


async def _journey(world: World) -> list[str]:
    """Every kind of credential, made and used; the ones that were made."""
    client = await world.client(refresh_absolute_lifetime=0, refresh_idle_lifetime=0)
    await world.user()
    code, unused_code = await world.code(client, verifier=VERIFIER), await world.code(client)
    tokens = await (await world.redeem(code, code_verifier=VERIFIER)).json()
    refreshed = await (await world.refresh(tokens["refresh_token"])).json()
    mine = await (await world.token(grant_type="client_credentials")).json()
    theirs = await (await world.token(grant_type="password", username="alice", password="wonderland")).json()
    made = [code, unused_code, SECRET, "wonderland"]
    for response in (tokens, refreshed, mine, theirs):
        made += [response[name] for name in ("access_token", "refresh_token") if name in response]
    assert len(made) == 11
    return made


async def test_a_dump_contains_no_credential(any_world: World) -> None:
    """P5, IA-18: hashes only; not one whole credential, and not the secret half of one."""
    made = await _journey(any_world)
    everything = _everything(any_world)
    for credential in made:
        parsed = credentials.parse(credential)
        secret = credential[28:] if parsed else credential
        assert secret.encode() not in everything


async def test_nothing_in_a_dump_works_as_a_credential(world: World) -> None:
    """P5: whatever is found there, presented as token, code, refresh token or client secret, is refused."""
    await _journey(world)
    found = {word.decode() for word in _WORD.findall(_everything(world))}
    hashes = {part for word in found for part in re.split(r"[:{}\",\[\]]", word) if len(part) >= 8}
    tried = 0
    for text in sorted(found | hashes):
        for wearing in (text, "mm_at_" + text[:65], "mm_rt_" + text[:65]):
            assert await world.introspect(wearing) == {"active": False}
            tried += 1
        for form in (
            {"grant_type": "refresh_token", "refresh_token": text},
            {"grant_type": "authorization_code", "code": text},
        ):
            assert (await world.post("/token", form)).status == 400
        if len(text) < 200:
            refused = await world.post("/token", {"grant_type": "client_credentials"}, "app", text)
            assert refused.status in (401, 429)
    assert tried > 30


async def test_every_key_of_a_finished_grant_has_a_ttl(any_world: World) -> None:
    """P4: also of grants whose refresh tokens never expire (IA-24), however they ended."""
    client = await any_world.client(refresh_absolute_lifetime=0, refresh_idle_lifetime=0)
    endings = ("revoke_user", "revoke_token", "replay_code", "reuse_refresh_token", "revoke_grant")
    for ending in endings:
        code = await any_world.code(client, subject=ending)
        tokens = await (await any_world.redeem(code)).json()
        refreshed = await (await any_world.refresh(tokens["refresh_token"])).json()
        assert "exp" not in await any_world.introspect(refreshed["refresh_token"]), "it never expires"
        await _end(any_world, ending, code, tokens, refreshed)
        assert not await any_world.is_active(refreshed["access_token"])
    async with asyncio.timeout(PATIENCE):  # an index is tidied up with whatever leaves next, or a moment later
        while _lasting(any_world) != [b"mm:client:app"]:
            await asyncio.sleep(0.01)


def _lasting(world: World) -> list[bytes]:
    """Keys that have no end."""
    return [key for key, entry in world.redis.dump().items() if entry.pttl < 0]


async def test_keys_are_kept_and_end_as_the_reference_says(world: World) -> None:
    client = await world.client()
    await world.user()
    await world.refresh((await world.tokens(client))["refresh_token"])
    await world.code(client)
    named = {re.escape(key).replace("PART", "[^:{}]+"): kind for kind, key in _kinds().items()}
    met = set()
    for key, entry in world.redis.dump().items():
        kind = next((named[name] for name in named if re.fullmatch(name, key.decode())), "")
        if kind:
            met.add(kind)
            kept, end = KEPT[kind]
            assert (_TYPES[entry.type], entry.pttl > 0) == (kept, end.startswith("TTL")), key
    assert {"grant", "code", "access_token", "refresh_token", "reply", "user_grants", "client"} <= met


async def test_who_is_counted_is_named_in_the_reference(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    person = Person(world)
    await world.openid_client()
    await world.public_client("phone", scopes=("openid",))
    await device_client(world)
    await world.user()
    monkeypatch.setattr("service.login.tickets.LONGEST_SEALED", 0)  # so that no browser keeps a request
    await person.authorize()
    assert (await world.post("/par", usual_request("phone"), None)).status == 201
    await begun(world)
    await world.token(grant_type="password", username="alice", password="wrong")
    await world.post("/token", {"grant_type": "client_credentials"}, "app", "wrong")
    await enter(person, "BCDF-GHJK")
    text = Page("reference/redis-keys.md").text
    for pattern, least in ((rb"mm:\{waiting\}:([a-z]+)", 9), (rb"mm:\{failures:([a-z-]+)", 5)):
        met = {found[1].decode() for key in world.redis.dump() if (found := re.match(pattern, key))}
        assert len(met) >= least
        assert [word for word in met if not re.search(rf"(?<![\w-]){word}(?![\w-])", text)] == []


def _kinds() -> dict[str, str]:
    """A key of each kind, with PART for each of its parts."""
    keys = Keys()
    return {kind: getattr(keys, kind)(*["PART"] * len(signature(getattr(keys, kind)).parameters)) for kind in KEPT}


async def test_an_index_ends_with_the_last_grant_it_points_to(world: World) -> None:
    """P4: no index outlives what it points to."""
    client = await world.client(refresh_idle_lifetime=500)
    await world.tokens(client)
    dump = world.redis.dump()
    ends = {key: entry.pttl for key, entry in dump.items()}
    grant_end = max(left for key, left in ends.items() if key.endswith(b"}"))
    index_end = ends[b"mm:{user:alice}:grants"]
    assert abs(grant_end - index_end) < 1000


async def test_an_unfinished_grant_without_expiry_keeps_its_index(world: World) -> None:
    client = await world.client(refresh_absolute_lifetime=0, refresh_idle_lifetime=0)
    await world.tokens(client)
    assert world.redis.dump()[b"mm:{user:alice}:grants"].pttl == -1
    await world.issuer.store.grants.revoke_user("alice")
    assert b"mm:{user:alice}:grants" not in world.redis.dump()


async def _end(world: World, ending: str, code: str, tokens: dict[str, Any], refreshed: dict[str, Any]) -> None:
    grants = world.issuer.store.grants
    parsed = credentials.parse(code)
    assert parsed is not None
    if ending == "revoke_user":
        assert await grants.revoke_user(ending) == 1
    elif ending == "revoke_grant":
        assert await grants.revoke(parsed.grant_id, ending)
    elif ending == "revoke_token":
        assert (await world.revoke(refreshed["refresh_token"])).status == 200
    elif ending == "replay_code":
        assert (await world.redeem(code)).status == 400
    else:
        reply = next(key for key in world.redis.keys() if b":reply:" in key and parsed.grant_id.encode() in key)  # noqa: SIM118
        for node in world.redis.primaries():
            node.admin.delete(reply) if "cluster" not in world.redis.url else _delete(node, reply)
        assert (await world.refresh(tokens["refresh_token"])).status == 400


def _delete(node: Any, key: bytes) -> None:
    """The grace window is over: on whichever primary the reply waits."""
    if key in node.admin.keys("*"):
        node.admin.delete(key)


def _everything(world: World) -> bytes:
    parts: list[bytes] = []
    for key, entry in world.redis.dump().items():
        value = entry.value if isinstance(entry.value, bytes) else repr(entry.value).encode()
        parts += [key, value]
    return b"\n".join(parts)


@pytest.mark.parametrize("text", ["mm_at_", "mm_rt_", "mm_ac_"])
async def test_the_hash_is_not_the_token(world: World, text: str) -> None:
    """A stolen hash in the place of the secret opens nothing."""
    await _journey(world)
    for key in world.redis.dump():
        found = re.fullmatch(rb"mm:\{(.{22})\}:(?:access|refresh|code):(.{22})", key)
        if found:
            wearing = text + found[1].decode() + found[2].decode().ljust(43, "A")
            assert await world.introspect(wearing) == {"active": False}
