"""Token revocation (RFC 7009)."""

import logging

import pytest

from tests.world import World, basic, error_of


async def test_revoking_a_refresh_token_ends_its_whole_family(world: World) -> None:
    """IT-08, IA-35; RFC 7009 section 2.1: and all that it was refreshed to."""
    first = await world.tokens(await world.client())
    second = await (await world.refresh(first["refresh_token"])).json()
    response = await world.revoke(second["refresh_token"])
    assert (response.status, await response.read()) == (200, b"")
    for token in (first["access_token"], second["access_token"], second["refresh_token"]):
        assert not await world.is_active(token)
    for token in (first["refresh_token"], second["refresh_token"]):
        assert await error_of(await world.refresh(token)) == (400, "invalid_grant")


async def test_a_used_refresh_token_ends_the_family_as_well(world: World) -> None:
    """A client that missed the answer to its refresh can still sign out."""
    first = await world.tokens(await world.client())
    second = await (await world.refresh(first["refresh_token"])).json()
    await world.revoke(first["refresh_token"])
    assert not await world.is_active(second["access_token"])


async def test_revoking_an_access_token_ends_that_token(world: World) -> None:
    first = await world.tokens(await world.client())
    second = await (await world.refresh(first["refresh_token"])).json()
    assert (await world.revoke(first["access_token"])).status == 200
    assert not await world.is_active(first["access_token"])
    assert await world.is_active(second["access_token"])
    assert (await world.refresh(second["refresh_token"])).status == 200


async def test_revoking_an_access_token_ends_the_family_where_the_setting_says_so(world: World) -> None:
    """As webMethods does: related tokens go too."""
    first = await world.tokens(await world.client())
    second = await (await world.refresh(first["refresh_token"])).json()
    async with world.having(revoke_access_token_ends_grant=True) as world:
        assert (await world.revoke(first["access_token"])).status == 200
        assert not await world.is_active(second["access_token"])
        assert await error_of(await world.refresh(second["refresh_token"])) == (400, "invalid_grant")


@pytest.mark.parametrize("ends_grant", [True, False])
async def test_a_token_of_client_credentials_ends_alone(world: World, ends_grant: bool) -> None:
    await world.client()
    async with world.having(revoke_access_token_ends_grant=ends_grant) as world:
        tokens = [(await (await world.token(grant_type="client_credentials")).json())["access_token"] for _ in range(2)]
        await world.revoke(tokens[0])
        assert [await world.is_active(token) for token in tokens] == [False, True]
        assert len(world.key_names("mm:{")) == 1, "nothing stays of the other"


async def test_other_grants_of_the_same_person_and_client_go_on(world: World) -> None:
    client = await world.client()
    one, other = await world.tokens(client), await world.tokens(client)
    await world.revoke(one["refresh_token"])
    assert not await world.is_active(one["access_token"])
    assert await world.is_active(other["access_token"])


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("x", id="nonsense"),
        pytest.param("mm_at_" + "a" * 65, id="an access token that never was"),
        pytest.param("mm_rt_" + "a" * 65, id="a refresh token that never was"),
        pytest.param("mm_at_" + "a" * 60_000, id="very long"),
        pytest.param("mm_at_{" + "a" * 64, id="a brace"),
        pytest.param("mm_rt_" + "*" * 65, id="a pattern"),
        pytest.param("mm_rt_" + "ä" * 65, id="not ASCII"),
    ],
)
async def test_an_unknown_token_is_200_like_any_other(world: World, token: str) -> None:
    """RFC 7009 section 2.2."""
    await world.client()
    response = await world.revoke(token)
    assert (response.status, await response.read()) == (200, b"")


async def test_revoking_twice_is_200_both_times(world: World) -> None:
    tokens = await world.tokens(await world.client())
    for kind in ("access_token", "access_token", "refresh_token", "refresh_token"):
        assert (await world.revoke(tokens[kind])).status == 200


async def test_a_code_is_not_a_token(world: World) -> None:
    """It stays as it was: whoever sends it here by mistake can still redeem it."""
    code = await world.code(await world.client())
    assert (await world.revoke(code)).status == 200
    assert (await world.redeem(code)).status == 200


@pytest.mark.parametrize("wrong", ["another case", "another secret", "another kind"])
async def test_a_token_that_is_nearly_right_revokes_nothing(world: World, wrong: str) -> None:
    """IA-03: knowing the grant is not enough."""
    tokens = await world.tokens(await world.client())
    for token in (tokens["access_token"], tokens["refresh_token"]):
        nearly = {
            "another case": token[:28] + token[28:].swapcase(),
            "another secret": token[:28] + "A" * 43,
            "another kind": ("mm_rt_" if token.startswith("mm_at_") else "mm_at_") + token[6:],
        }
        assert (await world.revoke(nearly[wrong])).status == 200
    assert await world.is_active(tokens["access_token"])
    assert await world.is_active(tokens["refresh_token"])


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
async def test_another_clients_token_is_200_and_stays(
    world: World, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """RFC 7009 section 2.1: it is not told that the token exists; the operator is."""
    client = await world.client()
    await world.client("thief", introspect=True)
    tokens = await world.tokens(client)
    async with world.having(revoke_access_token_ends_grant=True) as world:
        response = await world.revoke(tokens[kind], "thief")
        assert (response.status, await response.read()) == (200, b"")
        assert await world.is_active(tokens[kind])
    (event,) = [record for record in caplog.records if record.getMessage() == "revocation_of_foreign_token"]
    assert (event.levelno, event.client_id) == (logging.WARNING, "thief")  # type: ignore[attr-defined]


async def test_another_clients_own_token_is_200_and_stays(world: World) -> None:
    """The same where the token is its whole grant."""
    await world.client()
    await world.client("thief")
    token = (await (await world.token(grant_type="client_credentials")).json())["access_token"]
    assert (await world.revoke(token, "thief")).status == 200
    assert await world.is_active(token)


@pytest.mark.parametrize(
    ("headers", "form"),
    [
        pytest.param({}, {}, id="nobody"),
        pytest.param(basic("app", "wrong"), {}, id="a wrong secret"),
        pytest.param({}, {"client_id": "app"}, id="a confidential client without its secret"),
        pytest.param({"Authorization": "Bearer {token}"}, {}, id="the token itself"),
    ],
)
async def test_only_the_client_itself_may_revoke(world: World, headers: dict[str, str], form: dict[str, str]) -> None:
    """IT-08, IT-11."""
    token = (await world.tokens(await world.client()))["refresh_token"]
    headers = {name: value.format(token=token) for name, value in headers.items()}
    response = await world.http.post("/revoke", data={"token": token} | form, headers=headers)
    assert await error_of(response) == (401, "invalid_client")
    assert await world.is_active(token)


async def test_a_public_client_may_revoke_its_own(world: World) -> None:
    """RFC 7009 section 2.1; webMethods does not allow it, its apps could not sign out."""
    client = await world.public_client()
    await world.client("api", introspect=True)
    form = {"grant_type": "authorization_code", "client_id": "phone", "redirect_uri": client.redirect_uris[0]}
    code = await world.code(client, audience=("api",))
    tokens = await (await world.post("/token", form | {"code": code}, None)).json()
    assert await world.is_active(tokens["access_token"], "api")
    response = await world.post("/revoke", {"token": tokens["refresh_token"], "client_id": "phone"}, None)
    assert response.status == 200
    assert not await world.is_active(tokens["access_token"], "api")


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense", ""])
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
async def test_the_hint_is_only_a_hint(world: World, kind: str, hint: str) -> None:
    """RFC 7009 section 2.1: a wrong one does no harm."""
    tokens = await world.tokens(await world.client())
    assert (await world.revoke(tokens[kind], token_type_hint=hint)).status == 200
    assert not await world.is_active(tokens[kind])


async def test_the_token_is_required(world: World) -> None:
    await world.client()
    for form in ({}, {"token": ""}):
        assert await error_of(await world.post("/revoke", form)) == (400, "invalid_request")


async def test_the_answer_is_not_to_be_stored(world: World) -> None:
    """AU-11, AU-12, AU-13."""
    await world.client()
    response = await world.revoke("x")
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Pragma"] == "no-cache"
