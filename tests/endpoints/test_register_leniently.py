"""Registration as real clients do it: what says nothing is not there, what cannot be had is left out (RFC 7591 3.2.1)."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from service.admin import clients
from tests.registering import WEB, manage, register
from tests.world import CALLBACK, World

DEFAULT_SCOPE = "openid profile email address phone groups offline_access"
EVERY_MEMBER = (
    *("client_name", "token_endpoint_auth_method", "grant_types", "response_types", "scope", "application_type"),
    *("subject_type", "sector_identifier_uri", "jwks", "jwks_uri", "id_token_signed_response_alg", "logo_uri"),
    *("userinfo_signed_response_alg", "request_object_signing_alg", "request_uris", "default_max_age", "contacts"),
    *("require_auth_time", "default_acr_values", "post_logout_redirect_uris", "initiate_login_uri", "client_uri"),
    *("backchannel_logout_uri", "backchannel_logout_session_required", "frontchannel_logout_uri", "policy_uri"),
    *("frontchannel_logout_session_required", "tos_uri", "require_signed_request_object", "software_id"),
    *("token_endpoint_auth_signing_alg", "introspection_signed_response_alg", "software_version", "client_name#de"),
    "authorization_details_types",
)


@pytest.fixture
async def open_world(world: World) -> AsyncIterator[World]:
    async with world.having(registration="open") as other:
        yield other


def _but_for_names(made: dict[str, Any]) -> dict[str, Any]:
    """What is registered, without what differs between any two clients."""
    own = ("client_id", "client_secret", "registration_access_token", "registration_client_uri", "client_id_issued_at")
    return {name: value for name, value in made.items() if name not in own}


@pytest.mark.parametrize("nothing", [None, ""])
async def test_what_says_nothing_is_as_if_left_out(open_world: World, nothing: object) -> None:
    """RFC 7592 2.2, for every member and all of them, in a registration and in a replacement."""
    _, bare = await register(open_world, {"redirect_uris": [CALLBACK]})
    for members in (*([member] for member in EVERY_MEMBER), EVERY_MEMBER):
        metadata = {"redirect_uris": [CALLBACK], **dict.fromkeys(members, nothing)}
        status, made = await register(open_world, metadata)
        assert (status, _but_for_names(made)) == (201, _but_for_names(bare)), members
    metadata = {"redirect_uris": [CALLBACK], **dict.fromkeys((*EVERY_MEMBER, "client_secret"), nothing)}
    answer = await manage(open_world, bare, "PUT", json=metadata | {"client_id": bare["client_id"]})
    assert (answer.status, _but_for_names(await answer.json())) == (200, _but_for_names(bare))
    assert bare["scope"] == DEFAULT_SCOPE


async def test_a_client_gives_itself_only_the_types_of_details_that_it_may(world: World) -> None:
    """RFC 9396 section 10: others are for operators to give, and stay what they gave."""
    types: dict[str, Any] = {"payment": {}, "account": {}}
    asked = {"redirect_uris": [CALLBACK], "authorization_details_types": ["payment", "account"]}
    async with world.having(registration="open", authorization_details_types=types) as other:
        _, made = await register(other, asked)
        assert "authorization_details_types" not in made
        assert set(made["left_out"]) == {"authorization_details_types"}
        assert (await register(other, asked | {"authorization_details_types": "payment"}))[0] == 400
    chosen = {"registration_authorization_details_types": ("account",), "authorization_details_types": types}
    async with world.having(registration="open", **chosen) as other:
        _, made = await register(other, asked)
        assert made["authorization_details_types"] == ["account"]
        await clients.update_client(other.issuer, made["client_id"], {"authorization_details_types": ["payment"]})
        again = await manage(other, made, "PUT", json=asked | {"client_id": made["client_id"]})
        assert (await again.json())["authorization_details_types"] == ["payment", "account"]
        again = await manage(other, made, "PUT", json={"redirect_uris": [CALLBACK], "client_id": made["client_id"]})
        assert (await again.json())["authorization_details_types"] == ["payment", "account"], "where nothing is said"


UNUSABLE = [
    ({"client_uri": "http://app.example"}, {"client_uri"}),
    ({"logo_uri": "http://app.example/logo"}, {"logo_uri"}),
    ({"logo_uri": "javascript:alert(1)"}, {"logo_uri"}),
    ({"logo_uri": "https://x;sandbox/l.png"}, {"logo_uri"}),
    ({"policy_uri": "policy"}, {"policy_uri"}),
    ({"tos_uri": "https://app.example/" + "x" * 2000}, {"tos_uri"}),
    ({"client_name": "x" * 300}, {"client_name"}),
    ({"contacts": ["a@b.example", "x" * 300]}, {"contacts"}),
    (
        {"client_name": "x" * 300, "logo_uri": "http://a.example", "contacts": ["\x00"]},
        {"client_name", "logo_uri", "contacts"},
    ),
    ({"client_name#de": "x" * 10_000, "software_id": "s"}, {"client_name#de"}),
    ({"grant_types": ["authorization_code", "client_credentials"]}, {"grant_types"}),
    (
        {"grant_types": ["authorization_code", "telepathy", "urn:ietf:params:oauth:grant-type:device_code"]},
        {"grant_types"},
    ),
    ({"response_types": ["code", "magic"]}, {"response_types"}),
    ({"response_types": ["code", "id_token token"]}, {"response_types"}),
    ({"response_types": ["code", "id_token"], "grant_types": ["authorization_code"]}, {"response_types"}),
    (
        {"response_types": ["code", "code token"], "grant_types": ["authorization_code", "implicit", "password"]},
        {"response_types", "grant_types"},
    ),
]


@pytest.mark.parametrize(("unusable", "left_out"), UNUSABLE)
async def test_what_cannot_be_had_is_left_out_and_told(
    open_world: World, unusable: dict[str, Any], left_out: set[str]
) -> None:
    """The rest is registered, at the first time and in a replacement."""
    status, made = await register(open_world, WEB | unusable)
    assert (status, set(made["left_out"])) == (201, left_out), made
    assert made["grant_types"] == ["authorization_code"]
    assert made["response_types"] == ["code"]
    for name in unusable:
        assert made.get(name) != unusable[name] or name not in left_out
    assert all(made["left_out"].values()), "each with a reason"
    assert "left_out" not in await (await manage(open_world, made)).json()
    replaced = await manage(open_world, made, "PUT", json=WEB | unusable | {"client_id": made["client_id"]})
    assert (replaced.status, set((await replaced.json())["left_out"])) == (200, left_out)


async def test_where_all_is_registered_nothing_is_left_out(open_world: World) -> None:
    assert "left_out" not in (await register(open_world))[1]


@pytest.mark.parametrize("response_type", ["id_token token", "code token", "code id_token token"])
async def test_access_tokens_in_urls_are_for_operators_to_allow(world: World, response_type: str) -> None:
    """RFC 9700 2.1.2. By setting everybody may register for them; what an operator gave is kept through a replacement."""
    wanted = WEB | {"response_types": [response_type], "grant_types": ["authorization_code", "implicit"]}
    async with world.having(registration="open") as other:
        assert (await register(other, wanted))[1]["error"] == "invalid_client_metadata"
        for allowed in ("code", "id_token", "code id_token"):
            assert (await register(other, wanted | {"response_types": [allowed]}))[0] == 201
        _, made = await register(other)
        given = {"response_types": [response_type], "grant_types": ["authorization_code", "implicit"]}
        await clients.update_client(other.issuer, made["client_id"], given)
        kept = await manage(other, made, "PUT", json=wanted | {"client_id": made["client_id"]})
        assert (kept.status, (await kept.json())["response_types"]) == (200, [response_type])
    async with world.having(registration="open", registration_response_types=("code", response_type)) as other:
        assert (await register(other, wanted))[1]["response_types"] == [response_type]


@pytest.mark.parametrize("truth", [True, False])
async def test_a_truth_value_is_no_number(open_world: World, truth: bool) -> None:
    """Python counts with them: a max_age of one second, or none."""
    status, body = await register(open_world, WEB | {"default_max_age": truth})
    assert (status, body["error"]) == (400, "invalid_client_metadata")
    assert body["error_description"].startswith("default_max_age: must be a whole number")
