"""Tokens made and changed by those who run the service: all or nothing, whatever else happens to them at the same time."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from service.admin import client_ending, tokens, users
from service.admin.errors import AdminError, InvalidInput, NotAllowed, NotFound
from service.admin.token_changes import TokenChanges, update_token
from service.admin.tokens import Created, TokenInput
from service.protocol.credentials import parse
from service.protocol.names import AccessTokenFormat
from service.store.tokens import OpenedToken
from service.tokens.access_tokens import MAX_JWT
from tests.world import World

TRIES = 100
"""Races of each kind on each shape of Redis."""


async def made(world: World, **members: Any) -> Created:
    """Alice's token for the client app."""
    wished = {"client": "app", "grant_type": "password", "subject": "alice", "scopes": ("read",)}
    return await tokens.create_token(world.issuer, TokenInput.read(wished | members))


async def opened(world: World, created: Created) -> OpenedToken | None:
    credential = parse(created.issued.access_token)
    assert credential is not None
    return await world.issuer.store.tokens.open_by_token(credential)


async def update(world: World, created: Created, **changes: Any) -> Any:
    return await update_token(world.issuer, created.issued.access_token, TokenChanges.read(changes))


async def settled(*acts: Awaitable[Any]) -> list[Any]:
    """All of them at once; those that were refused by what was refused. Anything else that goes wrong is a failure."""
    done = await asyncio.gather(*acts, return_exceptions=True)
    for one in done:
        if isinstance(one, BaseException) and not isinstance(one, AdminError):
            raise one
    return done


async def test_an_update_that_meets_a_revocation_brings_nothing_back(any_world: World) -> None:
    """Authlete tier 2, token update (P6): whatever order they come in, the grant is over."""
    await any_world.client()
    met = 0
    for _ in range(TRIES):
        created = await made(any_world)
        ends_at = created.issued.access_token_ends_at + 9000
        updated, _ = await settled(
            update(any_world, created, scopes=("read", "write"), ends_at=ends_at),
            any_world.issuer.store.grants.revoke_user("alice"),
        )
        met += isinstance(updated, NotFound)
        assert await opened(any_world, created) is None
        assert await any_world.issuer.store.grants.open(created.issued.grant_id) is None
    assert met


async def test_an_update_that_meets_a_refresh_is_not_lost(any_world: World) -> None:
    """Authlete tier 2, token update (P2): the refresh brings one successor, and the grant has the new scope."""
    await any_world.client()
    for _ in range(TRIES // 2):
        created = await made(any_world)
        refreshed, _ = await settled(
            any_world.refresh(created.issued.refresh_token),
            update(any_world, created, scopes=("write",), properties=({"name": "n", "value": 1},)),
        )
        assert refreshed.status == 200
        successor = (await refreshed.json())["refresh_token"]
        again = await any_world.refresh(successor)
        assert (again.status, (await again.json())["scope"]) == (200, "write")
        listed = await any_world.issuer.store.grants.open(created.issued.grant_id)
        assert listed is not None
        assert (listed.grant.scope, listed.grant.properties[0].value) == ("write", 1)


async def test_two_updates_at_once_are_one_after_the_other(any_world: World) -> None:
    """Authlete tier 2, token update: of two, each whole: never the scope of one with the properties of the other."""
    await any_world.client()
    for _ in range(TRIES // 2):
        created = await made(any_world)
        await settled(
            update(any_world, created, scopes=("read",), properties=({"name": "n", "value": "read"},)),
            update(any_world, created, scopes=("write",), properties=({"name": "n", "value": "write"},)),
        )
        token = await opened(any_world, created)
        assert token is not None
        assert token.scope == token.grant.properties[0].value


async def test_a_longer_life_is_known_to_the_index_of_the_person(any_world: World) -> None:
    """Authlete tier 2, token update (P4, P6): the grant lives as long as its longest token, and so does its place in the
    index, so that ending everything of the person finds it.
    """
    await any_world.client(grant_types=("password",))
    created = await made(any_world, access_token_lifetime=100)
    until = created.issued.access_token_ends_at + 100_000
    await update(any_world, created, ends_at=until)
    grant_id = created.issued.grant_id
    assert set(any_world.ends(grant_id).values()) == {until}
    assert any_world.ends("{user:alice}:grants") == {"mm:{user:alice}:grants": until}
    await update(any_world, created, ends_at=until - 90_000)
    token = await opened(any_world, created)
    assert token is not None
    assert token.ends_at == until - 90_000
    assert await any_world.issuer.store.grants.revoke_user("alice") == 1


async def test_a_grant_that_never_ends_ends_with_its_refresh_token(world: World) -> None:
    """Authlete tier 2, token update (P4): nothing is left over without an end."""
    await world.client(refresh_idle_lifetime=0, refresh_absolute_lifetime=0)
    created = await made(world)
    grant = f"mm:{{{created.issued.grant_id}}}"
    assert world.ends(grant)[grant] == -1
    later = created.issued.access_token_ends_at + 5000
    await update(world, created, ends_at=later)
    assert world.ends(grant)[grant] == -1
    assert world.ends("{user:alice}:grants") == {"mm:{user:alice}:grants": -1}
    await update(world, created, refresh_ends_at=later + 5000)
    assert world.ends(grant)[grant] == later + 5000
    assert world.ends("{user:alice}:grants") == {"mm:{user:alice}:grants": later + 5000}


async def test_of_a_revoked_or_deleted_client_nothing_is_changed(world: World) -> None:
    """Authlete tier 2, token update: what nobody stands behind is not there."""
    await world.client()
    created = await made(world)
    await client_ending.revoke_client(world.issuer, "app")
    with pytest.raises(NotFound):
        await update(world, created, scopes=("write",))
    await client_ending.delete_client(world.issuer, "app")
    with pytest.raises(NotFound):
        await update(world, created, scopes=("write",))


async def test_a_disabled_person_keeps_nothing_by_an_update(world: World) -> None:
    """Authlete tier 2, token update (P6): a grant that outlived the disabling is ended when it is touched."""
    await world.user()
    await world.client()
    created = await made(world)
    listed = await world.issuer.store.grants.open(created.issued.grant_id)
    assert listed is not None
    seen = await world.issuer.store.users.get("alice")
    await users.disable_user(world.issuer, "alice")
    again = world.issuer.store.connection  # as if the index had lost it: the grant comes back by hand
    held = b"-" * 22 + listed.grant.encode()
    key = f"mm:{{{created.issued.grant_id}}}"
    await again.execute(key, "SET", key, held, "EX", 900)
    assert seen is not None
    with pytest.raises(NotFound):
        await update(world, created, scopes=("write",))
    assert await opened(world, created) is None


async def test_a_stateless_token_cannot_be_changed_or_ended(world: World) -> None:
    """Authlete tier 2, token update: a token that is kept nowhere, and the reason."""
    await world.client(access_token_format=AccessTokenFormat.STATELESS)
    created = await made(world, grant_type="client_credentials", subject=None)
    with pytest.raises(InvalidInput, match="kept nowhere"):
        await update(world, created, scopes=())
    with pytest.raises(InvalidInput, match="kept nowhere"):
        await tokens.end_token(world.issuer, created.issued.access_token)


async def test_a_jwt_is_changed_and_ended_by_its_jti(world: World) -> None:
    """Authlete tier 2, token update; AU-23: the handle of a kept JWT is its ``jti``."""
    await world.client(access_token_format=AccessTokenFormat.JWT)
    created = await made(world)
    handle = created.issued.grant_id + created.issued.access_hash
    held = await update_token(world.issuer, handle, TokenChanges.read({"scopes": ("write",)}))
    assert held.grant.scope == "write"
    assert (await world.introspect(created.issued.access_token))["scope"] == "write"
    assert await tokens.end_token(world.issuer, created.issued.access_token)
    assert not await world.is_active(created.issued.access_token)


async def test_a_jwt_that_we_could_not_read_is_not_made(world: World) -> None:
    """Too long for introspection and revocation, it would be dead on arrival here, and not to be ended elsewhere."""
    await world.client(access_token_format="jwt")
    properties = [{"name": "note", "value": "x" * MAX_JWT, "in_introspection": True}]
    with pytest.raises(NotAllowed, match="too long"):
        await made(world, properties=properties)
    assert (await world.issuer.store.grants.list_of_user("alice")).grants == []
    short = await made(world, properties=[properties[0] | {"value": "x" * 1000}])
    assert await world.is_active(short.issued.access_token)


async def test_two_who_end_the_same_token_count_it_once(any_world: World) -> None:
    """Authlete tier 2, token revoke; IA-40: of two at once one has ended it."""
    await any_world.client()
    for _ in range(TRIES // 4):
        created = await made(any_world)
        handle = created.issued.grant_id + created.issued.access_hash
        ended = await settled(*(tokens.end_token(any_world.issuer, handle) for _ in range(2)))
        assert sorted(ended) == [False, True]
