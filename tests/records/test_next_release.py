"""What a later release is to write in fewer bytes is read by this one, so that both can run side by side then."""

from hashlib import sha512
from typing import cast

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from service.admin.actor import Actor
from service.admin.operations import grants
from service.admin.operations.operation import perform
from service.crypto import sealing
from service.records.access_token import AccessToken
from service.records.audit_entry import Way
from service.records.grant import Grant
from service.records.refresh_token import RefreshToken
from service.store.grants import NO_REFRESH_TOKEN
from tests.world import World


@pytest.mark.parametrize("kind", [AccessToken, RefreshToken])
def test_a_bare_number_is_a_token_of_that_second(kind: type[AccessToken] | type[RefreshToken]) -> None:
    assert kind.decode(b"1795998797") == kind(1795998797)
    for broken in (b"", b"-1", b"1.5", b"[]", b"used:1", b"{}"):
        with pytest.raises(msgspec.DecodeError):
            kind.decode(broken)


def test_a_grant_of_the_second_of_the_login_need_not_say_when_it_began() -> None:
    assert Grant("app", auth_time=1_795_998_797).began_at == 1_795_998_797
    assert Grant("app", auth_time=1, issued_at=2).began_at == 2
    assert Grant("app").began_at == 0


async def test_tokens_in_that_form_are_introspected_rotated_and_revoked(world: World) -> None:
    async with world.having(refresh_absolute_lifetime=1000) as set_so, set_so.standing() as world:
        client = await world.client()
        tokens = await world.tokens(client)
        before = await world.introspect(tokens["access_token"])
        _write_anew(world, before["iat"])
        assert await world.introspect(tokens["access_token"]) == before
        (listed,) = (await perform(world.issuer, grants.LIST, {"client": "app"}, Actor("ops", Way.CLI))).body["grants"]
        assert listed["issued_at"] == before["iat"]
        found = await world.introspect(tokens["refresh_token"])
        assert (found["active"], found["iat"]) == (True, before["iat"])
        refreshed = await world.refresh(tokens["refresh_token"])
        assert refreshed.status == 200
        later = await refreshed.json()
        assert before["iat"] + 900 < (await world.introspect(later["refresh_token"]))["exp"] <= before["iat"] + 1000
        assert (await world.revoke(tokens["access_token"])).status == 200
        assert not await world.is_active(tokens["access_token"])
        _write_anew(world, before["iat"])
        assert (await world.revoke(later["refresh_token"])).status == 200
        assert not await world.is_active(later["access_token"])


def _write_anew(world: World, issued_at: int) -> None:
    """Put tokens and their grant into Redis in the shorter form."""
    admin = world.redis.primaries()[0].admin
    for key in admin.scan_iter("mm:{*}*"):
        name, data = key.decode(), cast(bytes, admin.get(key) or b"") if admin.type(key) == b"string" else b""
        if ":access:" in name or (":refresh:" in name and not data.startswith(b"used:")):
            admin.set(key, issued_at, keepttl=True)
        elif world.issuer.store.keys.grant_key.fullmatch(name) and data:
            place = len(NO_REFRESH_TOKEN)
            members = msgspec.json.decode(data[place:])
            members["at"] = members.pop("i", issued_at)
            admin.set(key, data[:place] + msgspec.json.encode(members), keepttl=True)


def _seal_anew(content: bytes, token: str, nonce: bytes, bound_to: bytes = b"") -> bytes:
    """Seal by the key that costs less."""
    purpose = b"mintmark sealed reply 2"
    key = sha512(purpose + token.encode()).digest()[:32]
    return nonce + AESGCM(key).encrypt(nonce, content, purpose + bound_to)


def test_what_is_sealed_in_that_form_opens_with_its_token_alone() -> None:
    sealed = _seal_anew(b"the response", "mm_rt_" + "a" * 65, bytes(12), b"asked")
    assert sealing.unseal(sealed, "mm_rt_" + "a" * 65, b"asked") == b"the response"
    assert sealing.unseal(sealed, "mm_rt_" + "a" * 65) is None
    assert sealing.unseal(sealed, "mm_rt_" + "b" * 65, b"asked") is None
    assert sealing.unseal(sealed[:-1], "mm_rt_" + "a" * 65, b"asked") is None


async def test_replies_in_that_form_are_given_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A retry after a lost response, sent to this release while the next one is rolled out (P2)."""
    monkeypatch.setattr(sealing, "seal", _seal_anew)
    token = (await world.tokens(await world.client()))["refresh_token"]
    first, again = [await (await world.refresh(token)).json() for _ in range(2)]
    assert first == again
    assert await world.is_active(again["access_token"])
