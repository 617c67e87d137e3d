"""Token introspection (RFC 7662): what a token is, for those whom it concerns."""

import asyncio
from typing import Any

import pytest

from service.protocol.credentials import hashed
from service.protocol.names import INTROSPECTION_MEMBERS
from service.records.property import Property
from tests.world import World, basic, error_of

API = "https://api.example"


async def test_an_access_token(world: World) -> None:
    """IT-08, IA-06, IA-07, IA-08, IA-12, IA-20, IA-27, IA-34, IA-39, WM-02, WM-26."""
    client = await world.client(audiences=(API,))
    token = (await world.tokens(client, subject="sub-1", username="alice", audience=(API,), auth_time=7))[
        "access_token"
    ]
    told = await world.introspect(token)
    (ends_at,) = world.ends(":access:").values()
    assert told == {
        "active": True,
        "token_type": "Bearer",
        "client_id": "app",
        "sub": "sub-1",
        "username": "alice",
        "scope": "read write",
        "aud": [API],
        "iss": "http://127.0.0.1:8080",
        "iat": ends_at - 3600,
        "nbf": ends_at - 3600,
        "exp": ends_at,
        "jti": token[6:28] + hashed(token),
        "auth_time": 7,
    }


@pytest.mark.parametrize("resources", [("https://other.example",), ()])
async def test_who_asks_about_a_token_that_is_not_for_them_is_in_the_log(
    world: World, caplog: pytest.LogCaptureFixture, resources: tuple[str, ...]
) -> None:
    """They are told that it is inactive; why, only the operator reads."""
    client = await world.client(audiences=(API,))
    token = (await world.tokens(client, audience=(API,)))["access_token"]
    await world.client("elsewhere", introspect=bool(resources), resources=resources)
    caplog.set_level("INFO")
    response = await world.post("/introspect", {"token": token}, "elsewhere")
    assert await response.json() == {"active": False}
    (line,) = [vars(record) for record in caplog.records if record.message == "introspection_refused"]
    assert (line["client_id"], line["token_client_id"], line["audience"]) == ("elsewhere", "app", (API,))
    assert line["resources"] == resources
    assert token not in str(line)


async def test_a_refresh_token(world: World) -> None:
    """IA-38."""
    token = (await world.tokens(await world.client(), scope="read"))["refresh_token"]
    told = await world.introspect(token)
    (ends_at,) = world.ends(":refresh:").values()
    assert told == {
        "active": True,
        "token_type": "refresh_token",
        "client_id": "app",
        "sub": "alice",
        "username": "alice",
        "scope": "read",
        "iss": "http://127.0.0.1:8080",
        "iat": ends_at - 86400 * 14,
        "nbf": ends_at - 86400 * 14,
        "exp": ends_at,
        "jti": token[6:28] + hashed(token),
    }


@pytest.mark.parametrize(
    ("accept", "is_jwt"),
    [
        ([], False),
        (["*/*"], False),
        (["application/json"], False),
        (["application/json, text/plain, */*"], False),
        (["text/html, application/*;q=0.5, */*;q=.2"], False),
        (["application/token-introspection+jwt"], True),
        (["Application/Token-Introspection+JWT"], True),
        (["application/json, application/token-introspection+jwt"], True),
        (["application/json;q=0.5, application/token-introspection+jwt;q=0.5"], True),
        (["text/plain", "application/token-introspection+jwt"], True),
        (["application/json, application/token-introspection+jwt;q=0"], False),
        (["application/token-introspection+jwt; Q=0.000"], False),
        (["application/json, application/token-introspection+jwt;q=0.5"], False),
        (["application/token-introspection+jwt+x"], False),
    ],
)
async def test_a_jwt_is_for_those_that_accept_it(world: World, accept: list[str], is_jwt: bool) -> None:
    """RFC 9701 section 4; RFC 9110 sections 5.3 and 12.5.1: in any case, in any line, and not with the weight 0."""
    await world.client()
    headers = [*basic("app").items(), *(("Accept", line) for line in accept)]
    async with world.http.session.post(
        world.http.make_url("/introspect"), data={"token": "x"}, headers=headers, skip_auto_headers=["Accept"]
    ) as response:
        assert response.content_type == f"application/{'token-introspection+jwt' if is_jwt else 'json'}"


async def test_the_answer_is_not_to_be_stored(world: World) -> None:
    """AU-11, AU-12, AU-13."""
    await world.client()
    response = await world.post("/introspect", {"token": "x"})
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Pragma"] == "no-cache"


# inactive


async def _other_credentials(world: World) -> dict[str, str]:
    """Everything that is no active token of this client, by what it is."""
    client = await world.client()
    used = await world.tokens(client)
    await world.refresh(used["refresh_token"])
    ended, revoked = await world.tokens(client), await world.tokens(client)
    await world.revoke(ended["refresh_token"])
    await world.revoke(revoked["access_token"])
    right = used["access_token"]
    return {
        "nonsense": "x",
        "very long": "mm_at_" + "a" * 60_000,
        "one that never was": "mm_at_" + "a" * 65,
        "IA-03 another case": right[:6] + right[6:].swapcase(),
        "IA-03 another case of the secret": right[:28] + right[28:].swapcase(),
        "a letter less": right[:-1],
        "another secret": right[:28] + "A" * 43,
        "as another kind": "mm_rt_" + right[6:],
        "a code": await world.code(client),
        "a used refresh token": used["refresh_token"],
        "a revoked access token": revoked["access_token"],
        "an access token of an ended grant": ended["access_token"],
        "a refresh token of an ended grant": ended["refresh_token"],
        "a brace": "mm_at_" + "a" * 21 + "}" + "a" * 43,
        "a pattern": "mm_at_" + "*" * 65,
        "not ASCII": "mm_at_" + "ä" * 65,
    }


async def test_everything_else_is_exactly_inactive(world: World) -> None:
    """IA-03; RFC 7662 section 2.2: no reason, no hint."""
    for what, token in (await _other_credentials(world)).items():
        response = await world.post("/introspect", {"token": token})
        assert (response.status, await response.read()) == (200, b'{"active":false}'), what


async def test_an_expired_token_is_inactive(world: World) -> None:
    """IA-06: Redis ends it in its second; nobody has to clean up."""
    client = await world.client(access_token_lifetime=1)
    token = (await world.tokens(client))["access_token"]
    await world.wait_for_end(":access:")
    assert await world.introspect(token) == {"active": False}


# whose business it is


@pytest.mark.parametrize(
    ("asker", "audience", "active"),
    [
        pytest.param({}, (API,), False, id="another client"),
        pytest.param({"introspect": True}, (API,), False, id="a resource server of another resource"),
        pytest.param({"introspect": True, "resources": (API + "/x",)}, (API,), False, id="of a resource alike"),
        pytest.param({"resources": (API,)}, (API,), False, id="the audience without the right"),
        pytest.param({"introspect": True, "resources": (API,)}, (), False, id="a token for nobody in particular"),
        pytest.param({"introspect": True, "resources": (API,)}, (API,), True, id="WM-27 the audience with the right"),
        pytest.param({"introspect": True, "resources": (API,)}, ("https://x", API), True, id="one of two audiences"),
        pytest.param({"introspect": True}, ("asker",), True, id="the audience is the asker itself"),
    ],
)
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
async def test_who_may_ask(
    world: World, asker: dict[str, Any], audience: tuple[str, ...], active: bool, kind: str
) -> None:
    """IA-07, WM-27: the client sees its own tokens, a resource server the access tokens that are for it: a refresh token is
    for the token endpoint, and whoever took one for an access token would let it in for weeks.
    """
    client = await world.client(audiences=audience)
    await world.client("asker", **asker)
    tokens = await world.tokens(client, audience=audience)
    assert await world.is_active(tokens[kind], "asker") is (active and kind == "access_token")
    assert await world.is_active(tokens[kind], "app")


async def test_an_access_token_narrowed_to_another_resource_is_no_business_of_this_one(world: World) -> None:
    """IA-07: the token's own audience counts, not its grant's."""
    both = (API, "https://other.example")
    client = await world.client(audiences=both)
    await world.client("asker", introspect=True, resources=(API,))
    code = await world.code(client, audience=both)
    token = (await (await world.redeem(code, resource="https://other.example")).json())["access_token"]
    assert not await world.is_active(token, "asker")


@pytest.mark.parametrize(
    ("headers", "form", "status", "error"),
    [
        pytest.param({}, {}, 401, "invalid_client", id="nobody"),
        pytest.param(basic("ghost"), {}, 401, "invalid_client", id="an unknown client"),
        pytest.param(basic("app", "wrong"), {}, 401, "invalid_client", id="a wrong secret"),
        pytest.param(basic("disabled"), {}, 401, "invalid_client", id="a disabled client"),
        pytest.param({}, {"client_id": "phone"}, 401, "invalid_client", id="a public client"),
        pytest.param({"Authorization": "Bearer {token}"}, {}, 401, "invalid_client", id="the token itself"),
    ],
)
async def test_only_clients_that_authenticate_may_ask(
    world: World, headers: dict[str, str], form: dict[str, str], status: int, error: str
) -> None:
    """IT-08, IT-11; RFC 7662 section 2.1: otherwise tokens could be guessed here."""
    client = await world.client()
    await world.client("disabled", enabled=False)
    await world.public_client()
    token = (await world.tokens(client))["access_token"]
    headers = {name: value.format(token=token) for name, value in headers.items()}
    response = await world.http.post("/introspect", data={"token": token} | form, headers=headers)
    assert await error_of(response) == (status, error)


async def test_the_token_is_required(world: World) -> None:
    await world.client()
    for form in ({}, {"token": ""}):
        assert await error_of(await world.post("/introspect", form)) == (400, "invalid_request")


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense", ""])
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
async def test_the_hint_is_only_a_hint(world: World, kind: str, hint: str) -> None:
    """RFC 7662 section 2.1."""
    tokens = await world.tokens(await world.client())
    response = await world.post("/introspect", {"token": tokens[kind], "token_type_hint": hint})
    assert (await response.json())["active"] is True


# exp


async def test_exp_is_the_keys_own_end_and_the_same_at_every_reading(world: World) -> None:
    """P4: told from the TTL, to the second, however late in the second it is read."""
    tokens, told = await world.tokens(await world.client()), set()
    for _ in range(40):
        told.add((await world.introspect(tokens["access_token"]))["exp"])
        await asyncio.sleep(0.025)
    assert told == set(world.ends(":access:").values())
    assert len(told) == 1


async def test_a_token_that_never_ends_has_no_exp(world: World) -> None:
    """IA-24."""
    client = await world.client(refresh_idle_lifetime=0, refresh_absolute_lifetime=0)
    tokens = await world.tokens(client)
    assert "exp" not in await world.introspect(tokens["refresh_token"])
    assert "exp" in await world.introspect(tokens["access_token"])


# properties


async def test_properties_for_resource_servers_are_told_and_others_are_not(world: World) -> None:
    """IA-21, AU-30: public in the token response is not public here, and the other way round."""
    client = await world.client(
        properties=(Property("tenant", 7, in_introspection=True), Property("colour", "red", in_token_response=True)),
    )
    grant = (
        Property("tenant", 8, in_introspection=True),
        Property("roles", ["a"], in_introspection=True),
        Property("x", 1),
    )
    told = await world.introspect((await world.tokens(client, properties=grant))["access_token"])
    assert (told["tenant"], told["roles"]) == (8, ["a"])
    assert not {"colour", "x"} & set(told)


@pytest.mark.parametrize("name", sorted(INTROSPECTION_MEMBERS))
async def test_a_property_never_takes_the_place_of_a_registered_member(world: World, name: str) -> None:
    evil = Property(name, "evil", True, True)
    client = await world.client(properties=(evil,))
    told = await world.introspect((await world.tokens(client, properties=(evil,)))["access_token"])
    assert told.get(name) != "evil"
