"""grant_type=client_credentials (RFC 6749 section 4.4)."""

from typing import Any

import pytest

from service.records.property import Property
from tests.world import World, error_of

GRANT = "client_credentials"


async def test_the_client_gets_a_token_of_its_own(world: World) -> None:
    """IT-04, WM-04, IA-16, IA-43, AU-28: no refresh token, no person is its subject, and operators find it."""
    await world.client()
    response = await world.token(grant_type=GRANT, scope="write")
    body = await response.json()
    assert response.status == 200
    token = body.pop("access_token")
    assert body == {"token_type": "Bearer", "expires_in": 3600, "scope": "write"}
    told = await world.introspect(token)
    assert (told["client_id"], told["scope"]) == ("app", "write")
    assert told["sub"] == "app", "as RFC 9068 2.2 has it in a JWT"
    assert "username" not in told
    page = await world.issuer.store.grants.list_of_client("app")
    assert [listed.grant.grant_type for listed in page.grants] == ["client_credentials"]


async def test_one_token_is_one_key(world: World) -> None:
    """WM-02: token, client, end and scope lie under the token's hash, and end with it."""
    await world.client(access_token_lifetime=100)
    await world.token(grant_type=GRANT)
    ((key, ends_at),) = world.ends("mm:{").items()
    assert ":access:" in key
    assert 0 < ends_at - world.issuer.clock() <= 100


@pytest.mark.parametrize("offline", ["offline_access", "read"])
async def test_no_scope_brings_a_refresh_token(world: World, offline: str) -> None:
    """IT-20; RFC 6749 section 4.4.3."""
    await world.client(scopes=("read", "offline_access"))
    response = await world.token(grant_type=GRANT, scope=offline)
    assert "refresh_token" not in await response.json()


async def test_public_clients_have_nothing_to_prove_it_with(world: World) -> None:
    """RFC 6749 section 4.4: confidential clients only."""
    await world.public_client()
    response = await world.post("/token", {"grant_type": GRANT, "client_id": "phone"}, None)
    assert await error_of(response) == (400, "unauthorized_client")


@pytest.mark.parametrize(
    ("client", "settings", "asked", "granted"),
    [
        pytest.param({}, {}, None, "read", id="nothing asked: the client's default"),
        pytest.param(
            {"default_scope": None}, {"default_scope": "basic write"}, None, "write", id="of the service's default"
        ),
        pytest.param(
            {"default_scope": ""}, {"default_scope": "basic"}, None, None, id="the client's default is nothing"
        ),
        pytest.param({"default_scope": "write admin"}, {}, None, "write", id="of a default it may not have whole"),
        pytest.param({}, {}, "", "read", id="an empty scope is none"),
        pytest.param({}, {}, "write read", "write read", id="all it may have"),
        pytest.param({}, {}, "read read", "read", id="twice the same"),
        pytest.param({}, {"unknown_scope": "drop"}, "read admin", "read", id="an unknown one is dropped by setting"),
        pytest.param({}, {}, "read admin", "invalid_scope", id="an unknown one"),
        pytest.param({}, {"unknown_scope": "drop"}, "admin", "invalid_scope", id="dropping would leave nothing"),
        pytest.param({"scopes": ()}, {}, "read", "invalid_scope", id="a client without scopes"),
        pytest.param({}, {}, " read  write ", "read write", id="blanks too many"),
        pytest.param({}, {}, 'a"b', "invalid_scope", id="a quote"),
        pytest.param({}, {}, "read\nwrite", "invalid_scope", id="a line end"),
        pytest.param({}, {}, "r" * 60_000, "invalid_scope", id="very long"),
    ],
)
async def test_scopes(
    world: World, client: dict[str, Any], settings: dict[str, Any], asked: str | None, granted: str | None
) -> None:
    """IA-27, WM-13, AU-29."""
    await world.client(**client)
    async with world.having(**settings) as world:
        response = await world.token(grant_type=GRANT, **({} if asked is None else {"scope": asked}))
        if granted == "invalid_scope":
            assert await error_of(response) == (400, granted)
        else:
            assert (response.status, (await response.json()).get("scope")) == (200, granted)


@pytest.mark.parametrize(
    ("resources", "audience"),
    [
        pytest.param((), ["https://a.example", "https://b.example"], id="nothing asked: all it may reach"),
        pytest.param(("https://b.example",), ["https://b.example"], id="one"),
        pytest.param(("https://b.example", "https://a.example"), ["https://b.example", "https://a.example"], id="both"),
        pytest.param(("https://c.example",), "invalid_target", id="one it may not reach"),
        pytest.param(("https://a.example", "https://c.example"), "invalid_target", id="one of two it may not reach"),
        pytest.param(("http://[",), "invalid_target", id="a bracket"),
        pytest.param(("https://a.example",) * 9, "invalid_target", id="too many"),
    ],
)
async def test_resources(world: World, resources: tuple[str, ...], audience: list[str] | str) -> None:
    """IA-07; RFC 8707."""
    await world.client(audiences=("https://a.example", "https://b.example"))
    form = [("grant_type", GRANT), *(("resource", resource) for resource in resources)]
    response = await world.form("/token", form)
    if isinstance(audience, str):
        assert await error_of(response) == (400, audience)
    else:
        assert (await world.introspect((await response.json())["access_token"]))["aud"] == audience


async def test_a_client_for_no_resource_has_tokens_without_audience(world: World) -> None:
    await world.client()
    token = (await (await world.token(grant_type=GRANT)).json())["access_token"]
    assert "aud" not in await world.introspect(token)


@pytest.mark.parametrize("settings", [{}, {"access_token_lifetime": 120}])
@pytest.mark.parametrize("own", [None, 60])
async def test_lifetimes(world: World, settings: dict[str, int], own: int | None) -> None:
    """IA-06, WM-18, AU-17: the client's own before the service's; ``exp`` and the key's TTL say the same."""
    await world.client(access_token_lifetime=own)
    async with world.having(**settings) as world:
        body = await (await world.token(grant_type=GRANT)).json()
        told = await world.introspect(body["access_token"])
    assert body["expires_in"] == (own or settings.get("access_token_lifetime", 3600))
    assert told["exp"] - told["iat"] == body["expires_in"]
    assert list(world.ends(":access:").values()) == [told["exp"]]


async def test_the_clients_properties_go_with_its_tokens(world: World) -> None:
    """IA-21, AU-30."""
    public, private = Property("tenant", {"id": 7}, True, True), Property("note", "secret")
    await world.client(properties=(public, private))
    body = await (await world.token(grant_type=GRANT)).json()
    assert (body["tenant"], "note" in body) == ({"id": 7}, False)


@pytest.mark.parametrize(
    "extra", [{"redirect_uri": "https://evil.example"}, {"code": "x"}, {"username": "u", "password": "p"}]
)
async def test_parameters_of_other_grants_are_ignored(world: World, extra: dict[str, str]) -> None:
    """WM-09, WM-12, WM-14, WM-15."""
    await world.client()
    assert (await world.token(grant_type=GRANT, **extra)).status == 200
