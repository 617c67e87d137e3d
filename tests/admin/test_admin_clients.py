"""Operators register clients, change them, replace their secrets and end what they hold."""

import asyncio
from secrets import token_bytes
from typing import Any

import pytest

from service.admin import client_ending, clients
from service.admin.client_input import ClientInput
from service.admin.errors import AdminError, AlreadyExists, InvalidInput, NotFound
from service.crypto.passwords import hash_generated
from service.issuer import Issuer
from service.protocol.credentials import Kind, new_secret
from service.protocol.names import ClientAuthMethod
from service.records.client import Client
from tests.world import CALLBACK, World

WEB: dict[str, Any] = {
    "client_id": "web",
    "grant_types": ["authorization_code", "refresh_token"],
    "redirect_uris": [CALLBACK],
    "scopes": ["read", "write"],
}
CRON: dict[str, Any] = {"client_id": "cron", "grant_types": ["client_credentials"], "scopes": ["read"]}
PHONE: dict[str, Any] = {**WEB, "client_id": "phone", "auth_method": "none"}
API: dict[str, Any] = {"client_id": "api", "introspect": True, "resources": ["https://api.example"]}


async def works(world: World, secret: str | None, client_id: str = "cron") -> bool:
    """Whether the client gets a token for itself with this secret."""
    response = await world.post("/token", {"grant_type": "client_credentials"}, client_id, secret or "")
    assert response.status in (200, 401)
    return response.status == 200


async def create(issuer: Issuer, members: dict[str, Any], secret: str | None = None) -> clients.NewSecret:
    return await clients.create_client(issuer, ClientInput.read(members), secret)


# creating


async def test_a_generated_secret_is_shown_once_and_kept_as_a_hash(world: World) -> None:
    new = await create(world.issuer, CRON)
    assert new.secret is not None
    assert new.secret.startswith("mm_cs_")
    assert len(new.secret) == 49
    assert [secret.hash for secret in new.client.secrets] == [hash_generated(new.secret)]
    assert new.secret not in str(clients.describe(await clients.get_client(world.issuer, "cron")))
    assert new.secret[6:] not in str(world.redis.dump())
    assert await works(world, new.secret)


async def test_an_imported_secret_is_kept_as_argon2(world: World) -> None:
    async with world.standing() as standing:
        new = await create(standing.issuer, CRON, "imported-secret")
    assert new.secret is None
    assert new.client.secrets[0].hash.startswith("$argon2id$")
    assert "imported-secret" not in str(world.redis.dump())
    assert clients.describe(new.client)["secrets"] == [{"kind": "imported", "created_at": new.client.created_at}]
    assert await works(world, "imported-secret")
    assert not await works(world, "another-secret")


@pytest.mark.parametrize(
    ("members", "secret", "text"),
    [
        (CRON, "short", "secret: must have 8 to 1024 characters"),
        (CRON, "x" * 1025, "secret: must have 8 to 1024 characters"),
        (CRON, "sécret-sécret", "secret: must be printable ASCII"),
        (CRON, "secret\tsecret", "secret: must be printable ASCII"),
        (PHONE, "some-secret", "secret: a client with auth_method none has none"),
    ],
)
async def test_an_imported_secret_must_do(world: World, members: dict[str, Any], secret: str, text: str) -> None:
    with pytest.raises(InvalidInput, match=text):
        await create(world.issuer, members, secret)
    assert world.redis.keys() == []


async def test_a_public_client_has_no_secret(world: World) -> None:
    new = await create(world.issuer, PHONE)
    assert (new.secret, new.client.secrets, new.client.public) == (None, (), True)


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"client_id": "web"}, "there is a client 'web' already"),
        ({"client_id": "www"}, "client_id: 'www' is the alias of the client 'web'"),
        ({"alias": "web"}, "alias: 'web' names the client 'web' already"),
        ({"alias": "www"}, "alias: 'www' names the client 'web' already"),
    ],
)
async def test_names_are_taken_once(world: World, members: dict[str, Any], text: str) -> None:
    await create(world.issuer, WEB | {"alias": "www"})
    before = world.redis.dump()
    with pytest.raises(AlreadyExists, match=text):
        await create(world.issuer, CRON | members)
    assert world.redis.dump() == before


async def test_of_many_who_create_the_same_client_one_succeeds(world: World) -> None:
    made = await asyncio.gather(*(create(world.issuer, CRON) for _ in range(10)), return_exceptions=True)
    secrets = [new.secret for new in made if isinstance(new, clients.NewSecret)]
    assert len(secrets) == 1
    assert sum(isinstance(new, AlreadyExists) for new in made) == 9
    assert await works(world, secrets[0])


# looking


async def test_a_client_is_found_by_its_names(world: World) -> None:
    await create(world.issuer, WEB | {"alias": "www"})
    assert (await clients.get_client(world.issuer, "www")).client_id == "web"
    with pytest.raises(NotFound, match="there is no client 'nobody'"):
        await clients.get_client(world.issuer, "nobody")


async def test_every_client_is_on_some_page(any_world: World) -> None:
    world = any_world
    names = {f"client-{number}" for number in range(60)}
    for name in names:
        await world.client(name)
    found: set[str] = set()
    cursor, pages = "", 0
    while pages == 0 or cursor:
        page, cursor = await clients.list_clients(world.issuer, cursor, limit=2)
        found |= {client.client_id for client in page}
        pages += 1
    assert found == names
    assert pages > 1


@pytest.mark.parametrize("cursor", ["x", "0", "7:0", "0:x"])
async def test_a_cursor_that_is_none_is_refused(world: World, cursor: str) -> None:
    await create(world.issuer, CRON)
    with pytest.raises(InvalidInput, match="is not a cursor"):
        await clients.list_clients(world.issuer, cursor)


def test_a_description_names_every_member_and_no_hash() -> None:
    described = clients.describe(Client("web"))
    assert set(described) == {*Client.__struct_fields__, "public", "registered_itself", "etag"} - {
        "registration",
        "later_method",
    }


# changing


async def test_what_is_not_named_stays(world: World) -> None:
    before = (await create(world.issuer, WEB | {"name": "Web", "refresh_limit": 3})).client
    after = await clients.update_client(world.issuer, "web", {"scopes": ["read"], "refresh_limit": None})
    assert (after.scopes, after.refresh_limit) == (("read",), None)
    assert (after.name, after.secrets, after.generation) == ("Web", before.secrets, before.generation)
    assert await clients.get_client(world.issuer, "web") == after


@pytest.mark.parametrize(
    ("changes", "kind", "text"),
    [
        ({"client_id": "other"}, InvalidInput, "client_id: cannot be changed"),
        ({"redirect_uris": []}, InvalidInput, "redirect_uris: authorization_code needs"),
        (
            {"grant_types": ["client_credentials"], "auth_method": "none"},
            InvalidInput,
            "grant_types: client_credentials",
        ),
        ({"colour": "blue"}, InvalidInput, "colour: there is no such member"),
        ({"alias": "cron"}, AlreadyExists, "alias: 'cron' names the client 'cron' already"),
        ({"alias": "web"}, AlreadyExists, "alias: 'web' names the client 'web' already"),
    ],
)
async def test_a_change_that_does_not_go_together_changes_nothing(
    world: World, changes: dict[str, Any], kind: type[AdminError], text: str
) -> None:
    await create(world.issuer, WEB)
    await create(world.issuer, CRON)
    before = world.redis.dump()
    with pytest.raises(kind, match=text):
        await clients.update_client(world.issuer, "web", changes)
    assert world.redis.dump() == before


async def test_an_alias_moves_with_its_client(world: World) -> None:
    await create(world.issuer, WEB | {"alias": "www"})
    await clients.update_client(world.issuer, "www", {"alias": "site"})
    assert (await clients.get_client(world.issuer, "site")).client_id == "web"
    with pytest.raises(NotFound):
        await clients.get_client(world.issuer, "www")
    await clients.update_client(world.issuer, "web", {"alias": None})
    with pytest.raises(NotFound):
        await clients.get_client(world.issuer, "site")
    await create(world.issuer, CRON | {"alias": "www"})


async def test_an_alias_that_two_operators_give_at_once_is_there(world: World) -> None:
    await create(world.issuer, WEB)
    await asyncio.gather(
        clients.update_client(world.issuer, "web", {"alias": "www", "name": "Web"}),
        clients.update_client(world.issuer, "web", {"alias": "www", "description": "The shop"}),
    )
    client = await clients.get_client(world.issuer, "www")
    assert (client.client_id, client.name, client.description) == ("web", "Web", "The shop")


async def test_a_client_that_becomes_public_loses_its_secret(world: World) -> None:
    await create(world.issuer, WEB)
    public = await clients.update_client(world.issuer, "web", {"auth_method": "none"})
    assert public.secrets == ()
    again = await clients.update_client(world.issuer, "web", {"auth_method": ClientAuthMethod.CLIENT_SECRET_POST})
    assert again.secrets == ()
    assert (await clients.rotate_secret(world.issuer, "web")).secret


async def test_changes_made_at_once_are_all_kept(world: World) -> None:
    await create(world.issuer, WEB)
    await asyncio.gather(
        clients.update_client(world.issuer, "web", {"name": "Web"}),
        clients.update_client(world.issuer, "web", {"description": "The shop"}),
        clients.update_client(world.issuer, "web", {"code_lifetime": 30}),
        client_ending.disable_client(world.issuer, "web"),
    )
    client = await clients.get_client(world.issuer, "web")
    assert (client.name, client.description, client.code_lifetime) == ("Web", "The shop", 30)
    assert not client.enabled


# secrets


async def test_a_rotated_secret_ends_the_old_one(world: World) -> None:
    first = await create(world.issuer, CRON)
    second = await clients.rotate_secret(world.issuer, "cron")
    assert await works(world, second.secret)
    assert not await works(world, first.secret)


async def test_the_old_secret_may_stay_until_it_is_dropped(world: World) -> None:
    first = await create(world.issuer, CRON)
    second = await clients.rotate_secret(world.issuer, "cron", keep_old=True)
    assert await works(world, first.secret)
    assert await works(world, second.secret)
    await clients.drop_old_secret(world.issuer, "cron")
    assert not await works(world, first.secret)
    assert await works(world, second.secret)
    with pytest.raises(InvalidInput, match="has no old secret to drop"):
        await clients.drop_old_secret(world.issuer, "cron")


async def test_at_most_one_old_secret_stays(world: World) -> None:
    first = await create(world.issuer, CRON)
    second = await clients.rotate_secret(world.issuer, "cron", keep_old=True)
    third = await clients.rotate_secret(world.issuer, "cron", keep_old=True)
    assert [await works(world, new.secret) for new in (first, second, third)] == [False, True, True]


async def test_a_public_client_has_no_secret_to_rotate(world: World) -> None:
    await create(world.issuer, PHONE)
    with pytest.raises(InvalidInput, match="client phone has auth_method none"):
        await clients.rotate_secret(world.issuer, "phone")


async def test_a_resource_server_sees_the_tokens_that_are_for_it(world: World) -> None:
    api = await create(world.issuer, API)
    cron = await create(world.issuer, CRON | {"audiences": ["https://api.example"]})
    issued = await world.post("/token", {"grant_type": "client_credentials"}, "cron", cron.secret or "")
    token = (await issued.json())["access_token"]
    response = await world.post("/introspect", {"token": token}, "api", api.secret or "")
    assert (await response.json())["aud"] == ["https://api.example"]


async def test_a_secret_of_our_making_is_kept_as_such_wherever_it_was_made(world: World) -> None:
    """By an operator of Kubernetes, say; what only looks like one is not."""
    made = new_secret(Kind.CLIENT_SECRET, token_bytes)
    new = await create(world.issuer, CRON, made)
    assert new.client.secrets[0].hash == hash_generated(made)
    assert await works(world, made)
    assert (await clients.rotate_secret(world.issuer, "cron", made)).client.secrets == new.client.secrets
    easy = await clients.rotate_secret(world.issuer, "cron", "mm_cs_" + "0" * 43)
    assert easy.client.secrets[0].hash.startswith("$argon2id$")
