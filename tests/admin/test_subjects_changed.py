"""A client whose users are called otherwise than before: what it was issued ends, so that no grant has two subjects."""

from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest

from service.admin import clients
from service.protocol.names import SubjectType
from service.records.client import Client
from tests.registering import WEB, manage, register
from tests.world import CALLBACK, World, error_of

PAIRWISE = {"subject_type": SubjectType.PAIRWISE}
OTHER_HOST = {"redirect_uris": ("https://other.example/cb",)}
RENAMING: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "to pairwise": ({}, PAIRWISE),
    "to public": (PAIRWISE, {"subject_type": SubjectType.PUBLIC}),
    "pairwise, to another host": (PAIRWISE, OTHER_HOST),
    "pairwise, to an app on the device": (PAIRWISE, {"redirect_uris": (CALLBACK, "com.example.app:/cb")}),
}
OTHERS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "public, to another host": ({}, OTHER_HOST),
    "pairwise, to another path": (PAIRWISE, {"redirect_uris": (CALLBACK, f"{CALLBACK}/2")}),
    "pairwise, to another name": (PAIRWISE, {"name": "New"}),
}
"""By what the client is, and what is changed of it."""


@pytest.fixture
async def pairwise(world: World) -> AsyncIterator[World]:
    """A service with pairwise subjects, and alice."""
    async with world.having(pairwise_salt="s" * 16, registration="open") as made:
        await made.user()
        yield made


async def client_that_is(world: World, members: dict[str, Any]) -> Client:
    await world.openid_client()
    return await clients.update_client(world.issuer, "app", members)


def sub_in(tokens: dict[str, Any]) -> str:
    return str(jwt.decode(tokens["id_token"], options={"verify_signature": False})["sub"])


@pytest.mark.parametrize(("before", "changes"), RENAMING.values(), ids=list(RENAMING))
async def test_what_was_granted_under_another_name_ends(
    pairwise: World, before: dict[str, Any], changes: dict[str, Any]
) -> None:
    """OpenID Connect Core 12.2: the sub of a refreshed ID token is that of the first one; 5.3.2: and that of UserInfo."""
    client = await client_that_is(pairwise, before)
    held, code = await pairwise.tokens(client, scope="openid"), await pairwise.code(client, scope="openid")
    changed = await clients.update_client(pairwise.issuer, "app", changes)
    assert await error_of(await pairwise.refresh(held["refresh_token"])) == (400, "invalid_grant")
    assert await error_of(await pairwise.redeem(code)) == (400, "invalid_grant")
    assert not await pairwise.is_active(held["access_token"])
    asked = await pairwise.http.get("/userinfo", headers={"Authorization": f"Bearer {held['access_token']}"})
    assert asked.status == 401
    begun = await pairwise.tokens(changed, scope="openid")
    assert sub_in(begun) != sub_in(held)
    assert sub_in(await (await pairwise.refresh(begun["refresh_token"])).json()) == sub_in(begun)


@pytest.mark.parametrize(("before", "changes"), OTHERS.values(), ids=list(OTHERS))
async def test_other_changes_end_nothing(pairwise: World, before: dict[str, Any], changes: dict[str, Any]) -> None:
    client = await client_that_is(pairwise, before)
    held = await pairwise.tokens(client, scope="openid")
    changed = await clients.update_client(pairwise.issuer, "app", changes)
    assert changed.generation == client.generation
    refreshed = await (await pairwise.refresh(held["refresh_token"])).json()
    assert sub_in(refreshed) == sub_in(held)


async def test_so_where_the_client_changes_itself(pairwise: World) -> None:
    """RFC 7592: the holder of the registration access token decides on it as an operator does."""
    wanted = WEB | {"scope": "openid", "grant_types": ["authorization_code", "refresh_token"]}
    _, made = await register(pairwise, wanted)
    client = await clients.get_client(pairwise.issuer, made["client_id"])
    own = (client.client_id, made["client_secret"])
    form = {"grant_type": "authorization_code", "code": await pairwise.code(client, scope="openid")}
    held = await (await pairwise.post("/token", form | {"redirect_uri": CALLBACK}, *own)).json()
    same = wanted | {"client_id": client.client_id}
    for changed, status in ((same, 200), (same | PAIRWISE, 400)):
        assert (await manage(pairwise, made, "PUT", json=changed)).status == 200
        refresh = {"grant_type": "refresh_token", "refresh_token": held["refresh_token"]}
        refreshed = await pairwise.post("/token", refresh, *own)
        assert refreshed.status == status
        held = await refreshed.json()
