"""When a refresh token ends, and for whom: lifetimes, limits, other clients, disabled users."""

from typing import Any

import pytest

from service.protocol.names import RefreshRotation
from tests.world import World, basic, error_of

REFUSED = (400, "invalid_grant")
ALWAYS, NEVER = RefreshRotation.ALWAYS, RefreshRotation.NEVER

# who gets one, and how often it works


@pytest.mark.parametrize(
    ("changes", "gets_one"),
    [
        pytest.param({}, True, id="a client that may refresh"),
        pytest.param({"refresh_limit": 0}, False, id="WM-20 a refresh limit of 0"),
        pytest.param({"refresh_limit": 1}, True, id="a refresh limit of 1"),
        pytest.param({"grant_types": ("authorization_code",)}, False, id="a client without the grant type"),
    ],
)
async def test_who_gets_a_refresh_token(world: World, changes: dict[str, Any], gets_one: bool) -> None:
    """IT-20, WM-19, WM-20, AU-19."""
    tokens = await world.tokens(await world.client(**changes))
    assert ("refresh_token" in tokens) is gets_one
    assert bool(world.ends(":refresh:")) is gets_one


@pytest.mark.parametrize("rotation", [ALWAYS, NEVER])
@pytest.mark.parametrize("limit", [1, 3])
async def test_a_refresh_limit_is_how_many_refreshes_there_are(
    world: World, rotation: RefreshRotation, limit: int
) -> None:
    """WM-20: the last refresh brings no refresh token any more."""
    client = await world.client(refresh_limit=limit, refresh_rotation=rotation, refresh_grace=0)
    tokens = await world.tokens(client)
    token, refreshed = tokens["refresh_token"], 0
    while token:
        body = await (await world.refresh(token)).json()
        assert await world.is_active(body["access_token"])
        refreshed += 1
        used, token = token, body.get("refresh_token")
    assert refreshed == limit
    assert await error_of(await world.refresh(used)) == REFUSED


@pytest.mark.parametrize("rotation", [ALWAYS, NEVER])
async def test_a_limit_that_is_lowered_to_none_ends_refreshing(world: World, rotation: RefreshRotation) -> None:
    """An operator's change of mind counts at once; the access token that is out stays until it ends."""
    client = await world.client(refresh_rotation=rotation, refresh_grace=0)
    tokens = await world.tokens(client)
    await world.change(client, refresh_limit=0)
    assert await error_of(await world.refresh(tokens["refresh_token"])) == REFUSED
    assert -1 not in world.ends("mm:{").values()
    assert await world.is_active(tokens["access_token"])


@pytest.mark.parametrize("rotation", [ALWAYS, NEVER])
async def test_a_client_that_lost_the_grant_type_cannot_refresh(world: World, rotation: RefreshRotation) -> None:
    client = await world.client(refresh_rotation=rotation)
    tokens = await world.tokens(client)
    await world.change(client, grant_types=("authorization_code",))
    assert await error_of(await world.refresh(tokens["refresh_token"])) == (400, "unauthorized_client")


# how long it lives


@pytest.mark.parametrize(
    ("idle", "absolute", "lives"),
    [
        pytest.param(1000, 0, 1000, id="idle"),
        pytest.param(0, 5000, 5000, id="absolute"),
        pytest.param(1000, 5000, 1000, id="whichever is first: idle"),
        pytest.param(5000, 1000, 1000, id="whichever is first: absolute"),
        pytest.param(0, 0, None, id="IA-24 never"),
    ],
)
@pytest.mark.parametrize("own", [True, False], ids=["the client's own", "the settings'"])
async def test_lifetimes(world: World, idle: int, absolute: int, lives: int | None, own: bool) -> None:
    """IA-24, AU-20, AU-21: the key's TTL is the lifetime, and introspection tells it."""
    limits: dict[str, Any] = {"refresh_idle_lifetime": idle, "refresh_absolute_lifetime": absolute}
    async with world.having(**({} if own else limits)) as changed, changed.standing() as world:
        now = int(world.issuer.clock())
        client = await world.client(**(limits if own else {}))
        tokens = await world.tokens(client)
        told = await world.introspect(tokens["refresh_token"])
        assert list(world.ends(":refresh:").values()) == [-1 if lives is None else now + lives]
        assert told.get("exp") == (None if lives is None else now + lives)


@pytest.mark.parametrize("rotation", [ALWAYS, NEVER])
async def test_every_use_moves_the_idle_end_but_never_the_absolute_one(world: World, rotation: RefreshRotation) -> None:
    client = await world.client(
        refresh_idle_lifetime=1000, refresh_absolute_lifetime=5000, refresh_rotation=rotation, refresh_grace=0
    )
    start = int(world.issuer.clock())
    token, ends = (await world.tokens(client, issued_at=start))["refresh_token"], []
    for passed in (0, 500, 4500):
        async with world.with_part(clock=lambda passed=passed: start + passed) as later:
            token = (await (await later.refresh(token)).json())["refresh_token"]
            ends.append((await later.introspect(token))["exp"] - start)
    assert ends == [1000, 1500, 5000]
    async with world.with_part(clock=lambda: start + 5000) as too_late:
        assert await error_of(await too_late.refresh(token)) == REFUSED


async def test_a_code_that_is_redeemed_after_the_absolute_end_gives_access_alone(world: World) -> None:
    """RFC 6749 section 5.1: a refresh token is optional, and what the user allowed is not refused for want of one."""
    client = await world.client(refresh_absolute_lifetime=2, code_lifetime=60)
    start = int(world.issuer.clock())
    code = await world.code(client, issued_at=start)
    async with world.with_part(clock=lambda: start + 3) as later:
        response = await later.redeem(code)
        tokens = await response.json()
        assert (response.status, "refresh_token" in tokens) == (200, False)
        assert await later.is_active(tokens["access_token"])
    assert not world.ends(":refresh:")


async def test_an_expired_refresh_token_is_refused(world: World) -> None:
    client = await world.client(refresh_idle_lifetime=1, access_token_lifetime=100)
    tokens = await world.tokens(client)
    await world.wait_for_end(":refresh:")
    assert await error_of(await world.refresh(tokens["refresh_token"])) == REFUSED
    assert await world.is_active(tokens["access_token"]), "the access token has its own time"


# whose it is


async def test_another_client_learns_nothing_and_does_no_harm(world: World) -> None:
    """IA-12: neither with a fresh token nor with a used one."""
    client = await world.client(refresh_grace=0)
    await world.client("thief")
    first = await world.tokens(client)
    assert await error_of(await world.refresh(first["refresh_token"], "thief")) == REFUSED
    second = await (await world.refresh(first["refresh_token"])).json()
    assert await error_of(await world.refresh(first["refresh_token"], "thief")) == REFUSED
    assert await world.is_active(second["access_token"])
    assert (await world.refresh(second["refresh_token"])).status == 200


async def test_a_waiting_answer_is_for_its_own_client_only(world: World) -> None:
    client = await world.client()
    await world.client("thief")
    first = await world.tokens(client)
    await world.refresh(first["refresh_token"])
    assert await error_of(await world.refresh(first["refresh_token"], "thief")) == REFUSED


async def test_a_disabled_person_refreshes_no_more(world: World) -> None:
    """IA-40, IA-34: and whoever disables a person is told how many grants that ended."""
    await world.user()
    client = await world.client()
    tokens = [await world.tokens(client) for _ in range(3)]
    assert await world.set_enabled("alice", enabled=False) == 3
    for body in tokens:
        assert await error_of(await world.refresh(body["refresh_token"])) == REFUSED
        assert not await world.is_active(body["access_token"])


async def test_disabling_a_person_stops_refreshes_before_their_grants_are_ended(world: World) -> None:
    """P6: a refresh that overlaps the operator's act mints nothing that survives it."""
    user = await world.user()
    tokens = await world.tokens(await world.client())
    await world.issuer.store.users.save(type(user)("alice", "alice", user.password_hash, enabled=False), user)
    assert await error_of(await world.refresh(tokens["refresh_token"])) == REFUSED
    assert not await world.is_active(tokens["access_token"])


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("", id="empty is missing"),
        pytest.param("x", id="no token of ours"),
        pytest.param("mm_rt_" + "a" * 65, id="one that never was"),
        pytest.param("mm_rt_" + "a" * 60_000, id="very long"),
        pytest.param("mm_rt_{" + "a" * 64, id="a brace"),
        pytest.param("mm_rt_" + "*" * 65, id="a pattern"),
    ],
)
async def test_what_is_no_refresh_token(world: World, token: str) -> None:
    await world.client()
    assert await error_of(await world.refresh(token)) == (400, "invalid_grant" if token else "invalid_request")


async def test_it_is_compared_to_the_letter_and_other_credentials_are_none(world: World) -> None:
    """IA-03, IA-23: exact, letter case and all; and a wrong one does the right one no harm."""
    client = await world.client()
    code, tokens = await world.code(client), await world.tokens(client)
    right = tokens["refresh_token"]
    for wrong in (
        *(right[:6] + right[6:].swapcase(), right[:28] + right[28:].swapcase(), right[:-1], right + "A"),
        *(
            right[:28] + "A" * 43,
            code,
            tokens["access_token"],
            "mm_rt_" + tokens["access_token"][6:],
            "mm_rt_" + code[6:],
        ),
    ):
        assert await error_of(await world.refresh(wrong)) == REFUSED
    assert (await world.refresh(right)).status == 200


async def test_a_refresh_token_in_the_url_is_not_looked_at(world: World) -> None:
    tokens = await world.tokens(await world.client())
    response = await world.http.post(
        f"/token?refresh_token={tokens['refresh_token']}", data={"grant_type": "refresh_token"}, headers=basic("app")
    )
    assert await error_of(response) == (400, "invalid_request")
