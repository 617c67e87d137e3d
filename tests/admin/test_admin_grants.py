"""Operators issue codes by the rules of the authorization endpoint, and look after grants."""

from typing import Any

import pytest

from service.admin import client_ending, grants, users
from service.admin.errors import AdminError, InvalidInput, NotFound
from service.admin.grants import CodeInput
from service.admin.operations.grants import ShownGrant
from service.protocol.pkce import s256
from tests.person import Person
from tests.world import CALLBACK, VERIFIER, World

CHALLENGE = s256(VERIFIER)
S256 = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
AUDIENCES = ("https://one.example", "https://two.example")


async def issue(world: World, **members: Any) -> str:
    given = CodeInput.read({"client": "app", "user": "alice", **members})
    return (await grants.issue_code(world.issuer, given)).code


async def first_grant(world: World) -> str:
    return (await grants.list_of_user(world.issuer, "alice")).rows[0].grant_id


# issuing a code


async def test_a_code_buys_tokens_for_the_user(world: World) -> None:
    await world.client(audiences=AUDIENCES)
    await world.user(subject="u-1")
    code = await issue(world, scope="read write", resources=AUDIENCES[:1], redirect_uri=CALLBACK, **S256)
    response = await world.redeem(code, code_verifier=VERIFIER)
    assert response.status == 200, await response.text()
    told = await world.introspect((await response.json())["access_token"])
    assert (told["sub"], told["username"], told["scope"]) == ("u-1", "alice", "read write")
    assert told["aud"] == [AUDIENCES[0]]


async def test_what_is_left_out_follows_the_client(world: World) -> None:
    await world.client(default_scope="write")
    await world.user()
    given = CodeInput.read({"client": "app", "user": "alice"})
    code = await grants.issue_code(world.issuer, given)
    assert code.expires_in == 60
    response = await world.post("/token", {"grant_type": "authorization_code", "code": code.code})
    assert (await response.json())["scope"] == "write"


async def test_a_redirect_uri_that_was_given_must_be_repeated(world: World) -> None:
    await world.client()
    await world.user()
    code = await issue(world, redirect_uri=CALLBACK)
    assert (await world.post("/token", {"grant_type": "authorization_code", "code": code})).status == 400
    assert (await world.redeem(code)).status == 200


async def test_properties_reach_those_they_are_for(world: World) -> None:
    await world.client()
    await world.user()
    members = [
        {"name": "tenant", "value": 42, "in_token_response": True, "in_introspection": True},
        {"name": "shown", "value": "a", "in_token_response": True},
        {"name": "told", "value": ["b"], "in_introspection": True},
        {"name": "scope", "value": "kept"},
    ]
    code = await issue(world, properties=members)
    tokens = await (await world.post("/token", {"grant_type": "authorization_code", "code": code})).json()
    told = await world.introspect(tokens["access_token"])
    assert (tokens["tenant"], tokens["shown"], tokens.get("told"), tokens["scope"]) == (42, "a", None, "read")
    assert (told["tenant"], told.get("shown"), told["told"], told["scope"]) == (42, None, ["b"], "read")
    shown = ShownGrant.of(await grants.get_grant(world.issuer, await first_grant(world))).body
    assert [member["name"] for member in shown["properties"]] == ["tenant", "shown", "told", "scope"]


REFUSED: list[tuple[dict[str, Any], dict[str, Any], type[AdminError], str]] = [
    ({}, {"client": "nobody"}, NotFound, "there is no client 'nobody'"),
    ({}, {"user": "nobody"}, NotFound, "there is no user 'nobody'"),
    ({"enabled": False}, {}, InvalidInput, "client app is disabled"),
    ({"grant_types": ("password",)}, {}, InvalidInput, "not registered for the grant type authorization_code"),
    ({}, {"scope": "admin"}, InvalidInput, "invalid_scope: The scope admin is unknown or not allowed"),
    ({}, {"redirect_uri": "https://evil.example/"}, InvalidInput, "invalid_request: redirect_uri is not registered"),
    ({"redirect_uris": (CALLBACK, CALLBACK + "2")}, {}, InvalidInput, "invalid_request: redirect_uri is required"),
    ({"require_pkce": True}, {}, InvalidInput, "invalid_request: code_challenge is required"),
    ({}, {"code_challenge": CHALLENGE}, InvalidInput, "invalid_request: code_challenge_method must be S256"),
    (
        {},
        {"code_challenge": "x", "code_challenge_method": "S256"},
        InvalidInput,
        "code_challenge must be the 43 characters of base64url that S256 makes",
    ),
    ({}, {"code_challenge_method": "S256"}, InvalidInput, "code_challenge_method is given without code_challenge"),
    ({"audiences": AUDIENCES}, {"resources": ["https://evil.example"]}, InvalidInput, "invalid_target"),
    ({}, {"properties": [{"name": "iss", "value": 1, "in_token_response": True}]}, InvalidInput, "iss is a registered"),
    ({}, {"state": "x"}, InvalidInput, "state: there is no such member"),
]


@pytest.mark.parametrize(("client", "members", "kind", "text"), REFUSED, ids=[text for *_, text in REFUSED])
async def test_a_code_is_refused(
    world: World, client: dict[str, Any], members: dict[str, Any], kind: type[AdminError], text: str
) -> None:
    await world.client(**client)
    await world.user()
    with pytest.raises(kind, match=text):
        await issue(world, **members)
    assert world.ends(":code:") == {}


async def test_a_public_client_needs_a_challenge(world: World) -> None:
    await world.public_client("app")
    await world.user()
    with pytest.raises(InvalidInput, match="code_challenge is required"):
        await issue(world)
    assert await issue(world, **S256)


async def test_the_setting_can_require_a_challenge_of_all(world: World) -> None:
    await world.client()
    await world.user()
    async with world.having(require_pkce=True) as strict:
        with pytest.raises(InvalidInput, match="code_challenge is required"):
            await issue(strict)


async def test_a_plain_challenge_is_for_clients_that_may(world: World) -> None:
    await world.client(allow_plain_pkce=True)
    await world.user()
    code = await issue(world, code_challenge=VERIFIER, code_challenge_method="plain")
    form = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER}
    assert (await world.post("/token", form)).status == 200


async def test_a_disabled_user_gets_no_code(world: World) -> None:
    await world.client()
    await world.user()
    await users.disable_user(world.issuer, "alice")
    with pytest.raises(InvalidInput, match="user alice is disabled"):
        await issue(world)


# looking


async def test_the_grants_of_a_user_come_in_pages(world: World) -> None:
    app = await world.client()
    await world.user()
    for _ in range(5):
        await world.tokens(app)
    await world.tokens(app, subject="bob")
    found, cursor, pages = set(), "", 0
    while pages == 0 or cursor:
        page, cursor = await grants.list_of_user(world.issuer, "alice", cursor, limit=2)
        found |= {known.grant_id for known in page}
        pages += 1
    assert (len(found), pages) == (5, 3)
    for bad in ("x", "-1", "0:0"):
        with pytest.raises(InvalidInput, match="is not a cursor"):
            await grants.list_of_user(world.issuer, "alice", bad)
    with pytest.raises(NotFound):
        await grants.list_of_user(world.issuer, "nobody")


async def test_the_grants_of_a_client_are_found_among_everything(any_world: World) -> None:
    world = any_world
    app, other = await world.client(), await world.client("other")
    for subject in ("alice", "bob", "a:access:b", "seventeen-letters"):  # names that look like keys of grants
        await world.user(subject)
        await world.tokens(app, subject=subject)
    await world.tokens(other)
    await world.token(grant_type="client_credentials")
    found: dict[str, str] = {}
    cursor, first = "", True
    while first or cursor:
        page, cursor = await grants.list_of_client(world.issuer, "app", cursor, limit=2)
        found |= {known.grant_id: known.grant.subject for known in page}
        first = False
    assert sorted(found.values()) == ["", "a:access:b", "alice", "bob", "seventeen-letters"]
    for grant_id, subject in found.items():
        assert (await grants.get_grant(world.issuer, grant_id)).grant.subject == subject
    with pytest.raises(InvalidInput, match="is not a cursor"):
        await grants.list_of_client(world.issuer, "app", "x")


async def test_a_grant_tells_when_it_ends(world: World) -> None:
    app = await world.client(refresh_idle_lifetime=1000)
    await world.user()
    await world.tokens(app)
    known = await grants.get_grant(world.issuer, await first_grant(world))
    assert abs(known.ends_at - known.grant.issued_at - 3600) <= 1
    described = ShownGrant.of(known).body
    assert described["client_id"] == "app"
    assert described["username"] == "alice"
    assert described["active"]


async def test_grants_of_a_disabled_client_sleep_and_those_of_a_revoked_one_are_gone(world: World) -> None:
    app = await world.client()
    await world.user()
    await world.tokens(app)
    grant_id = await first_grant(world)
    await client_ending.disable_client(world.issuer, "app")
    assert not (await grants.get_grant(world.issuer, grant_id)).active
    await client_ending.enable_client(world.issuer, "app")
    assert (await grants.get_grant(world.issuer, grant_id)).active
    await client_ending.revoke_client(world.issuer, "app")
    assert (await grants.list_of_user(world.issuer, "alice")).rows == []
    with pytest.raises(NotFound):
        await grants.get_grant(world.issuer, grant_id)


# ending


async def test_revoking_a_grant_ends_its_tokens(world: World) -> None:
    app = await world.client()
    await world.user()
    tokens = await world.tokens(app)
    grant_id = await first_grant(world)
    await grants.revoke_grant(world.issuer, grant_id)
    assert not await world.is_active(tokens["access_token"])
    assert not await world.is_active(tokens["refresh_token"])
    with pytest.raises(NotFound, match="it was ended, or has expired"):
        await grants.revoke_grant(world.issuer, grant_id)


async def test_revoking_the_grant_of_a_client_itself_ends_its_token(any_world: World) -> None:
    world = any_world
    await world.client()
    token = (await (await world.token(grant_type="client_credentials")).json())["access_token"]
    grant_id = token[6:28]
    assert (await grants.get_grant(world.issuer, grant_id)).grant.grant_type == "client_credentials"
    await grants.revoke_grant(world.issuer, grant_id)
    assert not await world.is_active(token)
    with pytest.raises(NotFound):
        await grants.revoke_grant(world.issuer, grant_id)


@pytest.mark.parametrize("grant_id", ["", "*", "*" * 22, "[a-z]" * 4 + "ab", "x" * 21, "ä" * 22, "x" * 22 + "\n"])
async def test_what_is_no_grant_id_ends_nothing(world: World, grant_id: str) -> None:
    await world.client()
    token = (await (await world.token(grant_type="client_credentials")).json())["access_token"]
    with pytest.raises(NotFound, match="a grant id has 22"):
        await grants.revoke_grant(world.issuer, grant_id)
    with pytest.raises(NotFound, match="a grant id has 22"):
        await grants.get_grant(world.issuer, grant_id)
    assert await world.is_active(token)


async def test_of_a_users_grants_it_is_told_how_many_ended(world: World) -> None:
    app, other = await world.client(), await world.client("other")
    await world.user()
    of_app = [await world.tokens(app) for _ in range(3)]
    of_other = [await world.tokens(other) for _ in range(2)]
    assert await grants.revoke_of_user(world.issuer, "alice", "app") == 3
    assert [await world.is_active(tokens["access_token"]) for tokens in of_app] == [False] * 3
    assert [await world.is_active(tokens["access_token"], "other") for tokens in of_other] == [True] * 2
    assert await grants.revoke_of_user(world.issuer, "alice") == 2
    assert await grants.revoke_of_user(world.issuer, "alice") == 0
    assert await world.tokens(app)


async def test_a_grant_is_found_by_its_id_token(world: World) -> None:
    """IA-37: expired or not; not by what only looks like one, and not once the grant has ended."""
    await world.openid_client()
    await world.user()
    shown = await Person(world).sign_in(scope="openid read")
    body = await (await world.redeem(shown.answer["code"], code_verifier=VERIFIER)).json()
    found = await grants.open_by_id_token(world.issuer, body["id_token"])
    assert (found.grant.client_id, found.grant.scope, found.active) == ("app", "openid read", True)
    for wrong in (body["access_token"], body["id_token"][:-3], "", "x.y.z"):
        with pytest.raises(NotFound):
            await grants.open_by_id_token(world.issuer, wrong)
    await grants.revoke_grant(world.issuer, found.grant_id)
    with pytest.raises(NotFound):
        await grants.open_by_id_token(world.issuer, body["id_token"])
