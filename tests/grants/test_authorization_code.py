"""grant_type=authorization_code (RFC 6749 section 4.1.3, RFC 7636)."""

import logging
from typing import Any

import pytest

from service.app import open_issuer
from service.protocol.errors import InvalidGrant
from service.protocol.pkce import s256
from service.records.authorization_code import AuthorizationCode
from service.records.grant import Grant
from service.store.keys import Keys
from service.tokens.authorization_codes import issue_code
from tests.world import CALLBACK, VERIFIER, World, error_of, settings_for

REFUSED = (400, "invalid_grant")


async def test_a_code_buys_tokens(world: World) -> None:
    """IT-02, WM-01, WM-03, WM-16, WM-17, WM-18, WM-19, AU-16, AU-17, AU-19, AU-29."""
    client = await world.client()
    response = await world.redeem(await world.code(client, scope="read write"))
    body = await response.json()
    assert response.status == 200
    assert body.pop("access_token").startswith("mm_at_")
    assert body.pop("refresh_token").startswith("mm_rt_")
    assert body == {"token_type": "Bearer", "expires_in": 3600, "scope": "read write"}


async def test_what_was_allowed_reaches_the_token(world: World) -> None:
    """IA-02, IA-08, IA-12, IA-13, IA-21, AU-24, AU-28: one record from the authorization to the token."""
    client = await world.client(audiences=("https://api.example",))
    tokens = await world.tokens(client, subject="alice", scope="read", audience=("https://api.example",), amr=("pwd",))
    told = await world.introspect(tokens["access_token"])
    assert (told["sub"], told["client_id"], told["scope"], told["aud"]) == (
        "alice",
        "app",
        "read",
        ["https://api.example"],
    )
    page = await world.issuer.store.grants.list_of_user("alice")
    (listed,) = page.grants
    assert (listed.grant.grant_type, listed.grant.amr, listed.grant.auth_time > 0) == (
        "authorization_code",
        ("pwd",),
        True,
    )


async def test_a_code_works_once_and_a_second_try_ends_what_it_bought(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """IA-44; RFC 6749 section 4.1.2, P1."""
    client = await world.client()
    code = await world.code(client)
    tokens = await (await world.redeem(code)).json()
    assert await error_of(await world.redeem(code)) == REFUSED
    assert not await world.is_active(tokens["access_token"])
    assert await error_of(await world.refresh(tokens["refresh_token"])) == REFUSED
    (event,) = [record for record in caplog.records if record.getMessage() == "code_replayed"]
    assert (event.levelno, event.client_id, event.subject) == (logging.WARNING, "app", "alice")  # type: ignore[attr-defined]
    assert b'mintmark_security_events_total{event="code_replayed"} 1.0' in world.issuer.metrics.exposition()


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("", id="empty is missing"),
        pytest.param("x", id="no code of ours"),
        pytest.param("mm_ac_" + "a" * 65, id="a code that never was"),
        pytest.param("mm_ac_" + "a" * 64 + "}", id="a brace"),
        pytest.param("mm_ac_" + "a" * 60_000, id="very long"),
        pytest.param("mm_ac_" + "ä" * 65, id="not ASCII"),
    ],
)
async def test_what_is_no_code(world: World, code: str) -> None:
    """WM-09."""
    await world.client()
    error = "invalid_request" if not code else "invalid_grant"
    assert await error_of(await world.redeem(code)) == (400, error)


async def test_the_code_is_compared_to_the_letter(world: World) -> None:
    """IA-03, IA-09: and a wrong one does the right one no harm."""
    client = await world.client()
    code = await world.code(client)
    for wrong in (
        code[:6] + code[6:].swapcase(),
        code[:28] + code[28:].swapcase(),
        code[:-1],
        code + "A",
        code[:28] + "A" * 43,
    ):
        assert await error_of(await world.redeem(wrong)) == REFUSED
    assert (await world.redeem(code)).status == 200


async def test_other_credentials_are_no_codes(world: World) -> None:
    client = await world.client()
    tokens = await world.tokens(client)
    for other in (tokens["access_token"], tokens["refresh_token"]):
        assert await error_of(await world.redeem(other)) == REFUSED
        assert await error_of(await world.redeem(other.replace(other[:6], "mm_ac_"))) == REFUSED
    assert await world.is_active(tokens["access_token"])


# the end of a code


async def test_a_code_lives_for_the_lifetime_of_the_settings_or_the_client(world: World) -> None:
    """IA-11: the key's own TTL is its lifetime; 60 s unless somebody says otherwise."""

    now = int(world.issuer.clock())

    async def lifetime(world: World, **changes: Any) -> int:
        world.expire(":code:")
        await world.code(await world.client(**changes))
        (ends_at,) = world.ends(":code:").values()
        return ends_at - now

    async with world.having(code_lifetime=3600) as longer, world.with_part(clock=lambda: now) as as_it_ships:
        assert await lifetime(as_it_ships) == 60
        assert await lifetime(as_it_ships, code_lifetime=600) == 600
        assert 3600 <= await lifetime(longer) < 4000


async def test_an_expired_code_is_refused(world: World) -> None:
    """IA-11: Redis ends it; nobody has to clean up."""
    code = await world.code(await world.client(code_lifetime=1))
    await world.wait_for_end(":code:")
    assert await error_of(await world.redeem(code)) == REFUSED


async def test_the_grant_of_a_code_that_nobody_redeems_ends_with_it(world: World) -> None:
    """IA-10, P4: the grant is there before any token, and nothing of it stays."""
    await world.code(await world.client())
    ends = world.ends("mm:{")
    assert len(ends) == 3, "the grant, the code and the user's index"
    assert len(set(ends.values())) == 1
    assert min(ends.values()) > 0


@pytest.mark.parametrize(
    ("limit", "remembered"),
    [
        pytest.param(None, 1000, id="as long as the settings say, while its grant may be refreshed"),
        pytest.param(0, 100, id="as long as its access token, which is all there is"),
    ],
)
async def test_a_spent_code_is_remembered(world: World, limit: int | None, remembered: int) -> None:
    """P1: so that its replay is noticed while there is something to end."""
    client = await world.client(access_token_lifetime=100, refresh_limit=limit)
    async with world.having(refresh_reuse_memory=1000) as set_so, set_so.standing() as world:
        await world.tokens(client)
        now = int(world.issuer.clock())
    assert list(world.ends(":code:").values()) == [now + remembered]


# redirect_uri (IA-22, WM-10, WM-11; RFC 6749 section 4.1.3)


@pytest.mark.parametrize(
    ("at_authorization", "at_token", "outcome"),
    [
        pytest.param(CALLBACK, CALLBACK, 200, id="WM-11 the same"),
        pytest.param(None, None, 200, id="WM-10 left out at both"),
        pytest.param(None, CALLBACK, 200, id="left out, then the one it was sent to"),
        pytest.param(CALLBACK, None, "invalid_request", id="left out only here"),
        pytest.param(CALLBACK, "", "invalid_request", id="empty only here"),
        pytest.param(CALLBACK, "https://evil.example/", "invalid_grant", id="WM-11 another"),
        pytest.param(CALLBACK, CALLBACK + "/", "invalid_grant", id="WM-11 a slash more"),
        pytest.param(None, "https://evil.example/", "invalid_grant", id="left out, then another"),
    ],
)
async def test_redirect_uri_is_repeated(
    world: World, at_authorization: str | None, at_token: str | None, outcome: int | str
) -> None:
    client = await world.client()
    code = await world.code(client, redirect_uri=at_authorization)
    form = {"grant_type": "authorization_code", "code": code}
    response = await world.post("/token", form if at_token is None else form | {"redirect_uri": at_token})
    if outcome == 200:
        assert response.status == 200
        return
    assert await error_of(response) == (400, outcome)
    right = form if at_authorization is None else form | {"redirect_uri": CALLBACK}
    assert (await world.post("/token", right)).status == 200, "the code is still good for the one who knows"


# PKCE (RFC 7636, RFC 9700 section 2.1.1)


@pytest.mark.parametrize(
    ("bound", "verifier", "outcome"),
    [
        pytest.param(True, VERIFIER, 200, id="the right verifier"),
        pytest.param(False, None, 200, id="no PKCE at all"),
        pytest.param(True, None, "invalid_grant", id="the verifier is missing"),
        pytest.param(True, "", "invalid_grant", id="the verifier is empty"),
        pytest.param(True, "w" * 43, "invalid_grant", id="a wrong verifier"),
        pytest.param(True, s256(VERIFIER), "invalid_grant", id="the challenge instead of the verifier"),
        pytest.param(True, "é" * 43, "invalid_grant", id="not ASCII"),
        pytest.param(False, VERIFIER, "invalid_grant", id="a verifier without a challenge"),
    ],
)
async def test_a_code_bound_to_a_challenge_needs_its_verifier(
    world: World, bound: bool, verifier: str | None, outcome: int | str
) -> None:
    code = await world.code(await world.client(), verifier=VERIFIER if bound else None)
    response = await world.redeem(code, **({} if verifier is None else {"code_verifier": verifier}))
    if outcome == 200:
        assert response.status == 200
        return
    assert await error_of(response) == (400, outcome)
    right = {"code_verifier": VERIFIER} if bound else {}
    assert (await world.redeem(code, **right)).status == 200, "the code is still good for the one who knows"


async def test_plain_is_compared_as_it_is(world: World) -> None:
    client = await world.client(allow_plain_pkce=True)
    record = AuthorizationCode(CALLBACK, True, VERIFIER, "plain")
    now = int(world.issuer.clock())
    code = (await issue_code(world.issuer, client, Grant("app", "alice", issued_at=now), record)).code
    assert await error_of(await world.redeem(code, code_verifier="w" * 43)) == REFUSED
    assert (await world.redeem(code, code_verifier=VERIFIER)).status == 200


# whose code


async def test_another_client_learns_nothing_and_does_no_harm(world: World) -> None:
    """IA-12: not even a redeemed code is ended by somebody else's replay."""
    client = await world.client()
    await world.client("thief")
    await world.public_client("public-thief")
    code = await world.code(client)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}

    async def stolen() -> list[tuple[int, str]]:
        return [
            await error_of(await world.redeem(code, "thief")),
            await error_of(await world.post("/token", form | {"client_id": "public-thief"}, None)),
        ]

    assert await stolen() == [REFUSED] * 2
    tokens = await (await world.redeem(code)).json()
    assert await stolen() == [REFUSED] * 2
    assert await world.is_active(tokens["access_token"])


async def test_a_disabled_person_gets_nothing_for_a_code(world: World) -> None:
    """IA-34."""
    await world.user()
    client = await world.client()
    code = await world.code(client)
    await world.set_enabled("alice", enabled=False)
    assert await error_of(await world.redeem(code)) == REFUSED
    with pytest.raises(InvalidGrant):
        await world.code(client)
    await world.set_enabled("alice", enabled=True)
    assert await error_of(await world.redeem(code)) == REFUSED, "what was ended stays ended"
    assert (await world.redeem(await world.code(client))).status == 200


async def test_a_code_survives_a_restart_of_the_service(world: World) -> None:
    """IA-01, IA-41, WM-25: another process redeems what this one issued, and a third refreshes."""
    client = await world.client()
    code = await world.code(client)
    async with open_issuer(settings_for(world.redis.url)) as issuer, world.with_part(store=issuer.store) as second:
        tokens = await (await second.redeem(code)).json()
    async with open_issuer(settings_for(world.redis.url)) as issuer, world.with_part(store=issuer.store) as third:
        assert (await third.refresh(tokens["refresh_token"])).status == 200
        assert await third.is_active(tokens["access_token"])


# what is read and what is not


async def test_a_scope_here_changes_nothing(world: World) -> None:
    """WM-13: the scope was settled when the code was issued."""
    client = await world.client()
    response = await world.redeem(await world.code(client, scope="read"), scope="read write admin")
    assert (await response.json())["scope"] == "read"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        pytest.param([], ["https://a.example", "https://b.example"], id="nothing: all that was allowed"),
        pytest.param(["https://b.example"], ["https://b.example"], id="one of them"),
        pytest.param(["https://c.example"], "invalid_target", id="one that was not allowed then"),
    ],
)
async def test_the_token_is_for_the_resources_asked_for(world: World, asked: list[str], told: list[str] | str) -> None:
    """IA-07; RFC 8707 section 2.2: within what the authorization was for."""
    allowed = ("https://a.example", "https://b.example", "https://c.example")
    client = await world.client(audiences=allowed)
    code = await world.code(client, audience=allowed[:2])
    response = await world.redeem(code, **({"resource": asked[0]} if asked else {}))
    if isinstance(told, str):
        assert await error_of(response) == (400, told)
        assert (await world.redeem(code)).status == 200
    else:
        assert (await world.introspect((await response.json())["access_token"]))["aud"] == told


async def test_two_codes_never_share_a_key(world: World) -> None:
    """IA-42, IA-09: a code that is there is not written over, whatever the dice say."""
    client = await world.client()
    now = int(world.issuer.clock())
    async with world.with_part(random_text=lambda length: "7" * length) as loaded:
        first = await issue_code(
            loaded.issuer, client, Grant("app", "alice", issued_at=now), AuthorizationCode(CALLBACK)
        )
        second = await issue_code(
            loaded.issuer, client, Grant("app", "mallory", issued_at=now), AuthorizationCode(CALLBACK)
        )
    assert first.code == second.code
    opened = await world.issuer.store.grants.open(first.grant_id)
    assert opened is not None
    assert opened.grant.subject == "alice"
    assert len(world.key_names(":code:")) == 1
    assert Keys().grant(first.grant_id) in world.key_names()
