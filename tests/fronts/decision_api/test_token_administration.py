"""Tokens made, changed, ended and listed by API, with Authlete's SDK as it is (Authlete tier 2, token admin)."""

import json
from typing import Any

import pytest
from authlete.api import AuthleteApiException
from authlete.dto import Property, TokenCreateRequest, TokenRevokeRequest, TokenUpdateRequest
from authlete.types.grant_type import GrantType

from service.admin import audit, users
from service.protocol.credentials import parse
from tests.deciding import API_KEY, API_SECRET, Backend
from tests.world import ALL_GRANT_TYPES, SECRET, World, basic

NUMBER = 4711
URN = "urn:ietf:params:oauth:grant-type:"
EVERY = (*ALL_GRANT_TYPES, "implicit", f"{URN}jwt-bearer", f"{URN}token-exchange")


def request_of(kind: type, **members: Any) -> Any:
    """A request object of the SDK with these members."""
    made = kind()
    for name, value in members.items():
        setattr(made, name, value)
    return made


def property_of(key: str, value: str, *, hidden: bool = False) -> Property:
    return Property({"key": key, "value": value, "hidden": hidden})


async def create(caller: Backend, **members: Any) -> Any:
    """A token for the client 4711: of alice, by code, unless said otherwise."""
    wished = {"grantType": GrantType.AUTHORIZATION_CODE, "clientId": NUMBER, "subject": "alice"}
    return await caller.ask("tokenCreate", request_of(TokenCreateRequest, **(wished | members)))


async def update(caller: Backend, **members: Any) -> Any:
    return await caller.ask("tokenUpdate", request_of(TokenUpdateRequest, **members))


async def revoke(caller: Backend, **members: Any) -> int:
    return int((await caller.ask("tokenRevoke", request_of(TokenRevokeRequest, **members))).count)


async def app(world: World, client_id: str = str(NUMBER), **changes: Any) -> Any:
    return await world.client(client_id, **({"grant_types": EVERY} | changes))


# made


@pytest.mark.parametrize(
    ("grant_type", "refreshes"),
    [
        (GrantType.AUTHORIZATION_CODE, True),
        (GrantType.PASSWORD, True),
        (GrantType.JWT_BEARER, False),
        (GrantType.TOKEN_EXCHANGE, False),
        (GrantType.IMPLICIT, False),
    ],
)
async def test_a_created_token_is_one_like_any_other(caller: Backend, grant_type: GrantType, refreshes: bool) -> None:
    """Authlete tier 2, token create; AU-16, AU-18, AU-19, AU-24, AU-25, AU-28, AU-29: a person's token, found by
    introspection, refreshed, and revoked as one that a flow brought.
    """
    world = caller.world
    await app(world)
    made = await create(caller, grantType=grant_type, scopes=["read", "write"])
    assert (made.action.name, made.grantType, made.clientId, made.subject) == ("OK", grant_type, NUMBER, "alice")
    assert (made.scopes, made.tokenType, made.expiresIn) == (["read", "write"], "Bearer", 3600)
    seen = await world.introspect(made.accessToken, str(NUMBER))
    assert (seen["active"], seen["sub"], seen["scope"]) == (True, "alice", "read write")
    assert (seen["exp"] * 1000, seen["jti"]) == (made.expiresAt, made.tokenId)
    assert bool(made.refreshToken) is refreshes
    if refreshes:
        renewed = await (await world.refresh(made.refreshToken, str(NUMBER))).json()
        assert await world.is_active(renewed["access_token"], str(NUMBER))
    assert (await world.revoke(made.accessToken, str(NUMBER))).status == 200
    assert not await world.is_active(made.accessToken, str(NUMBER))


async def test_a_created_token_of_a_client_itself(caller: Backend) -> None:
    """Authlete tier 2, token create; AU-28: client_credentials, without subject and refresh token."""
    await app(caller.world)
    made = await create(caller, grantType=GrantType.CLIENT_CREDENTIALS, subject=None, scopes=["write"])
    assert (made.action.name, made.subject, made.refreshToken) == ("OK", None, None)
    assert (await caller.world.introspect(made.accessToken, str(NUMBER)))["scope"] == "write"


async def test_a_created_token_opens_userinfo(caller: Backend) -> None:
    """Authlete tier 2, token create: with openid, for a person whom the directory knows."""
    world = caller.world
    await world.user("alice", claims={"email": "alice@example.com"})
    await world.openid_client(str(NUMBER))
    made = await create(caller, scopes=["openid", "email"])
    response = await world.http.get("/userinfo", headers={"Authorization": f"Bearer {made.accessToken}"})
    assert (await response.json()) == {"sub": "alice", "email": "alice@example.com"}


async def test_durations_are_times_to_live(caller: Backend) -> None:
    """AU-17, AU-18, AU-20: seconds that the caller chose end the keys, and nothing else does (P4)."""
    await app(caller.world)
    made = await create(caller, accessTokenDuration=77, refreshTokenDuration=990)
    assert made.expiresIn == 77
    (access,) = caller.world.ends(":access:").values()
    (refresh,) = caller.world.ends(":refresh:").values()
    assert (access * 1000, refresh - access) == (made.expiresAt, 990 - 77)


async def test_what_is_told_at_creation_comes_back(caller: Backend) -> None:
    """AU-30, IA-21: properties in the token response and introspection, unless hidden; acr and authTime in the grant."""
    world = caller.world
    await app(world, audiences=("https://api.example",))
    told = [property_of("tier", "gold"), property_of("score", "7", hidden=True)]
    made = await create(
        caller, properties=told, acr="urn:acr:2", authTime=1_700_000_000, resources=["https://api.example"]
    )
    assert [(one.key, one.value, one.hidden) for one in made.properties] == [
        ("tier", "gold", False),
        ("score", "7", True),
    ]
    grant = await world.issuer.store.grants.open(made.tokenId[:22])
    assert grant is not None
    assert (grant.grant.acr, grant.grant.auth_time) == ("urn:acr:2", 1_700_000_000)
    seen = await world.introspect(made.accessToken, str(NUMBER))
    assert (seen["tier"], seen["aud"], "score" in seen) == ("gold", ["https://api.example"], False)
    renewed = await (await world.refresh(made.refreshToken, str(NUMBER))).json()
    assert (renewed["tier"], "score" in renewed) == ("gold", False)


async def test_redis_holds_nothing_that_was_created_in_clear(caller: Backend) -> None:
    """Authlete tier 2, token create: hashes only (P5)."""
    await app(caller.world)
    made = await create(caller)
    dump = " ".join(
        f"{key} {node.admin.dump(key)!r}"
        for node in caller.world.redis.primaries()
        for key in node.admin.scan_iter("*")
    )
    assert made.accessToken[28:] not in dump
    assert made.refreshToken[28:] not in dump


async def test_a_client_is_named_by_number_alias_or_client_id(caller: Backend) -> None:
    """AU-25, AU-26: whichever way, and the number comes back."""
    await app(caller.world, "web", alias="shop")
    numbers = set()
    for name in ("web", "shop"):
        body = await caller.answer("/auth/token/create", grantType="PASSWORD", clientId=name, subject="alice")
        numbers.add(body["clientId"])
    (number,) = numbers
    assert (await create(caller, clientId=number)).clientId == number


FORBIDDEN = [
    pytest.param({"scopes": ["read", "admin"]}, "admin", id="a scope that the client may not have"),
    pytest.param({"resources": ["https://other.example"]}, "invalid_target", id="a resource that it may not have"),
    pytest.param({"clientId": 12}, "disabled", id="a disabled client"),
    pytest.param({"clientId": 13}, "not registered", id="a grant type that it is not registered for"),
    pytest.param({"subject": "mallory"}, "invalid_grant", id="a disabled person"),
    pytest.param(
        {"clientId": 14, "grantType": "CLIENT_CREDENTIALS", "subject": None}, "confidential", id="a public client alone"
    ),
]
BAD = [
    pytest.param({"clientId": 99}, "", id="an unknown client"),
    pytest.param({"clientId": 0}, "", id="no client"),
    pytest.param({"clientId": 10**18}, "", id="a large number"),
    pytest.param({"subject": None}, "subject", id="nobody"),
    pytest.param({"subject": "two words"}, "subject", id="a subject with a blank"),
    pytest.param({"subject": "a" * 256}, "subject", id="a subject without end"),
    pytest.param({"grantType": "CLIENT_CREDENTIALS"}, "subject", id="somebody for a client alone"),
    pytest.param({"grantType": "REFRESH_TOKEN"}, "grant_type", id="refresh_token"),
    pytest.param({"grantType": "CIBA"}, "grant_type", id="a grant type that is not here"),
    pytest.param({"grantType": "authorisation"}, "grant_type", id="no grant type at all"),
    pytest.param({"grantType": None}, "grant_type", id="none"),
    pytest.param({"scopes": ['quo"te']}, "scopes", id="a malformed scope"),
    pytest.param({"properties": [{"key": "scope", "value": "admin"}]}, "properties", id="a registered member"),
    pytest.param({"properties": [{"key": "a"}, {"key": "a"}]}, "properties", id="a property twice"),
    pytest.param({"resources": ["https://api.example/#x"]}, "resources", id="a resource with a fragment"),
]
UNREADABLE = [
    {"accessTokenDuration": -1},
    {"accessTokenDuration": 10**12},
    {"accessTokenDuration": "long"},
    {"authTime": 10**18},
    {"scopes": {"read": True}},
    {"scopes": [1, 2]},
    {"scopes": [["read"]]},
    {"properties": "x"},
    {"properties": [{"value": "x"}]},
    {"properties": [7]},
    {"subject": ["alice"]},
    {"clientId": {"$gt": 0}},
    {"clientId": 10**30},
]
NOT_HERE = [
    {"accessToken": "mine"},
    {"accessToken": "mm_at_" + "A" * 65},
    {"refreshToken": "mm_rt_" + "A" * 65},
    {"accessTokenPersistent": True},
    {"certificateThumbprint": "abc"},
    {"dpopKeyThumbprint": "abc"},
    {"authorizationDetails": {"elements": [{"type": "x"}]}},
    {"forExternalAttachment": True},
    {"jwtAtClaims": "{}"},
]


async def _prepared(world: World) -> None:
    await app(world, audiences=("https://api.example",))
    await app(world, "12", enabled=False)
    await app(world, "13", grant_types=("client_credentials",))
    await world.public_client("14", grant_types=EVERY)
    await world.user("mallory", "12345678")
    await users.disable_user(world.issuer, "mallory")


def _members(changes: dict[str, Any]) -> dict[str, Any]:
    return {"grantType": "AUTHORIZATION_CODE", "clientId": NUMBER, "subject": "alice"} | changes


@pytest.mark.parametrize(
    ("action", "changes", "told"),
    [pytest.param("FORBIDDEN", *row.values, id=row.id) for row in FORBIDDEN]
    + [pytest.param("BAD_REQUEST", *row.values, id=row.id) for row in BAD],
)
async def test_what_cannot_be_created(caller: Backend, action: str, changes: dict[str, Any], told: str) -> None:
    """Authlete tier 2, token create: FORBIDDEN for what they may not have, BAD_REQUEST for what makes no sense."""
    await _prepared(caller.world)
    answer = await caller.answer("/auth/token/create", **_members(changes))
    assert (answer["action"], told in answer["resultMessage"]) == (action, True), answer
    assert (await caller.ask("getTokenList")).totalCount == 0


@pytest.mark.parametrize(("code", "changes"), [("M000003", c) for c in UNREADABLE] + [("M000007", c) for c in NOT_HERE])
async def test_what_cannot_be_read_or_promised_is_refused(caller: Backend, code: str, changes: dict[str, Any]) -> None:
    """Authlete tier 2, token create: a chosen value or a binding that would not hold is refused, not passed over."""
    await _prepared(caller.world)
    response = await caller.post("/auth/token/create", _members(changes))
    body = await response.json()
    assert (response.status, body["resultCode"]) == (400, code), body
    assert not caller.world.key_names(":access:")


async def test_a_form_creates_a_token_too(caller: Backend) -> None:
    """Authlete tier 2, token create: form bodies as well as JSON."""
    await app(caller.world)
    form = {"grantType": "PASSWORD", "clientId": str(NUMBER), "subject": "alice", "scopes": "read write"}
    response = await caller.http.post("/api/auth/token/create", data=form, headers=basic(API_KEY, API_SECRET))
    assert (await response.json())["scopes"] == ["read", "write"]


# changed


async def test_an_update_holds_for_the_token_and_what_a_refresh_brings(caller: Backend) -> None:
    """Authlete tier 2, token update: scopes, properties and expiry, by the token itself; AU-29, AU-30."""
    world = caller.world
    await app(world)
    made = await create(caller, scopes=["read", "write"])
    later = made.expiresAt + 60_000
    changed = await update(
        caller,
        accessToken=made.accessToken,
        scopes=["read"],
        properties=[property_of("tier", "iron")],
        accessTokenExpiresAt=later,
        refreshTokenExpiresAt=later + 60_000,
    )
    assert (changed.action.name, changed.scopes, changed.accessToken) == ("OK", ["read"], made.accessToken)
    assert (changed.accessTokenExpiresAt, changed.refreshTokenExpiresAt) == (later, later + 60_000)
    assert changed.properties[0].value == "iron"
    seen = await world.introspect(made.accessToken, str(NUMBER))
    assert (seen["scope"], seen["tier"], seen["exp"] * 1000) == ("read", "iron", later)
    renewed = await (await world.refresh(made.refreshToken, str(NUMBER))).json()
    assert (renewed["scope"], renewed["tier"]) == ("read", "iron")


@pytest.mark.parametrize("name", ["accessTokenHash", "tokenId"])
async def test_an_update_by_hash(caller: Backend, name: str) -> None:
    """Authlete tier 2, token update: by hash or id; what is not named stays."""
    await app(caller.world)
    made = await create(caller, scopes=["read"], properties=[property_of("tier", "gold")])
    changed = await update(caller, **{name: made.tokenId}, scopes=["read", "write"])
    assert (changed.accessToken, changed.accessTokenExpiresAt) == (None, made.expiresAt)
    seen = await caller.world.introspect(made.accessToken, str(NUMBER))
    assert (seen["scope"], seen["tier"]) == ("read write", "gold")


async def test_an_update_of_a_clients_own_token(caller: Backend) -> None:
    """Authlete tier 2, token update: client_credentials, whose token is all there is."""
    await app(caller.world)
    made = await create(caller, grantType=GrantType.CLIENT_CREDENTIALS, subject=None, scopes=["read", "write"])
    changed = await update(
        caller, accessToken=made.accessToken, scopes=["write"], accessTokenExpiresAt=made.expiresAt - 9000
    )
    assert (changed.action.name, changed.refreshTokenExpiresAt) == ("OK", 0)
    seen = await caller.world.introspect(made.accessToken, str(NUMBER))
    assert (seen["scope"], seen["exp"] * 1000) == ("write", made.expiresAt - 9000)
    assert list(caller.world.ends(":access:").values()) == [made.expiresAt // 1000 - 9]


async def test_a_token_never_has_more_than_its_grant(caller: Backend) -> None:
    """Authlete tier 2, token update: what is taken from one token of a grant is taken from its others, too."""
    world = caller.world
    await app(world)
    made = await create(caller, scopes=["read", "write"])
    narrowed = await (await world.refresh(made.refreshToken, str(NUMBER), scope="write")).json()
    await update(caller, accessToken=made.accessToken, scopes=["read"])
    assert "scope" not in await world.introspect(narrowed["access_token"], str(NUMBER))


@pytest.mark.parametrize(
    ("action", "changes"),
    [
        ("FORBIDDEN", {"scopes": ["admin"]}),
        ("BAD_REQUEST", {"accessTokenExpiresAt": 1000}),
        ("BAD_REQUEST", {"accessTokenExpiresAt": 1_000_000_000_000}),
        ("BAD_REQUEST", {"refreshTokenExpiresAt": 1_000_000_000_000}),
        ("BAD_REQUEST", {"scopes": ['"']}),
        ("BAD_REQUEST", {"properties": [{"key": "access_token", "value": "x"}]}),
        ("NOT_FOUND", {"accessToken": "nothing"}),
        ("NOT_FOUND", {"accessToken": "mm_at_" + "A" * 65}),
        ("NOT_FOUND", {"accessToken": None}),
        ("NOT_FOUND", {"accessToken": None, "tokenId": "*" * 44}),
        ("NOT_FOUND", {"accessToken": None, "tokenId": "A" * 44}),
        ("BAD_REQUEST", {"accessToken": None, "tokenId": "A" * 22}),
    ],
)
async def test_an_update_that_is_refused_changes_nothing(caller: Backend, action: str, changes: dict[str, Any]) -> None:
    """Authlete tier 2, token update: BAD_REQUEST, FORBIDDEN, NOT_FOUND; all or nothing."""
    await app(caller.world)
    made = await create(caller, scopes=["read", "write"])
    before = await caller.world.introspect(made.accessToken, str(NUMBER))
    members = {
        "accessToken": made.accessToken,
        "scopes": ["read"],
        "properties": [{"key": "a", "value": "b"}],
    } | changes
    answer = await caller.answer("/auth/token/update", **members)
    assert answer["action"] == action, answer
    assert await caller.world.introspect(made.accessToken, str(NUMBER)) == before


@pytest.mark.parametrize(
    "changes", [{"accessTokenPersistent": True}, {"accessTokenValueUpdated": True}, {"dpopKeyThumbprint": "x"}]
)
async def test_an_update_to_what_is_not_here_is_refused(caller: Backend, changes: dict[str, Any]) -> None:
    """Authlete tier 2, token update."""
    await app(caller.world)
    made = await create(caller)
    with pytest.raises(AuthleteApiException) as refused:
        await update(caller, accessToken=made.accessToken, **changes)
    assert "M000007" in str(refused.value)


async def test_a_refresh_token_is_no_access_token_to_update(caller: Backend) -> None:
    """Authlete tier 2, token update."""
    await app(caller.world)
    made = await create(caller)
    assert (await update(caller, accessToken=made.refreshToken, scopes=[])).action.name == "NOT_FOUND"


async def test_properties_of_the_token_itself_stay_but_for_those_that_are_set(caller: Backend) -> None:
    """Authlete tier 2, token update; AU-30: what a token request (or a hook) attached to its access token alone."""
    world = caller.world
    await app(world)
    made = await create(caller, properties=[property_of("k", "0")])
    members = {
        "parameters": f"grant_type=refresh_token&refresh_token={made.refreshToken}",
        "clientId": str(NUMBER),
        "clientSecret": SECRET,
        "properties": [{"key": "n", "value": "1"}, {"key": "m", "value": "1"}],
    }
    token = (await caller.answer("/auth/token", **members))["accessToken"]
    assert (await world.introspect(token, str(NUMBER)))["n"] == "1"
    await update(caller, accessToken=token, properties=[property_of("m", "2")])
    seen = await world.introspect(token, str(NUMBER))
    assert (seen["n"], seen["m"], "k" in seen) == ("1", "2", False)


# ended


@pytest.mark.parametrize("name", ["accessToken", "tokenId", "refreshToken"])
async def test_a_deleted_token_takes_its_grant_with_it(caller: Backend, name: str) -> None:
    """Authlete tier 2, token delete: by the token, its hash, or the refresh token beside it."""
    world = caller.world
    await app(world)
    made = await create(caller)
    await caller.ask("tokenDelete", getattr(made, name))
    assert not await world.is_active(made.accessToken, str(NUMBER))
    assert (await world.refresh(made.refreshToken, str(NUMBER))).status == 400
    with pytest.raises(AuthleteApiException) as refused:
        await caller.ask("tokenDelete", getattr(made, name))
    assert "M300004" in str(refused.value)


async def test_a_deleted_token_of_a_client_itself(caller: Backend) -> None:
    """Authlete tier 2, token delete: client_credentials."""
    await app(caller.world)
    made = await create(caller, grantType=GrantType.CLIENT_CREDENTIALS, subject=None)
    await caller.ask("tokenDelete", made.tokenId)
    assert not caller.world.key_names(":access:")


@pytest.mark.parametrize("name", ["nothing", "*", "A" * 22, "A" * 44, "mm_at_" + "A" * 65, "a.b.c", "%2e%2e"])
async def test_what_is_no_token_cannot_be_deleted(caller: Backend, name: str) -> None:
    """Authlete tier 2, token delete: 404 with a result code."""
    with pytest.raises(AuthleteApiException) as refused:
        await caller.ask("tokenDelete", name)
    assert "M300004" in str(refused.value)


async def test_revocation_by_token_person_and_client(caller: Backend) -> None:
    """Authlete tier 2, token revoke; IA-40: how many grants ended, exactly, but for a client as a whole."""
    world = caller.world
    await app(world)
    await app(world, "12")
    tokens = {
        name: await create(caller, clientId=client, subject=subject)
        for name, (client, subject) in {
            "one": (NUMBER, "alice"),
            "two": (NUMBER, "alice"),
            "three": (12, "alice"),
            "four": (NUMBER, "bob"),
            "five": (12, "bob"),
            "six": (NUMBER, "carol"),
        }.items()
    }

    async def living() -> set[str]:
        credentials = {name: parse(made.accessToken) for name, made in tokens.items()}
        store = world.issuer.store.tokens
        return {name for name, one in credentials.items() if one and await store.open_by_token(one) is not None}

    assert await revoke(caller, accessTokenIdentifier=tokens["one"].tokenId) == 1
    assert await revoke(caller, accessTokenIdentifier=tokens["one"].accessToken) == 0
    assert await revoke(caller, accessTokenIdentifier=tokens["two"].refreshToken) == 0
    assert await revoke(caller, refreshTokenIdentifier=tokens["two"].refreshToken) == 1
    assert await living() == {"three", "four", "five", "six"}
    assert await revoke(caller, clientIdentifier="12", subject="alice") == 1
    assert await revoke(caller, subject="bob") == 2
    assert await living() == {"six"}
    assert await revoke(caller, clientIdentifier=str(NUMBER)) == -1
    assert not await world.is_active(tokens["six"].accessToken, str(NUMBER))


@pytest.mark.parametrize(
    ("members", "status"), [({}, 400), ({"clientIdentifier": "99"}, 404), ({"subject": "a" * 256}, 400)]
)
async def test_a_revocation_of_nothing_is_a_fault(caller: Backend, members: dict[str, Any], status: int) -> None:
    """Authlete tier 2, token revoke: nothing named is not everything."""
    response = await caller.post("/auth/token/revoke", members)
    assert (response.status, "resultCode" in await response.json()) == (status, True)


# listed


async def test_tokens_are_listed_by_person_and_client(caller: Backend) -> None:
    """Authlete tier 2, token list: by person, by client, by both, and all; hashes that delete takes, and no token."""
    await app(caller.world)
    await app(caller.world, "web")
    made = [await create(caller, scopes=["read"], properties=[property_of("n", str(n))]) for n in range(3)]
    await create(caller, subject="bob")
    own = await create(caller, grantType=GrantType.CLIENT_CREDENTIALS, subject=None)
    web = await caller.answer("/auth/token/create", grantType="PASSWORD", clientId="web", subject="alice")

    async def listed(**members: Any) -> Any:
        return await caller.ask("getTokenList", **members)

    assert [(await listed(**one)).totalCount for one in ({}, {"subject": "alice"}, {"subject": "nobody"})] == [6, 4, 0]
    page = await listed(clientIdentifier=str(NUMBER), subject="alice", start=0, end=100)
    assert (page.totalCount, page.client.clientId, page.subject) == (3, NUMBER, "alice")
    first = next(one for one in page.accessTokens if one.accessTokenHash == made[0].tokenId[:22])
    assert (first.clientId, first.subject, first.grantType.name) == (NUMBER, "alice", "AUTHORIZATION_CODE")
    assert (first.scopes, first.properties[0].value, first.lastRefreshedAt) == (["read"], "0", 0)
    assert abs(first.createdAt + 3_600_000 - made[0].expiresAt) <= 1000
    assert first.refreshTokenExpiresAt == caller.world.ends(first.refreshTokenHash[22:]).popitem()[1] * 1000
    mine = await listed(clientIdentifier=str(NUMBER), end=100)
    assert {one.subject for one in mine.accessTokens} == {"alice", "bob", None}
    assert own.tokenId in {one.accessTokenHash for one in mine.accessTokens}
    everything = (await caller.http.get("/api/auth/token/get/list?end=100", headers=_headers())).text
    text = await everything()
    assert not any(one.accessToken in text or (one.refreshToken or "mm_rt") in text for one in (*made, own))
    assert web["accessToken"] not in text
    for row in (await listed(end=100)).accessTokens:
        await caller.ask("tokenDelete", row.accessTokenHash)
    assert (await listed()).totalCount == 0
    assert not await caller.world.is_active(made[0].accessToken, str(NUMBER))


def _headers() -> dict[str, str]:
    return basic(API_KEY, API_SECRET)


async def test_a_list_comes_in_windows(caller: Backend) -> None:
    """Authlete tier 2, token list: start and end, five where nothing is said, each once."""
    await app(caller.world)
    made = {(await create(caller)).tokenId[:22] for _ in range(7)}
    for members in ({"subject": "alice"}, {"clientIdentifier": str(NUMBER)}):
        pages = [await caller.ask("getTokenList", **members, start=start, end=start + 3) for start in (0, 3, 6)]
        assert [len(page.accessTokens) for page in pages] == [3, 3, 1]
        assert {one.accessTokenHash for page in pages for one in page.accessTokens} == made
        assert len((await caller.ask("getTokenList", **members)).accessTokens) == 5


async def test_a_refreshed_grant_tells_when(caller: Backend) -> None:
    """Authlete tier 2, token list: the refresh token that counts now."""
    world = caller.world
    await app(world)
    made = await create(caller)
    await world.refresh(made.refreshToken, str(NUMBER))
    (row,) = (await caller.ask("getTokenList", subject="alice")).accessTokens
    assert row.refreshTokenHash[22:] in " ".join(world.key_names(":refresh:"))
    await caller.ask("tokenDelete", row.refreshTokenHash)
    assert (await caller.ask("getTokenList", subject="alice")).totalCount == 0


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("start=-1", 400),
        ("start=x", 400),
        ("start=5&end=2", 400),
        ("end=100000", 400),
        ("start=99999999999999999999", 400),
        ("clientIdentifier=nobody", 404),
        ("subject=" + "a" * 300, 400),
        ("start=1000&end=1001", 200),
    ],
)
async def test_hostile_windows(caller: Backend, query: str, status: int) -> None:
    """Authlete tier 2, token list: no more work than one call may cause."""
    response = await caller.http.get(f"/api/auth/token/get/list?{query}", headers=_headers())
    assert response.status == status
    assert json.loads(await response.text())["resultCode"]


# who did it


async def test_what_a_backend_changes_is_in_the_audit_log_and_no_token_is(caller: Backend) -> None:
    """By the API key, over the grant's id: what a token is named by may be the token itself."""
    world = caller.world
    client = await app(world)
    made = await create(caller)
    await update(caller, accessToken=made.accessToken, scopes=["read"])
    await update(caller, accessToken="mm_at_" + "x" * 65, scopes=["read"])
    await caller.ask("tokenDelete", made.accessToken)
    await revoke(caller, subject="alice", clientIdentifier=str(NUMBER))
    page = await audit.list_entries(world.issuer)
    entries = [placed.entry for placed in page.rows]
    grant = f"grant:{made.accessToken[6:28]}"
    assert {(entry.actor, entry.way, entry.address) for entry in entries} == {(API_KEY, "decision_api", "127.0.0.1")}
    assert [(entry.action, entry.targets, entry.result) for entry in entries] == [
        ("grant.revoke_of_user", ("user:alice", f"client:{client.client_id}"), "ok"),
        ("token.end", (grant,), "ok"),
        ("token.update", ("grant:" + "x" * 22,), "refused"),
        ("token.update", (grant,), "ok"),
        ("token.create", (f"client:{client.client_id}", "user:alice"), "ok"),
    ]
    assert entries[-2].changed == ("scopes",)
    assert made.accessToken not in str(entries)
    assert made.refreshToken not in str(entries)
