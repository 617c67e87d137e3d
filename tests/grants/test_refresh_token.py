"""grant_type=refresh_token (RFC 6749 section 6, RFC 9700 section 4.14): one successor, the same answer to who asks twice."""

import logging
from typing import Any

import pytest

from service.protocol.names import RefreshRotation
from tests.world import World, basic, error_of

REFUSED = (400, "invalid_grant")
ALWAYS, PUBLIC, NEVER = RefreshRotation.ALWAYS, RefreshRotation.PUBLIC_CLIENTS, RefreshRotation.NEVER


async def _refresh_public(world: World, token: str) -> dict[str, Any]:
    form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": "phone"}
    response = await world.post("/token", form, None)
    assert response.status == 200, await response.text()
    body: dict[str, Any] = await response.json()
    return body


async def _tokens_public(world: World) -> dict[str, Any]:
    client = await world.public_client()
    form = {"grant_type": "authorization_code", "code": await world.code(client), "client_id": "phone"}
    response = await world.post("/token", form | {"redirect_uri": client.redirect_uris[0]}, None)
    body: dict[str, Any] = await response.json()
    return body


# rotation


async def test_a_refresh_brings_a_new_access_token_and_a_new_refresh_token(world: World) -> None:
    """IT-07, IT-20, IA-23, IA-38."""
    first = await world.tokens(await world.client())
    response = await world.refresh(first["refresh_token"])
    second = await response.json()
    assert response.status == 200
    assert set(second) == {"access_token", "token_type", "expires_in", "refresh_token", "scope"}
    assert len({first["access_token"], second["access_token"]}) == 2
    assert len({first["refresh_token"], second["refresh_token"]}) == 2
    assert await world.is_active(second["access_token"])
    assert await world.is_active(first["access_token"]), "what was issued before goes on until it ends"
    assert not await world.is_active(first["refresh_token"])
    assert (await world.refresh(second["refresh_token"])).status == 200


@pytest.mark.parametrize(
    ("setting", "own", "confidential_rotates", "public_rotates"),
    [
        pytest.param(ALWAYS, None, True, True, id="always"),
        pytest.param(PUBLIC, None, False, True, id="public clients only"),
        pytest.param(NEVER, None, False, False, id="never"),
        pytest.param(NEVER, ALWAYS, True, True, id="the client's own policy counts more: always"),
        pytest.param(ALWAYS, NEVER, False, False, id="the client's own policy counts more: never"),
    ],
)
async def test_whose_refresh_tokens_are_replaced(
    world: World,
    setting: RefreshRotation,
    own: RefreshRotation | None,
    confidential_rotates: bool,
    public_rotates: bool,
) -> None:
    """IT-20; RFC 9700 section 4.14.2."""
    client = await world.client(refresh_rotation=own)
    async with world.having(refresh_rotation=setting) as world:
        mine = await world.tokens(client)
        first = await _tokens_public(world)
        await world.change(await world.public_client(), refresh_rotation=own)
        mine_again = await (await world.refresh(mine["refresh_token"])).json()
        again = await _refresh_public(world, first["refresh_token"])
        assert (mine_again["refresh_token"] != mine["refresh_token"]) is confidential_rotates
        assert (again["refresh_token"] != first["refresh_token"]) is public_rotates
        assert mine_again["access_token"] != mine["access_token"]


async def test_a_refresh_token_that_is_kept_works_again_and_again(world: World) -> None:
    client = await world.client(refresh_rotation=NEVER)
    tokens = await world.tokens(client)
    bought = [await (await world.refresh(tokens["refresh_token"])).json() for _ in range(3)]
    assert {body["refresh_token"] for body in bought} == {tokens["refresh_token"]}
    assert len({body["access_token"] for body in bought}) == 3
    for body in bought:
        assert await world.is_active(body["access_token"])


# a token that was used already


async def test_a_repeat_within_grace_gets_the_same_answer_byte_for_byte(world: World) -> None:
    """P2: a client that lost the answer, or runs in two places."""
    first = await world.tokens(await world.client())
    answer = await (await world.refresh(first["refresh_token"])).read()
    for _ in range(3):
        response = await world.refresh(first["refresh_token"])
        assert (response.status, await response.read()) == (200, answer)
        assert response.headers["Cache-Control"] == "no-store"
    assert len(world.ends(":access:")) == 2, "nothing more was issued"


async def test_grace_lasts_as_long_as_its_key(world: World) -> None:
    """10 s unless the settings or the client say otherwise; P4: Redis alone ends it."""
    now = int(world.issuer.clock())
    lives = []
    for own, setting in ((None, {}), (None, {"refresh_grace": 300}), (100, {"refresh_grace": 300})):
        tokens = await world.tokens(await world.client(refresh_grace=own))
        async with world.having(**setting) as changed:
            await changed.refresh(tokens["refresh_token"])
        (ends_at,) = world.ends(":reply:").values()
        lives.append(ends_at - now)
        world.expire(":reply:")
    assert 10 <= lives[0] < 60 < 300 <= lives[1]
    assert 100 <= lives[2] < 200


async def test_a_repeat_after_grace_ends_the_family(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """Theft, or a client that lost count: RFC 9700 section 4.14.2."""
    first = await world.tokens(await world.client())
    second = await (await world.refresh(first["refresh_token"])).json()
    world.expire(":reply:")
    assert await error_of(await world.refresh(first["refresh_token"])) == REFUSED
    for token in (first["access_token"], second["access_token"], second["refresh_token"]):
        assert not await world.is_active(token)
    assert await error_of(await world.refresh(second["refresh_token"])) == REFUSED
    (event,) = [record for record in caplog.records if record.getMessage() == "refresh_token_reused"]
    assert (event.levelno, event.client_id, event.subject) == (logging.WARNING, "app", "alice")  # type: ignore[attr-defined]
    assert event.ended is True  # type: ignore[attr-defined]
    assert b'mintmark_security_events_total{event="refresh_token_reused"} 1.0' in world.issuer.metrics.exposition()


@pytest.mark.parametrize("settings", [{"refresh_grace": 0}, {}], ids=["by the settings", "by the client"])
async def test_without_grace_every_repeat_ends_the_family(world: World, settings: dict[str, int]) -> None:
    client = await world.client(refresh_grace=None if settings else 0)
    async with world.having(**settings) as world:
        first = await world.tokens(client)
        second = await (await world.refresh(first["refresh_token"])).json()
        assert not world.ends(":reply:")
        assert await error_of(await world.refresh(first["refresh_token"])) == REFUSED
        assert not await world.is_active(second["access_token"])


async def test_the_waiting_answer_is_of_no_use_to_who_reads_redis(world: World) -> None:
    """P5: nothing that lies in Redis is a credential."""
    first = await world.tokens(await world.client())
    second = await (await world.refresh(first["refresh_token"])).json()
    kept = repr(world.redis.dump())
    for token in (first["access_token"], first["refresh_token"], second["access_token"], second["refresh_token"]):
        assert token not in kept
        assert token[28:] not in kept, "not even the secret part of it"


async def test_a_used_token_is_remembered_as_long_as_the_settings_say(world: World) -> None:
    """So that its reuse is noticed; but never longer than it would have lived itself."""
    now = int(world.issuer.clock())
    for memory, idle, expected in ((1000, 5000, 1000), (5000, 1000, 1000)):
        world.redis.flush()
        client = await world.client(refresh_idle_lifetime=idle)
        async with world.having(refresh_reuse_memory=memory) as changed:
            tokens = await changed.tokens(client)
            (used,) = world.ends(":refresh:")
            await changed.refresh(tokens["refresh_token"])
        assert expected <= world.ends(":refresh:")[used] - now < expected + 500


async def test_a_repeat_after_the_family_was_ended_gets_nothing(world: World) -> None:
    """P6: the waiting answer dies with its grant."""
    first = await world.tokens(await world.client())
    second = await (await world.refresh(first["refresh_token"])).json()
    await world.revoke(second["refresh_token"])
    assert world.ends(":reply:"), "it still lies there"
    assert await error_of(await world.refresh(first["refresh_token"])) == REFUSED


# scope and resource


async def test_a_narrower_scope_is_for_this_token_only(world: World) -> None:
    """WM-13's successor getToken, RFC 6749 section 6: the original scope is not lost."""
    first = await world.tokens(await world.client(), scope="read write")
    narrow = await (await world.refresh(first["refresh_token"], scope="read")).json()
    assert narrow["scope"] == "read"
    assert (await world.introspect(narrow["access_token"]))["scope"] == "read"
    assert (await world.introspect(narrow["refresh_token"]))["scope"] == "read write"
    whole = await (await world.refresh(narrow["refresh_token"])).json()
    assert whole["scope"] == "read write"
    assert (await world.introspect(whole["access_token"]))["scope"] == "read write"


@pytest.mark.parametrize("scope", ["read write admin", "admin", "READ", "  admin ", 'a"b'])
async def test_a_wider_scope_is_refused_and_costs_nothing(world: World, scope: str) -> None:
    """The refresh token stays unused."""
    client = await world.client(scopes=("read", "write", "admin"))
    tokens = await world.tokens(client, scope="read write")
    assert await error_of(await world.refresh(tokens["refresh_token"], scope=scope)) == (400, "invalid_scope")
    assert (await world.refresh(tokens["refresh_token"])).status == 200


async def test_a_narrower_audience_is_for_this_token_only(world: World) -> None:
    """IA-07; RFC 8707 section 2.2."""
    both = ("https://a.example", "https://b.example")
    tokens = await world.tokens(await world.client(audiences=both), audience=both)
    refused = await world.refresh(tokens["refresh_token"], resource="https://c.example")
    assert await error_of(refused) == (400, "invalid_target")
    narrow = await (await world.refresh(tokens["refresh_token"], resource="https://b.example")).json()
    assert (await world.introspect(narrow["access_token"]))["aud"] == ["https://b.example"]
    whole = await (await world.refresh(narrow["refresh_token"])).json()
    assert (await world.introspect(whole["access_token"]))["aud"] == list(both)


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
    now = int(world.issuer.clock())
    async with world.having(**({} if own else limits)) as changed, changed.with_part(clock=lambda: now) as world:
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
