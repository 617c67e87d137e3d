"""Clients by API, with Authlete's SDK as it is (Authlete tier 2, client management)."""

import json
from typing import Any

import pytest
from authlete.api import AuthleteApiException
from authlete.dto import Client, ClientExtension
from authlete.types.application_type import ApplicationType
from authlete.types.client_auth_method import ClientAuthMethod
from authlete.types.client_type import ClientType
from authlete.types.grant_type import GrantType
from authlete.types.jws_alg import JWSAlg
from authlete.types.response_type import ResponseType
from authlete.types.subject_type import SubjectType

from service.fronts.decision_api.client_json import NOT_HERE, ClientBody
from service.protocol.names import SigningAlgorithm
from service.protocol.names import SubjectType as OurSubjectType
from service.records.property import Property
from tests.deciding import API_KEY, API_SECRET, Backend, backend
from tests.world import CALLBACK, World, basic, private_jwk


def new_client(**members: Any) -> Client:
    """A confidential client that may do something, as an integrator writes it down."""
    client = Client()
    wished = {
        "clientName": "The Shop",
        "grantTypes": [GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN, GrantType.CLIENT_CREDENTIALS],
        "redirectUris": [CALLBACK],
        "extension": ClientExtension({"requestableScopesEnabled": True, "requestableScopes": ["read", "write"]}),
    }
    for name, value in (wished | members).items():
        setattr(client, name, value)
    return client


async def kept(world: World, client_id: int) -> Any:
    return await world.issuer.store.clients.read(str(client_id))


# created and read


async def test_a_created_client_gets_a_number_and_a_secret_that_work(caller: Backend) -> None:
    """Authlete tier 2, client create; AU-25: the clientId is the client_id, the secret is told once and kept as a hash."""
    made = await caller.ask("createClient", new_client())
    assert (made.clientName, made.clientType, made.tokenAuthMethod) == (
        "The Shop",
        ClientType.CONFIDENTIAL,
        ClientAuthMethod.CLIENT_SECRET_BASIC,
    )
    form = {"grant_type": "client_credentials", "scope": "write"}
    response = await caller.world.post("/token", form, str(made.clientId), made.clientSecret)
    assert (response.status, (await response.json())["scope"]) == (200, "write")
    read = await caller.ask("getClient", made.clientId)
    assert (read.clientId, read.clientSecret, read.redirectUris) == (made.clientId, None, [CALLBACK])
    assert made.clientSecret not in str(
        [node.admin.dump(f"mm:client:{made.clientId}") for node in caller.world.redis.nodes]
    )


async def test_every_member_that_both_know_goes_there_and_back(caller: Backend) -> None:
    """Authlete tier 2, client create and get: the camelCase Client object, by the names of the SDK's enumerations."""
    keys = {"keys": [{name: value for name, value in private_jwk("ES256").items() if name != "d"}]}
    members: dict[str, Any] = {
        "description": "Where things are sold",
        "clientIdAlias": "shop",
        "responseTypes": [ResponseType.CODE],
        "applicationType": ApplicationType.NATIVE,
        "tokenAuthMethod": ClientAuthMethod.PRIVATE_KEY_JWT,
        "tokenAuthSignAlg": JWSAlg.ES256,
        "jwks": json.dumps(keys),
        "contacts": ["it@shop.example"],
        "logoUri": "https://shop.example/logo",
        "clientUri": "https://shop.example/",
        "policyUri": "https://shop.example/policy",
        "tosUri": "https://shop.example/tos",
        "subjectType": SubjectType.PUBLIC,
        "idTokenSignAlg": JWSAlg.ES256,
        "userInfoSignAlg": JWSAlg.RS256,
        "requestSignAlg": JWSAlg.ES256,
        "defaultMaxAge": 600,
        "defaultAcrs": ["urn:acr:2"],
        "authTimeRequired": True,
        "loginUri": "https://shop.example/login",
        "requestUris": ["https://shop.example/request"],
        "pkceRequired": True,
        "pkceS256Required": True,
        "requestObjectRequired": True,
    }
    made = await caller.ask("createClient", new_client(**members))
    assert made.clientSecret is None
    read = await caller.ask("getClient", made.clientId)
    told = {name: getattr(read, name) for name in members}
    assert told | {"jwks": json.loads(read.jwks)} == members | {"jwks": keys}
    again = await caller.ask("updateClient", read)
    assert {name: getattr(again, name) for name in members} == told
    assert (await caller.ask("getClient", "shop")).clientId == made.clientId


@pytest.mark.parametrize("client_id", ["007", "12345678901234567890", str(2**52 + 5)])
async def test_a_name_of_digits_that_is_not_the_number_is_the_alias(caller: Backend, client_id: str) -> None:
    """AU-26: as the number of such a client is another one; an SDK sends back what it read."""
    await caller.world.client(client_id, alias="shop")
    read = await caller.ask("getClient", client_id)
    assert (read.clientIdAlias, str(read.clientId) == client_id) == (client_id, False)
    assert (await caller.ask("updateClient", read)).clientIdAlias == client_id
    kept = await caller.world.issuer.store.clients.read(client_id)
    assert kept
    assert kept.alias == "shop"


async def test_a_public_client(caller: Backend) -> None:
    """Authlete tier 2, client create: PUBLIC is one that authenticates by nothing."""
    made = await caller.ask(
        "createClient", new_client(clientType=ClientType.PUBLIC, grantTypes=[GrantType.AUTHORIZATION_CODE])
    )
    assert (made.clientType, made.tokenAuthMethod) == (ClientType.PUBLIC, ClientAuthMethod.NONE)
    assert made.clientSecret is None


async def test_a_secret_may_be_brought_along(caller: Backend) -> None:
    """Authlete tier 2, client create."""
    made = await caller.ask("createClient", new_client(clientSecret="brought along from there"))
    response = await caller.world.post(
        "/token", {"grant_type": "client_credentials", "scope": "read"}, str(made.clientId), "brought along from there"
    )
    assert response.status == 200


async def test_without_a_list_a_client_may_ask_for_what_clients_may_register_for(caller: Backend) -> None:
    """Authlete tier 2, client create."""
    made = await caller.ask("createClient", new_client(extension=None))
    assert tuple(made.extension.requestableScopes) == caller.world.issuer.settings.registration_scopes


BAD = [
    {"redirectUris": ["http://evil.example/"]},
    {"redirectUris": "https://app.example/#fragment"},
    {"grantTypes": ["DEVICE_CODE_2"]},
    {"grantTypes": []},
    {"grantTypes": {"a": 1}},
    {"grantTypes": [None]},
    {"responseTypes": ["TOKENS"]},
    {"applicationType": "DESK"},
    {"subjectType": "SECRET"},
    {"clientType": "HALF"},
    {"clientType": "PUBLIC", "tokenAuthMethod": "CLIENT_SECRET_BASIC"},
    {"clientType": "CONFIDENTIAL", "tokenAuthMethod": "NONE"},
    {"tokenAuthMethod": "TLS_CLIENT_AUTH"},
    {"tokenAuthMethod": "client_secret_basics"},
    {"idTokenSignAlg": "NONE"},
    {"idTokenSignAlg": "HS256"},
    {"jwks": "{"},
    {"jwks": '{"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}'},
    {"jwks": '{"keys": []}', "jwksUri": "https://shop.example/jwks"},
    {"jwksUri": "https://shop.example/jwks", "jwks": "7"},
    {"jwks": "[" * 50_000},
    {"clientName": "a" * 256},
    {"clientName": "bell\u0007"},
    {"clientIdAlias": "two words"},
    {"clientSecret": "short"},
    {"defaultMaxAge": -1},
    {"defaultMaxAge": 10**20},
    {"extension": {"requestableScopesEnabled": True, "requestableScopes": ['"']}},
    {"extension": {"accessTokenDuration": 10**15}},
    {"extension": "x"},
    {"attributes": [{"value": "x"}]},
    {"attributes": [{"key": "a"}, {"key": "a"}]},
    {"contacts": ["a"] * 30},
    {"sectorIdentifierUri": "ftp://x.example"},
]


@pytest.mark.parametrize("changes", BAD)
async def test_a_client_that_cannot_be(caller: Backend, changes: dict[str, Any]) -> None:
    """Authlete tier 2, client create: wrong types, other names, what does not go together; 400 with a result code."""
    members = {"clientName": "x", "grantTypes": ["AUTHORIZATION_CODE"], "redirectUris": [CALLBACK]} | changes
    response = await caller.post("/client/create", members)
    body = await response.json()
    assert (response.status, body["resultCode"] in ("M000003", "M000008")) == (400, True), body
    assert not caller.world.key_names("client")


@pytest.mark.parametrize("name", [ClientBody.alias_of(name) for name in NOT_HERE])
async def test_a_promise_that_nobody_would_keep_is_refused(caller: Backend, name: str) -> None:
    """Authlete tier 2, client create: encryption, bound tokens and the like, by the name of the member."""
    assert hasattr(Client(), name)
    members = {"clientName": "x", "grantTypes": ["AUTHORIZATION_CODE"], "redirectUris": [CALLBACK], name: True}
    response = await caller.post("/client/create", members)
    assert (response.status, name in await response.text()) == (400, True)


async def test_an_alias_that_is_taken(caller: Backend) -> None:
    """Authlete tier 2, client create; AU-26."""
    await caller.ask("createClient", new_client(clientIdAlias="shop"))
    with pytest.raises(AuthleteApiException) as refused:
        await caller.ask("createClient", new_client(clientIdAlias="shop"))
    assert "shop" in str(refused.value)
    assert (await caller.ask("getClientList")).totalCount == 1


@pytest.mark.parametrize("call", ["getClient", "deleteClient", "refreshClientSecret", "getRequestableScopes"])
@pytest.mark.parametrize("name", [0, 99, 2**52 + 5, 10**40, -1, "nobody", "a" * 3000, "%2f", "%00", "ünïcode"])
async def test_an_unknown_client_is_404(caller: Backend, call: str, name: object) -> None:
    """Authlete tier 2, client get and the others: with a result code."""
    with pytest.raises(AuthleteApiException) as refused:
        await caller.ask(call, name)
    assert "M000004" in str(refused.value)


# changed


async def test_an_update_is_the_whole_client_but_for_what_authlete_has_no_word_for(caller: Backend) -> None:
    """Authlete tier 2, client update: what is left out is as by default; audiences, rights, secrets, lock, scopes stay."""
    world = caller.world
    await world.client(
        "web",
        alias="shop",
        name="Shop",
        description="old",
        audiences=("https://api.example",),
        introspect=True,
        require_auth_time=True,
        enabled=False,
        properties=(Property("tier", "gold", in_token_response=True), Property("n", 7)),
    )
    before = await world.issuer.store.clients.read("web")
    shown = await caller.ask("getClient", "web")
    assert (shown.clientIdAlias, shown.locked, shown.description) == ("web", True, "old")
    shown.description, shown.authTimeRequired, shown.extension = None, False, None
    shown.attributes = [type(shown.attributes[0])({"key": "tier", "value": "iron"})]
    await caller.ask("updateClient", shown)
    after = await world.issuer.store.clients.read("web")
    assert after
    assert (after.description, after.require_auth_time) == ("", False)
    assert after.properties == (Property("n", 7), Property("tier", "iron", in_token_response=True))
    for name in ("alias", "name", "audiences", "introspect", "enabled", "secrets", "scopes", "default_scope"):
        assert getattr(after, name) == getattr(before, name), name


async def test_plain_pkce_is_not_allowed_by_leaving_something_out(caller: Backend) -> None:
    """Authlete tier 2, client create and update: pkceS256Required is false where the SDK was told nothing."""
    made = await caller.ask("createClient", new_client(pkceS256Required=False))
    assert made.pkceS256Required
    assert not (await kept(caller.world, made.clientId)).allow_plain_pkce
    changed = await caller.world.change(await kept(caller.world, made.clientId), allow_plain_pkce=True)
    assert not (await caller.ask("getClient", changed.client_id)).pkceS256Required
    made.pkceS256Required = True
    await caller.ask("updateClient", made)
    assert not (await kept(caller.world, made.clientId)).allow_plain_pkce


async def test_a_client_becomes_public_and_loses_its_secret(caller: Backend) -> None:
    """Authlete tier 2, client update."""
    made = await caller.ask("createClient", new_client())
    made.clientType, made.tokenAuthMethod = ClientType.PUBLIC, None
    made.grantTypes = [GrantType.AUTHORIZATION_CODE]
    assert (await caller.ask("updateClient", made)).tokenAuthMethod is ClientAuthMethod.NONE
    assert (await kept(caller.world, made.clientId)).secrets == ()


async def test_a_pairwise_client(world: World) -> None:
    """Authlete tier 2, client create: where the service offers it."""
    async with backend(world, pairwise_salt="s" * 32) as caller:
        made = await caller.ask("createClient", new_client(subjectType=SubjectType.PAIRWISE))
        assert (made.subjectType, made.derivedSectorIdentifier) == (SubjectType.PAIRWISE, "app.example")
        assert (await kept(world, made.clientId)).subject_type is OurSubjectType.PAIRWISE


async def test_a_deleted_client_is_gone_with_its_tokens(caller: Backend) -> None:
    """Authlete tier 2, client delete."""
    made = await caller.ask("createClient", new_client())
    await caller.ask("deleteClient", made.clientId)
    response = await caller.world.post(
        "/token", {"grant_type": "client_credentials"}, str(made.clientId), made.clientSecret
    )
    assert response.status == 401
    with pytest.raises(AuthleteApiException):
        await caller.ask("deleteClient", made.clientId)


async def test_a_locked_client_and_its_tokens_are_refused_until_it_is_unlocked(caller: Backend) -> None:
    """Authlete tier 2, client lock."""
    world = caller.world
    client = await world.client()
    token = (await world.tokens(client))["access_token"]
    await world.client("rs", introspect=True, resources=("https://api.example",))
    await caller.ask("updateClientLockFlag", "app", True)
    assert (await world.token(grant_type="client_credentials")).status == 401
    assert (await caller.ask("getClient", "app")).locked
    await caller.ask("updateClientLockFlag", "app", False)
    assert await world.is_active(token)


# listed


async def test_an_algorithm_that_the_sdk_does_not_know_is_told_by_its_name(caller: Backend) -> None:
    """Authlete tier 2, client get: EdDSA is so called there, too; version 1.3.0 of the Python SDK lacks the word."""
    await caller.world.client(id_token_signed_response_alg=SigningAlgorithm.EDDSA)
    response = await caller.http.get("/api/client/get/app", headers=basic(API_KEY, API_SECRET))
    assert (await response.json())["idTokenSignAlg"] == "EdDSA"


async def test_clients_are_listed_in_windows(caller: Backend) -> None:
    """Authlete tier 2, client list: each once, never a secret."""
    for number in range(1, 9):
        await caller.world.client(str(number))
    await caller.ask("getClientList", end=8)  # their numbers are made now: windows move while keys come and go
    pages = [await caller.ask("getClientList", start=start, end=start + 3) for start in (0, 3, 6)]
    assert [(len(page.clients), page.totalCount) for page in pages] == [(3, 8), (3, 8), (2, 8)]
    assert {one.clientId for page in pages for one in page.clients} == set(range(1, 9))
    assert len((await caller.ask("getClientList")).clients) == 5
    assert (await caller.ask("getClientList", developer="somebody")).totalCount == 0
    response = await caller.http.get("/api/client/get/list?end=100", headers=basic(API_KEY, API_SECRET))
    assert "sha256" not in await response.text()


@pytest.mark.parametrize(
    ("path", "members"),
    [
        ("/client/lock_flag/update/app", {}),
        ("/client/lock_flag/update/app", {"clientLocked": "perhaps"}),
        ("/client/lock_flag/update/app", {"clientLocked": None}),
        ("/client/update/app", {}),
        ("/client/update/app", {"redirectUris": None}),
    ],
)
async def test_a_call_that_says_nothing_changes_nothing(caller: Backend, path: str, members: dict[str, Any]) -> None:
    """Authlete tier 2, client update and lock."""
    before = await caller.world.client()
    assert (await caller.post(path, members)).status == 400
    assert await caller.world.issuer.store.clients.read("app") == before
