"""Dynamic registration (RFC 7591) and its management (RFC 7592)."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from service.admin.registration import create_initial_access_token
from service.crypto.key_material import generate, public_jwk
from service.crypto.keyring import Keyring
from service.protocol.names import SigningAlgorithm
from tests.assertions import JWKS, KEYS, Signer
from tests.person import Person
from tests.registering import WEB, manage, register
from tests.world import CALLBACK, VERIFIER, World, basic, private_jwk

JWK = public_jwk(generate(SigningAlgorithm.ES256, 0), SigningAlgorithm.ES256)
RSA = public_jwk(generate(SigningAlgorithm.RS256, 2048), SigningAlgorithm.RS256)
PRIVATE = JWK | {"d": "x" * 43}


@pytest.mark.parametrize("member", ["redirect_uris", "contacts", "request_uris"])
async def test_a_list_of_thousands_of_faults_is_refused_as_a_whole(open_world: World, member: str) -> None:
    """It would keep the service busy for as long as hundreds of requests, and anybody may send it."""
    status, told = await register(open_world, WEB | {member: [0] * 20_000})
    assert (status, told["error_description"]) == (400, f"{member}: has more than 2000 items")


async def test_a_client_registers_and_signs_people_in(open_world: World) -> None:
    """oidcc-dynamic: 201, the metadata given back, and a client that works."""
    status, made = await register(open_world, WEB | {"contacts": ["a@b.example"], "software_id": "s", "unknown": 1})
    assert status == 201
    assert made["client_secret_expires_at"] == 0
    assert made["client_secret"].startswith("mm_cs_")
    told = {
        **{"redirect_uris": [CALLBACK], "client_name": "My App", "contacts": ["a@b.example"], "software_id": "s"},
        **{"grant_types": ["authorization_code"], "response_types": ["code"], "application_type": "web"},
        "token_endpoint_auth_method": "client_secret_basic",
    }
    assert {name: made[name] for name in told} == told
    assert "unknown" not in made
    assert made["scope"] == "openid profile email address phone groups offline_access"
    await open_world.user()
    shown = await Person(open_world).sign_in(made["client_id"], scope="openid email")
    form = {
        **{"grant_type": "authorization_code", "code": shown.answer["code"], "redirect_uri": CALLBACK},
        "code_verifier": VERIFIER,
    }
    headers = basic(made["client_id"], made["client_secret"])
    response = await open_world.http.post("/token", data=form, headers=headers)
    assert "id_token" in await response.json()


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256"])
async def test_a_client_registers_with_its_keys(open_world: World, algorithm: str) -> None:
    """oidcc-dynamic with private_key_jwt: no secret, and assertions from the first request on."""
    wanted = {"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": algorithm}
    status, made = await register(open_world, WEB | wanted | {"jwks": JWKS})
    assert (status, "client_secret" in made, "client_secret_expires_at" in made) == (201, False, False)
    assert {name: made[name] for name in wanted} == wanted
    await open_world.user()
    shown = await Person(open_world).sign_in(made["client_id"], scope="openid")
    signer = Signer(KEYS[SigningAlgorithm(algorithm)], algorithm, made["client_id"])
    form = {
        **{"grant_type": "authorization_code", "code": shown.answer["code"], "redirect_uri": CALLBACK},
        **{"code_verifier": VERIFIER, **signer.form()},
    }
    assert "id_token" in await (await open_world.http.post("/token", data=form)).json()
    changed = WEB | {"client_id": made["client_id"], "token_endpoint_auth_method": "client_secret_post"}
    answer = await (await manage(open_world, made, "PUT", json=changed)).json()
    assert "client_secret" in answer, "whoever changes to a secret gets one"
    weaker = changed | {"token_endpoint_auth_method": "none"}
    assert (await manage(open_world, made, "PUT", json=weaker)).status == 400


async def test_it_is_off_unless_it_is_on(world: World) -> None:
    response = await world.http.post("/register", json=WEB)
    assert response.status == 404


async def test_an_initial_access_token_may_be_needed(world: World) -> None:
    """RFC 7591 section 3; raced: a token for three registers three."""
    async with world.having(registration="initial_access_token") as other:
        status, body = await register(other)
        assert (status, body["error"]) == (401, "invalid_token")
        assert (await register(other, Authorization="Bearer mm_ia_x"))[0] == 401
        token = await create_initial_access_token(other.issuer, uses=3, lifetime=60)
        answers = await asyncio.gather(*(register(other, Authorization=f"Bearer {token}") for _ in range(20)))
        assert sorted(status for status, _ in answers) == [201] * 3 + [401] * 17
        unlimited = await create_initial_access_token(other.issuer, uses=-1, lifetime=60)
        for _ in range(4):
            assert (await register(other, Authorization=f"Bearer {unlimited}"))[0] == 201
        assert token.encode() not in b"".join(other.redis.keys())
        other.expire("{registration:")
        assert (await register(other, Authorization=f"Bearer {unlimited}"))[0] == 401


@pytest.mark.parametrize(
    ("metadata", "error"),
    [
        (b"", "invalid_client_metadata"),
        (b"[]", "invalid_client_metadata"),
        (b"{", "invalid_client_metadata"),
        (b"[" * 10_000, "invalid_client_metadata"),
        ({}, "invalid_redirect_uri"),
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"redirect_uris": [CALLBACK + "#x"]}, "invalid_redirect_uri"),  # oidcc-redirect-uri-regfrag
        ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["http://app.example/cb"]}, "invalid_redirect_uri"),
        ({"redirect_uris": "https://app.example"}, "invalid_redirect_uri"),
        ({"redirect_uris": [7]}, "invalid_redirect_uri"),
        ({"redirect_uris": [CALLBACK] * 500 + [f"{CALLBACK}{n}" for n in range(500)]}, "invalid_redirect_uri"),
        (WEB | {"response_types": ["magic"]}, "invalid_client_metadata"),
        (WEB | {"response_types": "code"}, "invalid_client_metadata"),
        (WEB | {"grant_types": ["telepathy"]}, "invalid_client_metadata"),
        (WEB | {"grant_types": ["authorization_code"], "response_types": ["id_token"]}, "invalid_client_metadata"),
        (WEB | {"token_endpoint_auth_method": "telepathy"}, "invalid_client_metadata"),
        (WEB | {"id_token_signed_response_alg": "none"}, "invalid_client_metadata"),
        (WEB | {"id_token_signed_response_alg": "HS256"}, "invalid_client_metadata"),
        (WEB | {"subject_type": "pairwise"}, "invalid_client_metadata"),
        (WEB | {"jwks": {"keys": [JWK]}, "jwks_uri": "https://a.example/jwks"}, "invalid_client_metadata"),
        (WEB | {"jwks": {"keys": [PRIVATE]}}, "invalid_client_metadata"),
        (WEB | {"jwks": {"keys": [{"kty": "oct", "k": "AA"}]}}, "invalid_client_metadata"),
        (WEB | {"jwks": {"keys": [JWK, JWK]}}, "invalid_client_metadata"),
        (WEB | {"jwks": {}}, "invalid_client_metadata"),
        (WEB | {"jwks": {"keys": [JWK | {"kid": ["a"]}]}}, "invalid_client_metadata"),
        (WEB | {"jwks": {"keys": [JWK | {"kid": {}}, JWK]}}, "invalid_client_metadata"),
        (WEB | {"jwks": {"keys": [JWK | {"x": "AA"}]}}, "invalid_client_metadata"),
        (WEB | {"redirect_uris": ["https://[x"], "response_types": ["id_token"]}, "invalid_redirect_uri"),
        (WEB | {"redirect_uris": ["https://a℀b/"], "response_types": ["id_token"]}, "invalid_redirect_uri"),
        (WEB | {"redirect_uris": ["https://app.example\\@b.example/"]}, "invalid_redirect_uri"),
        (WEB | {"jwks_uri": "https://１２７.0.0.1/"}, "invalid_client_metadata"),
        ({"grant_types": ["client_credentials"]}, "invalid_client_metadata"),
        (WEB | {"scope": "admin"}, "invalid_client_metadata"),
        ({"grant_types": ["password"], "response_types": []}, "invalid_client_metadata"),
        (WEB | {"initiate_login_uri": "http://app.example/login"}, "invalid_client_metadata"),  # …-nohttps
        (WEB | {"backchannel_logout_uri": "https://app.example/out#x"}, "invalid_client_metadata"),
        (WEB | {"frontchannel_logout_uri": "https://other.example/out"}, "invalid_client_metadata"),
        (WEB | {"client_name": 7}, "invalid_client_metadata"),
        (WEB | {"client_name": "a\x00b"}, "invalid_client_metadata"),
        (WEB | {"logo_uri": ["https://a.example/l"]}, "invalid_client_metadata"),
        (WEB | {"contacts": "a@b.example"}, "invalid_client_metadata"),
        (WEB | {"contacts": [None]}, "invalid_client_metadata"),
        (WEB | {"scope": ["openid"]}, "invalid_client_metadata"),
        (WEB | {"grant_types": [None]}, "invalid_client_metadata"),
        (WEB | {"grant_types": []}, "invalid_client_metadata"),
        (WEB | {"response_types": ["id_token token"]}, "invalid_client_metadata"),
        (WEB | {"client_uri": "http://app.example", "jwks_uri": "http://app.example"}, "invalid_client_metadata"),
        (WEB | {"client_name": "x" * 300, "redirect_uris": ["http://app.example/cb"]}, "invalid_redirect_uri"),
        (WEB | {"redirect_uris": [f"{CALLBACK}?{n}={'x' * 1900}" for n in range(10)]}, "invalid_client_metadata"),
        (WEB | {"jwks": {"keys": [JWK | {"kid": "k" * 17_000}]}}, "invalid_client_metadata"),
        (WEB | {"client_name#de": 7}, "invalid_client_metadata"),
        (WEB | {"default_max_age": -1}, "invalid_client_metadata"),
        (WEB | {"require_auth_time": "perhaps"}, "invalid_client_metadata"),
        (WEB | {"sector_identifier_uri": "https://127.0.0.1/sector"}, "invalid_client_metadata"),
        (
            {"redirect_uris": ["http://127.0.0.1/cb"], "response_types": ["id_token"], "grant_types": ["implicit"]},
            "invalid_redirect_uri",
        ),
    ],
)
async def test_faults_are_named_as_the_rfc_does(open_world: World, metadata: Any, error: str) -> None:
    status, body = await register(open_world, metadata)
    assert (status, body["error"]) == (400, error), body
    assert not open_world.key_names("mm:client:")


@pytest.mark.parametrize(
    "metadata",
    [
        WEB | {"initiate_login_uri": "https://app.example/login"},  # oidcc-3rd_party-init-login
        WEB
        | {"logo_uri": "https://a.example/l", "policy_uri": "https://a.example/p", "tos_uri": "https://a.example/t"},
        WEB | {"jwks": {"keys": [JWK]}},
        WEB | {"jwks": {"keys": [JWK | {"use": "sig"}, RSA | {"kid": "encrypts", "use": "enc", "alg": "RSA-OAEP"}]}},
        WEB | {"jwks_uri": "https://app.example/jwks"},
        WEB | {"id_token_signed_response_alg": "ES256", "userinfo_signed_response_alg": "RS256"},
        WEB | {"response_types": ["code", "id_token code"], "grant_types": ["authorization_code", "implicit"]},
        WEB | {"request_uris": ["https://app.example/request#hash"]},
        WEB | {"post_logout_redirect_uris": ["https://app.example/out"]},
        WEB | {"backchannel_logout_uri": "https://a.example/b", "backchannel_logout_session_required": True},
        WEB | {"frontchannel_logout_uri": "https://app.example/f", "frontchannel_logout_session_required": True},
        WEB | {"default_max_age": 60, "require_auth_time": True, "default_acr_values": ["1"]},
        WEB | {"client_name#de": "Meine App"},
        {"redirect_uris": ["http://127.0.0.1/cb", "com.example.app:/cb"], "application_type": "native"}
        | {"token_endpoint_auth_method": "none"},
    ],
    ids=lambda metadata: "+".join(sorted(set(metadata) - set(WEB))) or "web",
)
async def test_what_is_given_comes_back(open_world: World, metadata: dict[str, Any]) -> None:
    status, made = await register(open_world, metadata)
    assert status == 201, made
    wanted = metadata | {}
    if "response_types" in wanted:
        wanted["response_types"] = ["code", "code id_token"]
    assert {name: made[name] for name in wanted} == wanted
    assert ("client_secret" in made) == (metadata.get("token_endpoint_auth_method") != "none")
    read = await (await manage(open_world, made)).json()
    assert {name: read[name] for name in wanted} == wanted
    assert "client_secret" not in read, "only its hash is kept, if it is one"
    own = ("client_id", "registration_client_uri", "registration_access_token")
    assert {name: read[name] for name in own} == {name: made[name] for name in own}, "RFC 7592 section 3"


async def test_operators_say_what_a_client_may_register_for(world: World) -> None:
    async with world.having(
        registration="open", registration_scopes=("read",), registration_grant_types=("client_credentials",)
    ) as other:
        status, made = await register(other, {"grant_types": ["client_credentials"], "scope": "read email"})
        assert (status, made["scope"]) == (201, "read")
        assert (await register(other))[1]["error"] == "invalid_client_metadata"


async def test_mistyped_metadata_cost_no_use_of_an_initial_access_token(world: World) -> None:
    async with world.having(registration="initial_access_token") as other:
        token = await create_initial_access_token(other.issuer, uses=1, lifetime=60)
        bearer = {"Authorization": f"Bearer {token}"}
        for metadata in ({}, b"{", WEB | {"client_name": 7}):
            assert (await register(other, metadata, **bearer))[0] == 400
        answers = await asyncio.gather(*(register(other, metadata, **bearer) for metadata in ({}, WEB) * 5))
        assert [status for status, _ in answers].count(201) <= 1, "never more than its uses, whatever is given back"
        for _ in range(2):
            answers.append(await register(other, **bearer))
        assert [status for status, _ in answers].count(201) == 1


@pytest.mark.parametrize("depth", [10, 900, 1000])
async def test_what_we_don_t_know_of_a_key_is_not_kept(open_world: World, depth: int) -> None:
    """A record that cannot be read again would spoil the pages of everybody who ever used the client."""
    _, made = await register(open_world)
    deep = "[" * depth + "]" * depth
    body = json.dumps(WEB | {"client_id": made["client_id"], "jwks": {"keys": [JWK | {"z": "?"}]}}).replace('"?"', deep)
    assert (await manage(open_world, made, "PUT", data=body)).status in (200, 400)
    client = await open_world.issuer.store.clients.read(made["client_id"])
    assert client is not None
    assert client.jwks in (None, {"keys": [JWK]})
    assert (await Person(open_world).authorize(made["client_id"])).heading == "Sign in"


async def test_nobody_learns_what_our_network_looks_like(open_world: World) -> None:
    """Whether a name resolves inside, to what, and what answers there, all looks alike."""
    told = set()
    for host in ("localhost", "127.0.0.1", "no-such-host.invalid"):
        _, body = await register(open_world, WEB | {"sector_identifier_uri": f"https://{host}/sector"})
        told.add(body["error_description"])
    assert len(told) == 1, told


@pytest.mark.parametrize("member", ["id_token_signed_response_alg", "userinfo_signed_response_alg"])
async def test_an_algorithm_without_a_key_is_not_offered(world: World, tmp_path: Path, member: str) -> None:
    """Keys of one kind only: the metadata say so, no client registers for another, and one that did gets what there is."""
    file = tmp_path / "keys.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps({"keys": [private_jwk("RS256")]}))
    async with world.having(registration="open", signing_key_files=(file,)) as other:
        keyring = Keyring(other.issuer.settings, other.issuer.store.signing_keys, other.issuer.randomness)
        await keyring.open()
        async with other.with_part(keyring=keyring) as able:
            document = await (await able.http.get("/.well-known/openid-configuration")).json()
            assert "ES384" not in document["id_token_signing_alg_values_supported"]
            assert (await register(able, WEB | {member: "ES384"}))[0] == 400
            await able.openid_client(skip_consent=True, **{member: SigningAlgorithm.ES384})
            await able.user()
            shown = await Person(able).sign_in()
            tokens = await (await able.redeem(shown.answer["code"], code_verifier=VERIFIER)).json()
            bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
            assert (await able.http.get("/userinfo", headers=bearer)).status == 200
        keyring.close()


async def test_a_use_that_made_us_fetch_is_used(world: World) -> None:
    """Else one initial access token would be as many fetches as somebody likes."""
    async with world.having(registration="initial_access_token") as other:
        token = await create_initial_access_token(other.issuer, uses=1, lifetime=60)
        bearer = {"Authorization": f"Bearer {token}"}
        fetching = WEB | {"sector_identifier_uri": "https://127.0.0.1/sector"}
        assert [(await register(other, fetching, **bearer))[0] for _ in range(2)] == [400, 401]
