"""Tokens made, changed, ended and listed by API, with Authlete's SDK as it is (Authlete tier 2, token admin)."""

from typing import Any

import pytest
from authlete.types.grant_type import GrantType

from service.admin import audit, users
from tests.deciding import API_KEY, API_SECRET, Backend
from tests.fronts.decision_api.token_administering import (
    EVERY,
    FORBIDDEN,
    NUMBER,
    app,
    create,
    property_of,
    revoke,
    update,
)
from tests.world import World, basic

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
    assert (made.scopes, made.tokenType) == (["read", "write"], "Bearer")
    assert made.expiresIn == 3600
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
    assert made.expiresIn in (77, 76), "a second may end while it is made"
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


BAD = [
    pytest.param({"clientId": 99}, "", id="an unknown client"),
    pytest.param({"clientId": 0}, "", id="no client"),
    pytest.param({"clientId": 10**18}, "", id="a large number"),
    pytest.param({"subject": None}, "subject", id="nobody"),
    pytest.param({"subject": "two words"}, "subject", id="a subject with a blank"),
    pytest.param({"subject": "a" * 256}, "subject", id="a subject without end"),
    pytest.param({"grantType": "CLIENT_CREDENTIALS"}, "subject", id="somebody for a client alone"),
    pytest.param({"grantType": "REFRESH_TOKEN"}, "grantType", id="refresh_token"),
    pytest.param({"grantType": "PRE_AUTHORIZED_CODE"}, "grantType", id="a grant type that is not here"),
    pytest.param({"grantType": "authorisation"}, "grantType", id="no grant type at all"),
    pytest.param({"grantType": None}, "grantType", id="none"),
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


# who did it


async def test_what_a_backend_changes_is_in_the_audit_log_and_no_token_is(caller: Backend) -> None:
    """By the API key, over the grant's id: what a token is named by may be the token itself."""
    world = caller.world
    client = await app(world)
    made = await create(caller)
    await update(caller, accessToken=made.accessToken, scopes=["write"])
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
