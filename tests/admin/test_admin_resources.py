"""Registered resources: what an operator says of them, and what clients may ask for from then on."""

import asyncio
from typing import Any

import jwt
import pytest

from service.admin.errors import AlreadyExists, InvalidInput, NotFound
from service.admin.resources import (
    EndedResource,
    NamedResource,
    ResourceInput,
    create_resource,
    delete_resource,
    get_resource,
    list_resources,
    update_resource,
)
from service.protocol.names import AccessTokenFormat
from tests.person import Person
from tests.registering import register
from tests.world import CALLBACK, VERIFIER, World, basic, error_of

MCP = "https://mcp.example/mcp"
DISCOVERY = "/.well-known/oauth-authorization-server"


async def create(world: World, resource: str = MCP, **members: Any) -> None:
    await create_resource(world.issuer, ResourceInput.read({"resource": resource, **members}))


async def tokens_of(world: World, client_id: str, **request: str) -> dict[str, Any]:
    """What a client gets whose user signs in and agrees."""
    answer = (await Person(world).sign_in(client_id, **request)).answer
    assert "code" in answer, answer
    form = {"grant_type": "authorization_code", "code": answer["code"], "redirect_uri": CALLBACK}
    response = await world.post("/token", {**form, "client_id": client_id, "code_verifier": VERIFIER}, None)
    assert response.status == 200, await response.text()
    body: dict[str, Any] = await response.json()
    return body


async def test_it_is_made_shown_changed_and_deleted(world: World) -> None:
    issuer = world.issuer
    await create(world, name="Tools", scopes=["mcp:tools"], access_token_lifetime=600)
    with pytest.raises(AlreadyExists):
        await create(world)
    changed = await update_resource(issuer, MCP, {"scopes": ["mcp:tools", "mcp:admin"], "access_token_lifetime": None})
    assert (changed.name, changed.scopes, changed.access_token_lifetime) == ("Tools", ("mcp:tools", "mcp:admin"), None)
    assert await get_resource(issuer, NamedResource(resource=MCP)) == changed
    await create(world, "api")
    assert [one.resource for one in await list_resources(issuer)] == ["api", MCP]
    await delete_resource(issuer, EndedResource(resource=MCP))
    for act in (get_resource, delete_resource):
        with pytest.raises(NotFound):
            await act(issuer, EndedResource(resource=MCP))
    with pytest.raises(NotFound):
        await update_resource(issuer, MCP, {"name": "x"})
    assert [one.resource for one in await list_resources(issuer)] == ["api"]


@pytest.mark.parametrize(
    "members",
    [
        {"resource": "https://mcp.example/#fragment"},
        {"resource": "two words"},
        {"scopes": ["two words"]},
        {"access_token_lifetime": 0},
        {"access_token_format": "x"},
        {"access_token_format": "opaque", "access_token_signing_alg": "ES256"},
        {"unknown": 1},
    ],
    ids=str,
)
async def test_faults(world: World, members: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        await create(world, **members)
    assert not world.key_names("resources")


async def test_without_keys_nothing_is_signed(world: World) -> None:
    async with world.with_part(keyring=None) as other:
        with pytest.raises(InvalidInput, match="no key"):
            await create(other, access_token_format="jwt")


async def test_changes_at_once_are_all_there(any_world: World) -> None:
    """Raced, on every shape of Redis."""
    for turn in range(10):
        await asyncio.gather(*(create(any_world, f"api-{turn}-{number}") for number in range(4)))
    assert len(await list_resources(any_world.issuer)) == 40


async def test_discovery_lists_them_at_once(world: World) -> None:
    assert "protected_resources" not in await (await world.http.get(DISCOVERY)).json()
    await create(world, scopes=["mcp:tools"])
    told = await (await world.http.get(DISCOVERY)).json()
    assert told["protected_resources"] == [MCP]
    assert "mcp:tools" in told["scopes_supported"]
    await delete_resource(world.issuer, EndedResource(resource=MCP))
    assert "protected_resources" not in await (await world.http.get(DISCOVERY)).json()


async def test_its_tokens_have_its_format_and_live_as_long_as_it_lets_them(world: World) -> None:
    await create(world, access_token_format="jwt", access_token_signing_alg="ES256", access_token_lifetime=300)
    await create(world, "api", access_token_lifetime=100)
    await world.client(audiences=(MCP, "api", "other"))
    await world.client("own", audiences=(MCP,), access_token_format=AccessTokenFormat.OPAQUE, access_token_lifetime=200)
    form = {"grant_type": "client_credentials", "scope": "read"}
    token = await (await world.token(**form, resource=MCP)).json()
    assert (jwt.get_unverified_header(token["access_token"])["alg"], token["expires_in"]) == ("ES256", 300)
    both = await (await world.form("/token", [*form.items(), ("resource", MCP), ("resource", "api")])).json()
    assert both["expires_in"] == 100
    own = await (await world.token("own", **form, resource=MCP)).json()
    assert (own["access_token"].startswith("mm_at_"), own["expires_in"]) == (True, 200)
    other = await (await world.token(**form, resource="other")).json()
    assert (other["access_token"].startswith("mm_at_"), other["expires_in"]) == (True, 3600)


NATIVE = {"redirect_uris": ["https://app.example/callback"], "token_endpoint_auth_method": "none"}


async def test_who_registered_itself_may_have_what_is_open_to_it(world: World) -> None:
    """Its scopes with it, and nothing of that without naming it; an operator's client has what it is registered for."""
    await world.user()
    await create(world, scopes=["mcp:tools"], self_registered=True)
    await create(world, "closed", scopes=["closed:all"])
    async with world.having(registration="open", registration_audiences=("by-setting",)) as other:
        _, made = await register(other, NATIVE)
        client_id = made["client_id"]
        tokens = await tokens_of(other, client_id, resource=MCP, scope="openid mcp:tools")
        assert tokens["scope"] == "openid mcp:tools"
        await tokens_of(other, client_id, resource="by-setting")
        assert (await tokens_of(other, client_id, scope="openid mcp:tools"))["scope"] == "openid"
        for resource in ("closed", "https://nowhere.example"):
            shown = await Person(other).authorize(client_id, resource=resource)
            assert shown.error == "invalid_target"
        await other.public_client("ours", scopes=("openid",))
        assert (await Person(other).authorize("ours", resource=MCP)).error == "invalid_target"
        await update_resource(world.issuer, MCP, {"self_registered": False})
        assert (await Person(other).authorize(client_id, resource=MCP)).error == "invalid_target"


async def test_scheme_and_host_may_be_in_upper_case(world: World) -> None:
    """MCP authorization 2025-11-25: the resource is the same one, with its scopes, named as it is registered."""
    spelled = "HTTPS://MCP.Example/mcp"
    await world.user()
    await create(world, scopes=["mcp:tools"], self_registered=True)
    async with world.having(
        registration="open", registration_grant_types=("authorization_code", "refresh_token")
    ) as other:
        _, made = await register(other, NATIVE | {"grant_types": ["authorization_code", "refresh_token"]})
        tokens = await tokens_of(other, made["client_id"], resource=spelled, scope="openid mcp:tools")
        refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "resource": spelled}
        refreshed = await other.post("/token", refresh | {"client_id": made["client_id"]}, None)
        await other.client("api", introspect=True, resources=(MCP,))
        for one in (tokens, await refreshed.json()):
            assert one["scope"] == "openid mcp:tools"
            assert (await other.introspect(one["access_token"], "api"))["aud"] == [MCP]
    async with world.having(registration="open", registration_grant_types=("client_credentials",)) as other:
        _, made = await register(other, {"grant_types": ["client_credentials"]})
        form = {"grant_type": "client_credentials", "resource": spelled, "scope": "mcp:tools"}
        proof = basic(made["client_id"], made["client_secret"])
        assert (await other.http.post("/token", data=form, headers=proof)).status == 200


async def test_a_resource_that_is_closed_while_a_person_signs_in(world: World) -> None:
    await world.user()
    await create(world, self_registered=True)
    async with world.having(registration="open") as other:
        _, made = await register(other, NATIVE)
        person = Person(other)
        login = await person.authorize(made["client_id"], resource=MCP)
        await update_resource(world.issuer, MCP, {"self_registered": False})
        assert "code" not in (await person.log_in(login)).answer


async def test_a_resource_that_is_closed_afterwards(world: World) -> None:
    """Nothing more comes of what was granted, until it is open again; nothing is lost."""
    await world.user()
    await create(world, self_registered=True)
    async with world.having(registration="open") as other:
        metadata = NATIVE | {"grant_types": ["authorization_code", "refresh_token"]}
        _, made = await register(other, metadata)
        tokens = await tokens_of(other, made["client_id"], resource=MCP)
        code = (await Person(other).sign_in(made["client_id"], resource=MCP)).answer["code"]
        form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "client_id": made["client_id"]}
        redemption = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        redemption |= {"code_verifier": VERIFIER, "client_id": made["client_id"]}
        await update_resource(world.issuer, MCP, {"self_registered": False})
        for one in (form, redemption):
            assert await error_of(await other.post("/token", one, None)) == (400, "invalid_target")
        await update_resource(world.issuer, MCP, {"self_registered": True})
        for one in (form, redemption):
            assert (await other.post("/token", one, None)).status == 200


async def test_it_may_register_for_scopes_of_open_resources(world: World) -> None:
    await create(world, scopes=["mcp:tools"], self_registered=True)
    async with world.having(registration="open") as other:
        _, made = await register(other, NATIVE | {"scope": "mcp:tools"})
        assert made["scope"] == "mcp:tools"
        _, made = await register(other, NATIVE)
        assert "mcp:tools" not in made["scope"], "with the resource it has them anyway"


async def test_scopes_that_others_may_have_are_passed_over(world: World) -> None:
    """MCP clients ask for all that discovery lists where nobody tells them less; for what nobody has they are refused."""
    await world.user()
    async with world.having(registration="open", scopes={"read": "Read"}) as other:
        _, made = await register(other, NATIVE)
        everything = " ".join((await (await other.http.get(DISCOVERY)).json())["scopes_supported"])
        assert "read" in everything.split()
        tokens = await tokens_of(other, made["client_id"], scope=everything)
        assert "read" not in tokens["scope"].split()
        assert (await Person(other).authorize(made["client_id"], scope="openid nonsense")).error == "invalid_scope"
        assert (await Person(other).authorize(made["client_id"], scope="read")).error == "invalid_scope"


# audience in the place of resource


async def test_audience_stands_for_resource_where_the_setting_says_so(world: World) -> None:
    await world.user()
    await world.client(audiences=(MCP, "api"))
    await world.public_client(audiences=(MCP,), scopes=("openid",))
    form = {"grant_type": "client_credentials", "scope": "read"}
    ignored = await (await world.token(**form, audience="nowhere")).json()
    assert set((await world.introspect(ignored["access_token"]))["aud"]) == {MCP, "api"}
    async with world.having(audience_parameter=True) as other:
        token = await (await other.token(**form, audience=MCP)).json()
        assert (await other.introspect(token["access_token"]))["aud"] == [MCP]
        token = await (await other.token(**form, audience=MCP.replace("mcp.example", "MCP.example"))).json()
        assert (await other.introspect(token["access_token"]))["aud"] == [MCP]
        token = await (await other.token(**form, audience=f"{MCP} api")).json()
        assert (await other.introspect(token["access_token"]))["aud"] == [MCP, "api"]
        token = await (await other.token(**form, audience="nowhere", resource="api")).json()
        assert (await other.introspect(token["access_token"]))["aud"] == ["api"]
        assert await error_of(await other.token(**form, audience="nowhere")) == (400, "invalid_target")
        assert "code" in (await Person(other).sign_in("phone", audience=MCP)).answer
        assert (await Person(other).authorize("phone", audience="nowhere")).error == "invalid_target"
