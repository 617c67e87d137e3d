"""Operators register clients, change them, replace their secrets and end what they hold."""

import asyncio
from typing import Any

import pytest

from service.admin import client_ending, clients
from service.admin.client_input import ClientInput
from service.admin.errors import AdminError, AlreadyExists, NotFound, Refused
from service.crypto.passwords import hash_generated
from service.issuer import Issuer
from service.protocol.names import ClientAuthMethod
from service.records.client import Client
from service.records.property import Property
from tests.world import CALLBACK, SECRET, World

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


# what is refused

FAULTS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    (CRON, {"client_id": ""}, "client_id: must be 1 to 255 printable ASCII"),
    (CRON, {"client_id": "a b"}, "client_id: must be 1 to 255 printable ASCII"),
    (CRON, {"client_id": "ä"}, "client_id: must be 1 to 255 printable ASCII"),
    (CRON, {"client_id": "a" * 256}, "client_id: must be 1 to 255 printable ASCII"),
    (CRON, {"name": "a\nb"}, "name: must not hold control characters"),
    (CRON, {"name": "a" * 256}, "name: String should have at most 255"),
    (CRON, {"alias": "cron"}, "alias: must differ from the client_id"),
    (CRON, {"alias": "a b"}, "alias: must be 1 to 255 printable ASCII"),
    (CRON, {"auth_method": "tls"}, "auth_method: Input should be 'client_secret_basic'"),
    (
        CRON,
        {"grant_types": ["telepathy"]},
        "grant_types.0: there is no such grant type here; there are authorization_code",
    ),
    (CRON, {"scopes": ["read write"]}, "scopes.0: must be one word each"),
    (CRON, {"scopes": ['"']}, "scopes.0: printable ASCII without quote"),
    (CRON, {"scopes": [""]}, "scopes.0: must be one word each"),
    (CRON, {"default_scope": "read admin"}, "default_scope: every word of it must be one of the client's scopes"),
    (CRON, {"default_scope": " write"}, "default_scope: every word"),
    (CRON, {"audiences": ["https://a/#b"]}, "audiences.0: a resource has no fragment"),
    (CRON, {"audiences": ["//api"]}, "audiences.0: is neither an absolute URI nor a plain identifier"),
    (CRON, {"audiences": ["a b"]}, "audiences.0: must be 1 to 255 printable ASCII"),
    (CRON, {"code_lifetime": 0}, "code_lifetime: Input should be greater than or equal to 1"),
    (CRON, {"access_token_lifetime": 2**31}, "access_token_lifetime: Input should be less than or equal to 2147483647"),
    (CRON, {"refresh_idle_lifetime": -1}, "refresh_idle_lifetime: Input should be greater than or equal to 0"),
    (CRON, {"refresh_limit": -1}, "refresh_limit: Input should be greater than or equal to 0"),
    (CRON, {"refresh_rotation": "sometimes"}, "refresh_rotation: Input should be 'always'"),
    (CRON, {"refresh_grace": 301}, "refresh_grace: Input should be less than or equal to 300"),
    (CRON, {"properties": [{"name": "", "value": 1}]}, "properties.0.name: must not be empty"),
    (CRON, {"properties": [{"name": "a", "value": 1}] * 2}, "properties: a: given more than once"),
    (
        CRON,
        {"properties": [{"name": "scope", "value": 1, "in_token_response": True}]},
        "properties.0: scope is a registered member of token responses",
    ),
    (
        CRON,
        {"properties": [{"name": "sub", "value": 1, "in_introspection": True}]},
        "properties.0: sub is a registered member of introspection",
    ),
    (CRON, {"colour": "blue"}, "colour: there is no such member"),
    (CRON, {"secrets": []}, "secrets: there is no such member"),
    (WEB, {"redirect_uris": ["http://app.example/"]}, "redirect_uris.0: http is for loopback"),
    (WEB, {"redirect_uris": ["https://app.example/#a"]}, "redirect_uris.0: a redirect URI has no fragment"),
    (WEB, {"redirect_uris": ["/callback"]}, "redirect_uris.0: '/callback' is not an absolute URI"),
    # what does not go together
    (CRON, {"auth_method": "none"}, "grant_types: client_credentials is for confidential clients"),
    (PHONE, {"introspect": True}, "introspect: a public client cannot prove who it is"),
    (WEB, {"redirect_uris": []}, "redirect_uris: authorization_code needs at least one"),
    (CRON, {"grant_types": ["refresh_token"]}, "grant_types: refresh_token needs a grant type beside it"),
    (
        CRON,
        {"grant_types": ["refresh_token", "client_credentials"]},
        "grant_types: refresh_token needs a grant type beside it",
    ),
    (CRON, {"grant_types": []}, "grant_types: name at least one"),
    (CRON, {"resources": ["https://api.example"]}, "resources: they say whose tokens the client may introspect"),
]


@pytest.mark.parametrize(("members", "changes", "text"), FAULTS, ids=[text for _, _, text in FAULTS])
def test_a_fault_is_named(members: dict[str, Any], changes: dict[str, Any], text: str) -> None:
    with pytest.raises(Refused) as refused:
        ClientInput.read(members | changes)
    assert str(refused.value).startswith(text)


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(Refused) as refused:
        ClientInput.read({"client_id": " ", "grant_types": ["a", "b"], "refresh_grace": 999})
    assert [line.partition(":")[0] for line in str(refused.value).splitlines()] == [
        "client_id",
        "grant_types.0",
        "grant_types.1",
        "refresh_grace",
    ]
    with pytest.raises(Refused) as refused:
        ClientInput.read(CRON | {"auth_method": "none", "introspect": True, "default_scope": "x"})
    assert len(str(refused.value).splitlines()) == 3
    with pytest.raises(Refused) as refused:  # what does not go together is told beside what is wrong by itself
        ClientInput.read(CRON | {"auth_method": "none", "refresh_grace": 999, "token_endpoint_auth_signing_alg": "x"})
    assert [line.partition(":")[0] for line in str(refused.value).splitlines()] == [
        *("refresh_grace", "token_endpoint_auth_signing_alg", "grant_types")
    ]


@pytest.mark.parametrize("resource", ["https://api.example/v1", "urn:example:api", "api", "API-2_x.y"])
def test_an_audience_is_a_uri_or_a_name(resource: str) -> None:
    assert ClientInput.read(CRON | {"audiences": [resource, resource]}).audiences == (resource,)


def test_a_registered_member_may_be_a_property_where_nobody_sees_it() -> None:
    given = ClientInput.read(CRON | {"properties": [{"name": "scope", "value": [1], "in_introspection": False}]})
    assert given.members()["properties"] == (Property("scope", [1]),)


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
    new = await create(world.issuer, CRON, "imported-secret")
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
    with pytest.raises(Refused, match=text):
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
        page, cursor = await clients.list_clients(world.issuer, cursor, count=2)
        found |= {client.client_id for client in page}
        pages += 1
    assert found == names
    assert pages > 1


@pytest.mark.parametrize("cursor", ["x", "0", "7:0", "0:x"])
async def test_a_cursor_that_is_none_is_refused(world: World, cursor: str) -> None:
    await create(world.issuer, CRON)
    with pytest.raises(Refused, match="is not a cursor"):
        await clients.list_clients(world.issuer, cursor)


def test_a_description_names_every_member_and_no_hash() -> None:
    described = clients.describe(Client("web"))
    assert set(described) == {*Client.__struct_fields__, "public", "registered_itself"} - {"registration"}


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
        ({"client_id": "other"}, Refused, "client_id: cannot be changed"),
        ({"redirect_uris": []}, Refused, "redirect_uris: authorization_code needs"),
        ({"grant_types": ["client_credentials"], "auth_method": "none"}, Refused, "grant_types: client_credentials"),
        ({"colour": "blue"}, Refused, "colour: there is no such member"),
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
    with pytest.raises(Refused, match="has no old secret to drop"):
        await clients.drop_old_secret(world.issuer, "cron")


async def test_at_most_one_old_secret_stays(world: World) -> None:
    first = await create(world.issuer, CRON)
    second = await clients.rotate_secret(world.issuer, "cron", keep_old=True)
    third = await clients.rotate_secret(world.issuer, "cron", keep_old=True)
    assert [await works(world, new.secret) for new in (first, second, third)] == [False, True, True]


async def test_a_public_client_has_no_secret_to_rotate(world: World) -> None:
    await create(world.issuer, PHONE)
    with pytest.raises(Refused, match="client phone has auth_method none"):
        await clients.rotate_secret(world.issuer, "phone")


# ending


async def test_a_disabled_client_and_its_tokens_count_again_once_enabled(world: World) -> None:
    app = await world.client()
    tokens = await world.tokens(app)
    await client_ending.disable_client(world.issuer, "app")
    assert not await works(world, SECRET, "app")
    await client_ending.enable_client(world.issuer, "app")
    assert await world.is_active(tokens["access_token"])


async def test_revoking_a_client_ends_what_it_has_and_lets_it_ask_anew(world: World) -> None:
    app = await world.client()
    old = await world.tokens(app)
    revoked = await client_ending.revoke_client(world.issuer, "app")
    assert not await world.is_active(old["access_token"])
    assert (await world.refresh(old["refresh_token"])).status == 400
    new = await world.tokens(revoked)
    assert await world.is_active(new["access_token"])
    again = await client_ending.revoke_client(world.issuer, "app")
    assert again.generation > revoked.generation
    assert not await world.is_active(new["access_token"])


async def test_tokens_of_a_deleted_client_stay_dead_when_its_name_is_used_again(world: World) -> None:
    app = await world.client()
    tokens = await world.tokens(app)
    await client_ending.delete_client(world.issuer, "app")
    with pytest.raises(NotFound):
        await client_ending.delete_client(world.issuer, "app")
    new = await create(world.issuer, WEB | {"client_id": "app"}, SECRET)
    assert (await world.introspect(tokens["access_token"])) == {"active": False}
    assert (await world.refresh(tokens["refresh_token"])).status == 400
    assert await world.is_active((await world.tokens(new.client))["access_token"])


async def test_a_resource_server_sees_the_tokens_that_are_for_it(world: World) -> None:
    api = await create(world.issuer, API)
    cron = await create(world.issuer, CRON | {"audiences": ["https://api.example"]})
    issued = await world.post("/token", {"grant_type": "client_credentials"}, "cron", cron.secret or "")
    token = (await issued.json())["access_token"]
    response = await world.post("/introspect", {"token": token}, "api", api.secret or "")
    assert (await response.json())["aud"] == ["https://api.example"]


@pytest.mark.parametrize("ending", [client_ending.revoke_client, client_ending.delete_client])
async def test_grants_that_never_end_leave_redis_with_their_client(any_world: World, ending: Any) -> None:
    """P4: every key of a finished grant has a TTL, also where a whole client's grants were ended in one step."""
    never = {"refresh_idle_lifetime": 0, "refresh_absolute_lifetime": 0}
    web = (await clients.create_client(any_world.issuer, ClientInput.read(WEB | never))).client
    for subject in ("alice", "bob", "carol"):
        await any_world.code(web, subject=subject)
        code = await any_world.code(web, subject=subject)
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        rotated = await clients.rotate_secret(any_world.issuer, "web")
        assert (await any_world.post("/token", form, "web", rotated.secret or "")).status == 200

    def lasting() -> list[bytes]:
        return [key for key, entry in any_world.redis.dump().items() if entry.pttl < 0 and b"client" not in key]

    assert lasting(), "the refresh tokens have no end"
    ended = await ending(any_world.issuer, "web")
    assert await client_ending.sweep_client(any_world.issuer, ended) == 3
    async with asyncio.timeout(20):
        while lasting():  # a user's index is written last, behind the answer
            await asyncio.sleep(0.01)
