"""Tokens listed by API."""

import json
from typing import Any

import pytest
from authlete.types.grant_type import GrantType

from tests.deciding import API_KEY, API_SECRET, Backend
from tests.fronts.decision_api.token_administering import NUMBER, app, create, property_of
from tests.world import basic

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


async def test_an_access_token_ends_when_the_list_says_or_the_list_says_nothing(caller: Backend) -> None:
    """Authlete tier 2, token list: the end of a grant, 14 days away, is none of an access token."""
    await app(caller.world)
    await create(caller)
    own = await create(caller, grantType=GrantType.CLIENT_CREDENTIALS, subject=None, accessTokenDuration=77)
    listed = (await caller.ask("getTokenList", clientIdentifier=str(NUMBER))).accessTokens
    assert {one.subject: one.accessTokenExpiresAt for one in listed} == {"alice": 0, None: own.expiresAt}


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
