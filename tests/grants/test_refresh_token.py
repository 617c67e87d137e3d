"""grant_type=refresh_token (RFC 6749 section 6, RFC 9700 section 4.14): one successor, the same answer to who asks twice."""

import logging
from typing import Any

import pytest

from service.protocol.names import RefreshRotation
from tests.world import World, error_of

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
