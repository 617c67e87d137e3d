"""Server metadata (RFC 8414, OpenID Connect Discovery): derived, so that it cannot lie."""

from dataclasses import replace
from typing import Any

import pytest

from service.client_auth import METHODS, registered_name
from service.crypto.sealing import Sealing
from service.endpoints import discovery
from service.grants import GRANT_TYPES
from service.protocol.names import Profile, ResponseType
from service.protocol.profiles import NO_DEMANDS
from service.protocol.response_destination import modes_supported
from tests.profiles import SURROUNDINGS, Bank
from tests.world import World

PATH = "/.well-known/oauth-authorization-server"
OPENID_PATH = "/.well-known/openid-configuration"
SECRET_METHODS = ("client_secret_basic", "client_secret_post")
ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "EdDSA"]


async def test_without_keys_it_is_an_oauth_server(world: World) -> None:
    """RFC 8414 section 2: nothing of OpenID Connect is advertised, and nothing of it is there."""
    async with world.with_part(keyring=None) as other:
        response = await other.http.get(PATH)
        assert (response.status, response.headers["Content-Type"]) == (200, "application/json")
        assert await response.json() == {
            "issuer": "http://127.0.0.1:8080",
            "authorization_endpoint": "http://127.0.0.1:8080/authorize",
            "token_endpoint": "http://127.0.0.1:8080/token",
            "token_endpoint_auth_methods_supported": [*SECRET_METHODS, "private_key_jwt", "none"],
            "token_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
            "pushed_authorization_request_endpoint": "http://127.0.0.1:8080/par",
            "require_pushed_authorization_requests": False,
            "device_authorization_endpoint": "http://127.0.0.1:8080/device_authorization",
            "introspection_endpoint": "http://127.0.0.1:8080/introspect",
            "introspection_endpoint_auth_methods_supported": [*SECRET_METHODS, "private_key_jwt"],
            "introspection_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
            "revocation_endpoint": "http://127.0.0.1:8080/revoke",
            "revocation_endpoint_auth_methods_supported": [*SECRET_METHODS, "private_key_jwt", "none"],
            "revocation_endpoint_auth_signing_alg_values_supported": ALGORITHMS,
            "grant_types_supported": [
                *("authorization_code", "client_credentials", "urn:ietf:params:oauth:grant-type:device_code"),
                "urn:ietf:params:oauth:grant-type:jwt-bearer",
                *("password", "refresh_token", "urn:ietf:params:oauth:grant-type:token-exchange", "implicit"),
            ],
            "authorization_grant_profiles_supported": ["urn:ietf:params:oauth:grant-profile:id-jag"],
            "response_types_supported": ["code", "code token", "none"],
            "dpop_signing_alg_values_supported": ["ES256", "PS256", "EdDSA", "ES384"],
            "response_modes_supported": ["query", "fragment", "form_post"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": True,
            "acr_values_supported": ["1"],
            "request_object_signing_alg_values_supported": ALGORITHMS,
            "require_signed_request_object": False,
            "request_parameter_supported": True,
            "request_uri_parameter_supported": True,
            "require_request_uri_registration": True,
            "ui_locales_supported": ["de", "en"],
        }
        keyless = other.with_settings(response_types=("code", "code id_token"), scopes={"openid": "", "read": ""})
        document = discovery(keyless.issuer)
        assert document["response_types_supported"] == ["code"]
        assert "implicit" not in document["grant_types_supported"], "nothing comes from the authorization endpoint"
        assert document["scopes_supported"] == ["read"]
        for path in ("/userinfo", "/jwks"):
            assert (await other.http.get(path)).status == 404


async def test_what_is_not_there_is_not_promised(world: World) -> None:
    """docs/explanation/limits.md says what is not."""
    document = discovery(world.with_settings(grant_management=True).issuer)
    assert not {"check_session_iframe", "credential_issuer", "federation_registration_endpoint"} & document.keys()
    assert document["claim_types_supported"] == ["normal"], "neither aggregated nor distributed"
    assert "none" not in document["request_object_signing_alg_values_supported"]
    assert not {"merge", "replace"} & set(document["grant_management_actions_supported"])
    assert not any("web_message" in mode for mode in document["response_modes_supported"])


async def test_both_documents_are_the_same(world: World) -> None:
    """oidcc-discovery-endpoint-verification."""
    documents = [await (await world.http.get(path)).json() for path in (PATH, OPENID_PATH)]
    assert documents[0] == documents[1]
    told = documents[0]
    assert told["subject_types_supported"] == ["public"]
    assert told["id_token_signing_alg_values_supported"] == ["RS256", "PS256", "ES256", "ES384", "EdDSA"]
    assert "none" not in told["request_object_signing_alg_values_supported"]
    assert set(told["response_types_supported"]) == {one.value for one in ResponseType}
    assert {"openid", "profile", "email", "address", "phone", "offline_access"} <= set(told["scopes_supported"])
    assert {"sub", "name", "email", "address", "phone_number"} <= set(told["claims_supported"])
    assert told["prompt_values_supported"] == ["none", "login", "consent", "select_account"]
    for name in ("backchannel", "frontchannel"):
        assert told[f"{name}_logout_supported"] is told[f"{name}_logout_session_supported"] is True
    assert None not in told.values()


async def test_every_endpoint_in_it_is_there(world: World) -> None:
    """Each answers as what it is, not with 404."""
    async with world.having(registration="open") as other:
        document = await (await other.http.get(PATH)).json()
        answers = {}
        for name, url in document.items():
            if name.endswith(("_endpoint", "jwks_uri")):
                path = url.removeprefix(document["issuer"])
                answers[name.removesuffix("_endpoint")] = (await other.http.get(path)).status
        assert answers == {
            **{"token": 405, "introspection": 405, "revocation": 405, "pushed_authorization_request": 405},
            **{"device_authorization": 405, "backchannel_authentication": 405},
            **{"authorization": 400, "userinfo": 401, "jwks_uri": 200, "registration": 401, "end_session": 200},
        }


async def test_it_is_derived_from_the_registries(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(GRANT_TYPES, "urn:example:new", GRANT_TYPES["password"])
    monkeypatch.delitem(GRANT_TYPES, "client_credentials")
    document = discovery(world.with_settings(response_types=("code", "none")).issuer)
    assert document["grant_types_supported"] == [*GRANT_TYPES]
    assert document["response_types_supported"] == ["code", "none"]
    with_master_key = replace(world.issuer, sealing=Sealing(("m" * 32,)))
    names = [name for name in dict.fromkeys(map(registered_name, METHODS)) if "tls" not in name]
    assert discovery(with_master_key)["token_endpoint_auth_methods_supported"] == names
    assert "HS256" in discovery(with_master_key)["token_endpoint_auth_signing_alg_values_supported"]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        pytest.param(
            {"token_paths": ("/oauth/token", "/token")},
            {"token_endpoint": "http://127.0.0.1:8080/oauth/token"},
            id="the first token path",
        ),
        pytest.param(
            {"issuer": "https://mint.example"},
            {"issuer": "https://mint.example", "revocation_endpoint": "https://mint.example/revoke"},
            id="another issuer",
        ),
        pytest.param({"pairwise_salt": "salt" * 4}, {"subject_types_supported": ["public", "pairwise"]}, id="pairwise"),
        pytest.param({"request_objects": "off"}, {"request_parameter_supported": False}, id="no request objects"),
        pytest.param(
            {"require_pushed_authorization_requests": True},
            {"request_parameter_supported": True, "request_uri_parameter_supported": False},
            id="all requests pushed, and none of them by reference (RFC 9126 section 5)",
        ),
        pytest.param({"acr": "gold"}, {"acr_values_supported": ["gold"]}, id="acr"),
        pytest.param(
            {"sign_up_url": "https://x.example"},
            {"prompt_values_supported": ["none", "login", "consent", "select_account", "create"]},
            id="sign up",
        ),
    ],
)
async def test_settings_show_in_it(world: World, settings: dict[str, Any], expected: dict[str, Any]) -> None:
    document = discovery(world.with_settings(**settings).issuer)
    assert {name: document[name] for name in expected} == expected


@pytest.mark.parametrize("profile", Profile)
async def test_a_profile_offers_no_grant_type_that_it_refuses(world: World, profile: Profile) -> None:
    document = discovery(world.with_settings(profile=profile, **SURROUNDINGS[profile]).issuer)
    offered = document["grant_types_supported"]
    assert [name for name in offered if name != "implicit"] == [name for name in GRANT_TYPES if name != "password"]


@pytest.mark.parametrize("profile", Profile)
async def test_a_profile_offers_the_response_modes_that_it_takes(world: World, profile: Profile) -> None:
    async with world.having(profile=profile, **SURROUNDINGS[profile]) as here:
        types = here.issuer.settings.response_types
        bank = await Bank(here, profile).open(response_types=types)
        taken = {
            mode
            for mode in modes_supported([*ResponseType], NO_DEMANDS, can_sign=True)
            for one in types
            if (await bank.push(response_type=one, response_mode=mode)).status == 201
        }
        assert set(discovery(here.issuer)["response_modes_supported"]) == taken


KEY_OF_A_BANK = (Profile.FAPI2_SECURITY, Profile.FAPI2_MESSAGE_SIGNING, Profile.FAPI1_ADVANCED)
"""Profiles whose clients have keys instead of secrets, and tokens bound to them."""


@pytest.mark.parametrize("profile", [None, *Profile])
async def test_a_profile_offers_nothing_by_secrets_or_unbound_that_it_refuses(
    world: World, profile: Profile | None
) -> None:
    settings: dict[str, Any] = {
        "encryption_algorithms": ("dir", "ECDH-ES"),
        "backchannel_delivery_modes": ("poll", "push"),
    }
    surroundings = SURROUNDINGS[profile] if profile else {}
    here = world.with_settings(profile=profile, **settings, master_key="m" * 32, **surroundings)
    document = discovery(replace(here.issuer, sealing=Sealing(("m" * 32,))))
    is_strict = profile in KEY_OF_A_BANK
    for kind in ("id_token", "userinfo", "authorization", "introspection", "request_object"):
        assert ("dir" in document[f"{kind}_encryption_alg_values_supported"]) is not is_strict
        assert "ECDH-ES" in document[f"{kind}_encryption_alg_values_supported"]
    assert document["backchannel_token_delivery_modes_supported"] == (["poll"] if is_strict else ["poll", "push"])


@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("HEAD", 200), ("POST", 405), ("DELETE", 405)])
async def test_it_is_read_only(world: World, method: str, status: int) -> None:
    response = await world.http.request(method, PATH)
    assert response.status == status
    if status == 405:
        assert response.headers["Allow"] == "GET, HEAD"
        assert (await response.json())["error"] == "invalid_request"


async def test_it_may_be_cached_for_a_while(world: World) -> None:
    assert (await world.http.get(PATH)).headers["Cache-Control"] == "public, max-age=300"
