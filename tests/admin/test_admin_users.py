"""Operators create users, set their passwords, and shut them out with everything they granted."""

import asyncio
from typing import Any

import orjson
import pytest

from service.admin import users
from service.admin.errors import AlreadyExists, InvalidInput, NotFound
from service.admin.operations.users import UPDATE, ShownUser
from service.admin.users import UserInput
from service.issuer import Issuer
from service.records.user import User
from tests.person import Person
from tests.world import VERIFIER, World

PASSWORD = "wonderland"


def nested(depth: int) -> Any:
    """A list in a list in a list."""
    return orjson.loads(b"[" * depth + b"]" * depth)


async def create(issuer: Issuer, username: str = "alice", password: str | None = PASSWORD, **members: Any) -> User:
    return await users.create_user(issuer, UserInput.read({"username": username, **members}), password)


async def signs_in(world: World, username: str = "alice", password: str = PASSWORD) -> bool:
    await world.client()
    response = await world.token(grant_type="password", username=username, password=password)
    assert response.status in (200, 400)
    return response.status == 200


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"username": ""}, "username: must not be empty"),
        ({"username": "a" * 256}, "username: must have at most 255"),
        ({"username": " alice"}, "username: must not begin or end with a space"),
        ({"username": "al\x07ice"}, "username: must not hold control characters"),
        ({"username": "al\udcffice"}, "username: must be a text"),
        ({"username": "ame\u0301lie", "subject": "1"}, "username: must be in Unicode normal form C"),
        ({"username": "amélie"}, "subject: give one in printable ASCII without spaces"),
        ({"username": "alice liddell"}, "subject: give one in printable ASCII without spaces"),
        ({"username": "alice", "subject": "a b"}, "subject: must be 1 to 255 printable ASCII"),
        (
            {"username": "alice", "claims": {"sub": "bob", "iss": "me"}},
            "claims: iss, sub: the service itself says that",
        ),
        ({"username": "alice", "claims": {"at\n": 1}}, "claims.at\n: must not hold control characters"),
        ({"username": "alice", "claims": {"at": nested(11)}}, "claims.at: is nested more than 10 deep"),
        ({"username": "alice", "claims": {"at": nested(900)}}, "claims.at: is nested more than 10 deep"),
        ({"username": "alice", "password": "wonderland"}, "password: there is no such member"),
    ],
)
def test_a_fault_is_named(members: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        UserInput.read(members)
    assert str(refused.value).startswith(text)


async def test_a_user_signs_in_and_the_password_is_kept_as_argon2_only(world: World) -> None:
    user = await create(world.issuer, claims={"name": "Alice"})
    assert (user.subject, user.claims) == ("alice", {"name": "Alice"})
    assert await signs_in(world)
    assert not await signs_in(world, password="looking-glass")
    assert PASSWORD not in str(world.redis.dump())
    assert user.password_hash.startswith("$argon2id$")
    assert "argon2" not in str(ShownUser.of(user).body)


async def test_tokens_call_a_user_by_the_subject(world: World) -> None:
    await create(world.issuer, "amélie poulain", subject="u-1")
    await world.client()
    response = await world.token(grant_type="password", username="amélie poulain", password=PASSWORD)
    told = await world.introspect((await response.json())["access_token"])
    assert (told["sub"], told["username"]) == ("u-1", "amélie poulain")
    assert (await users.get_user(world.issuer, "u-1")).username == "amélie poulain"


@pytest.mark.parametrize("password", ["short12", "", "x" * 1025, "wonder\x00land", "wonder\udcffland"])
async def test_a_password_must_do(world: World, password: str) -> None:
    with pytest.raises(InvalidInput, match=r"^password: must"):
        await create(world.issuer, password=password)
    assert world.redis.keys() == []
    await create(world.issuer)
    with pytest.raises(InvalidInput, match=r"^password: must"):
        await users.set_password(world.issuer, "alice", password)


async def test_without_a_password_nobody_signs_in(world: World) -> None:
    await create(world.issuer, password=None)
    assert not await signs_in(world, password="")
    assert not await signs_in(world)
    assert not ShownUser.of(await users.get_user(world.issuer, "alice")).body["has_password"]
    await users.set_password(world.issuer, "alice", PASSWORD)
    assert await signs_in(world)


@pytest.mark.parametrize(
    ("members", "text"),
    [
        ({"username": "alice"}, "there is a user 'alice' already"),
        ({"username": "bob", "subject": "u-1"}, "subject: 'u-1' is the user 'alice'"),
        ({"username": "bob", "subject": "alice"}, "subject: 'alice' is the user 'alice'"),
        ({"username": "u-1"}, "subject: 'u-1' is the user 'alice'"),
        ({"username": "u-1", "subject": "u-2"}, "username: 'u-1' is the subject of the user 'alice'"),
    ],
)
async def test_names_are_taken_once(world: World, members: dict[str, Any], text: str) -> None:
    await create(world.issuer, subject="u-1")
    before = world.redis.dump()
    with pytest.raises(AlreadyExists, match=text):
        await create(world.issuer, **members)
    assert world.redis.dump() == before


async def test_of_many_who_create_the_same_user_one_succeeds(world: World) -> None:
    made = await asyncio.gather(*(create(world.issuer) for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(user, User) for user in made) == 1
    assert sum(isinstance(user, AlreadyExists) for user in made) == 9


async def test_every_user_is_on_some_page(world: World) -> None:
    names = {f"user-{number}" for number in range(40)}
    for name in names:
        await world.issuer.store.users.save(User(name, name), None)
    found: set[str] = set()
    cursor, pages = "", 0
    while pages == 0 or cursor:
        page, cursor = await users.list_users(world.issuer, cursor, limit=2)
        found |= {user.username for user in page}
        pages += 1
    assert found == names
    assert pages > 1
    with pytest.raises(InvalidInput, match="is not a cursor"):
        await users.list_users(world.issuer, "x")


async def test_claims_are_set_and_removed(world: World) -> None:
    await create(world.issuer, claims={"name": "Alice", "nickname": "al"})
    user = await users.update_user(world.issuer, "alice", {"nickname": None, "email_verified": True})
    assert user.claims == {"name": "Alice", "email_verified": True}
    with pytest.raises(InvalidInput, match="claims: sub"):
        UPDATE.input.read({"username": "alice", "claims": {"sub": "bob"}})


async def test_a_new_password_replaces_the_old_one_and_grants_stay(world: World) -> None:
    await create(world.issuer)
    tokens = await world.tokens(await world.client())
    await users.set_password(world.issuer, "alice", "looking-glass")
    assert not await signs_in(world)
    assert await signs_in(world, password="looking-glass")
    assert await world.is_active(tokens["access_token"])


async def test_disabling_a_user_ends_exactly_their_grants(world: World) -> None:
    app = await world.client()
    for name in ("alice", "bob"):
        await create(world.issuer, name)
    of_alice = [await world.tokens(app) for _ in range(3)]
    await world.code(app)
    of_bob = await world.tokens(app, subject="bob")
    disabled = [(await users.disable_user(world.issuer, "alice")).counts for _ in range(2)]
    assert [counts["grants_ended"] for counts in disabled] == [4, 0]
    assert [await world.is_active(tokens["access_token"]) for tokens in of_alice] == [False] * 3
    assert await world.is_active(of_bob["access_token"])
    assert not await signs_in(world)
    assert (await users.enable_user(world.issuer, "alice")).enabled
    assert await signs_in(world)
    assert not await world.is_active(of_alice[0]["access_token"])


async def test_a_deleted_user_leaves_only_what_ends_by_itself(world: World) -> None:
    app = await world.client()
    await create(world.issuer)
    tokens = await world.tokens(app)
    user, ended = await users.delete_user(world.issuer, "alice")
    assert (user.username, ended) == ("alice", {"grants_ended": 1, "sessions_ended": 0})
    assert not await world.is_active(tokens["access_token"])
    assert [key for key, end in world.ends("mm:").items() if end == -1] == ["mm:client:app"]
    with pytest.raises(NotFound, match="there is no user 'alice'"):
        await users.delete_user(world.issuer, "alice")
    await create(world.issuer, password="looking-glass")
    assert await signs_in(world, password="looking-glass")


async def test_a_new_password_ends_the_sessions_of_whoever_knew_the_old_one(world: World) -> None:
    """As signing out does: what was granted in them ends, too, but for offline_access."""
    await world.openid_client()
    await create(world.issuer)
    person, tokens = Person(world), {}
    for scope in ("openid", "openid offline_access"):
        code = (await person.sign_in(scope=scope)).answer["code"]
        tokens[scope] = await (await world.redeem(code, code_verifier=VERIFIER)).json()
    await users.set_password(world.issuer, "alice", "another-land")
    assert (await person.authorize(prompt="none")).error == "login_required"
    statuses = [(await world.refresh(one["refresh_token"])).status for one in tokens.values()]
    assert statuses == [400, 200]


async def test_a_user_is_signed_out_everywhere(world: World) -> None:
    """Sessions, grants with and without offline_access, and what was allowed; exactly how many grants there were."""
    await world.openid_client()
    await create(world.issuer)
    person = Person(world)
    await person.sign_in(scope="openid offline_access")
    await person.sign_in()
    ended = await users.sign_out_user(world.issuer, "alice")
    assert ended.user.enabled
    assert (await person.authorize(prompt="none")).error == "login_required"
    await person.log_in(await person.authorize())
    assert (await person.authorize(prompt="none")).error == "consent_required"
    with pytest.raises(NotFound):
        await users.sign_out_user(world.issuer, "nobody")
