"""Tokens changed, deleted and revoked by API."""

import json
from typing import Any

import pytest
from authlete.api import AuthleteApiException
from authlete.types.grant_type import GrantType

from service.protocol.credentials import parse
from service.protocol.names import AccessTokenFormat
from tests.deciding import Backend
from tests.fronts.decision_api.token_administering import NUMBER, app, create, property_of, revoke, update
from tests.world import SECRET

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
        ("BAD_REQUEST", {"accessTokenExpiresAt": 500}),
        ("BAD_REQUEST", {"refreshTokenExpiresAt": 1}),
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
    "changes",
    [
        {"accessTokenPersistent": True},
        {"accessTokenValueUpdated": True},
        {"dpopKeyThumbprint": "x"},
        {"certificateThumbprint": "x"},
    ],
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


# the end of a JWT


@pytest.mark.parametrize("name", ["accessToken", "tokenId"])
async def test_no_update_promises_a_jwt_more_time_than_its_exp(caller: Backend, name: str) -> None:
    """A JWT cannot be changed once it is out, and is refused from its exp on (RFC 7519 section 4.1.4)."""
    await app(caller.world, access_token_format=AccessTokenFormat.JWT)
    made = await create(caller, accessTokenDuration=300)
    identifier = {name: getattr(made, name)}
    answer = await caller.answer("/auth/token/update", **identifier, accessTokenExpiresAt=made.expiresAt + 1000)
    assert (answer["action"], "a JWT ends by its own exp" in answer["resultMessage"]) == ("BAD_REQUEST", True)
    same = await update(caller, **identifier, accessTokenExpiresAt=made.expiresAt)
    assert (same.action.name, same.accessTokenExpiresAt) == ("OK", made.expiresAt)
    sooner = await update(caller, **identifier, accessTokenExpiresAt=made.expiresAt - 60_000)
    assert (sooner.action.name, sooner.accessTokenExpiresAt) == ("OK", made.expiresAt - 60_000)
    assert await _ends(caller, made.accessToken) == {made.expiresAt - 60_000}


async def test_the_jwt_beside_an_opaque_token_ends_by_its_own_exp(caller: Backend) -> None:
    """AU-23: the opaque one may live longer."""
    await app(caller.world, access_token_format=AccessTokenFormat.BOTH)
    made = await create(caller, accessTokenDuration=300)
    later = made.expiresAt + 60_000
    changed = await update(caller, accessToken=made.accessToken, accessTokenExpiresAt=later)
    assert changed.accessTokenExpiresAt == later
    assert await _ends(caller, made.accessToken) == {later}
    assert await _ends(caller, made.jwtAccessToken) == {made.expiresAt}


async def _ends(caller: Backend, token: str) -> set[int]:
    """When introspection says that it ends: ours for the caller's APIs, and that of RFC 7662 at both fronts."""
    own = await caller.answer("/auth/introspection", token=token)
    standard = await caller.answer("/auth/introspection/standard", parameters=f"token={token}")
    seen = await caller.world.introspect(token, str(NUMBER))
    return {own["expiresAt"], json.loads(standard["responseContent"])["exp"] * 1000, seen["exp"] * 1000}
