"""Responses that only their client can read (JWE): joserfc opens each with the client's private key."""

import json
from typing import Any

import msgspec
import pytest
from joserfc import jwe
from joserfc import jwt as jose
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey

from service.admin.client_input import ClientInput
from service.admin.errors import InvalidInput
from service.crypto.incoming_jwe import symmetric_key
from service.crypto.sealing import Sealing
from service.protocol.names import ContentEncryption, KeyManagement, ResponseType, SigningAlgorithm
from service.records.client import Client
from tests.person import Person
from tests.world import SECRET, VERIFIER, World, basic

RSA, EC, OKP = RSAKey.generate_key(2048), ECKey.generate_key("P-256"), OKPKey.generate_key("X25519")
KEYS: dict[str, Any] = {"rsa": RSA, "ec": EC, "okp": OKP}


def jwks(*names: str, **said: str) -> dict[str, Any]:
    """Public keys for encryption."""
    return {"keys": [{**KEYS[name].as_dict(private=False), "use": "enc", "kid": name, **said} for name in names]}


@pytest.fixture
async def person(world: World) -> Person:
    await world.openid_client(skip_consent=True, jwks=jwks("rsa", "ec"))
    await world.user()
    person = Person(world)
    await person.sign_in()
    return person


async def change(person: Person, **changes: Any) -> Client:
    client = await person.world.issuer.store.clients.read("app")
    assert client
    changed = await person.world.change(client, **changes)
    person.world.issuer.store.clients.forget(["app"])
    return changed


def decrypted(token: str, key: Any = EC) -> tuple[dict[str, Any], bytes]:
    """Header and content."""
    opened = jwe.decrypt_compact(token, key, algorithms=[*KeyManagement, *ContentEncryption])
    assert opened.plaintext is not None
    return dict(opened.headers()), opened.plaintext


async def verified(person: Person, token: bytes, algorithm: str = "RS256") -> dict[str, Any]:
    """The claims of what we signed, inside."""
    keys = KeySet.import_key_set(await (await person.world.http.get("/jwks")).json())
    return dict(jose.decode(token.decode(), keys, algorithms=[algorithm]).claims)


async def tokens(person: Person) -> dict[str, Any]:
    code = (await person.authorize()).answer["code"]
    response = await person.world.redeem(code, code_verifier=VERIFIER)
    body: dict[str, Any] = await response.json()
    assert response.status == 200, body
    return body


@pytest.mark.parametrize(
    ("name", "algorithm"),
    [
        ("rsa", KeyManagement.RSA_OAEP),
        ("rsa", KeyManagement.RSA_OAEP_256),
        ("ec", KeyManagement.ECDH_ES),
        ("ec", KeyManagement.ECDH_ES_A128KW),
        ("ec", KeyManagement.ECDH_ES_A256KW),
        ("okp", KeyManagement.ECDH_ES),
    ],
)
@pytest.mark.parametrize("encryption", [None, *ContentEncryption])
async def test_an_id_token_is_signed_then_encrypted(
    person: Person, name: str, algorithm: KeyManagement, encryption: ContentEncryption | None
) -> None:
    """OpenID Connect Core 10.2: a nested JWT, by every algorithm that discovery lists."""
    await change(
        person,
        jwks=jwks(name),
        id_token_encrypted_response_alg=algorithm,
        id_token_encrypted_response_enc=encryption,
    )
    header, inside = decrypted((await tokens(person))["id_token"], KEYS[name])
    enc = (encryption or ContentEncryption.A128CBC_HS256).value
    assert (header["alg"], header["enc"], header["cty"], header["kid"]) == (algorithm.value, enc, "JWT", name)
    claims = await verified(person, inside)
    assert (claims["sub"], claims["aud"], claims["nonce"]) == ("alice", "app", "no")


@pytest.mark.parametrize("algorithm", [one for one in KeyManagement if one.is_symmetric])
@pytest.mark.parametrize("encryption", list(ContentEncryption))
async def test_by_the_secret_of_the_client(
    person: Person, algorithm: KeyManagement, encryption: ContentEncryption
) -> None:
    """Core 10.2; a client whose secret we cannot read gets nothing, and nothing in the clear."""
    members = {"id_token_encrypted_response_alg": algorithm, "id_token_encrypted_response_enc": encryption}
    client = await change(person, **members)
    code = (await person.authorize()).answer["code"]
    assert (await person.world.redeem(code, code_verifier=VERIFIER)).status == 400
    async with person.world.with_part(sealing=Sealing(("m" * 43,))) as able:
        sealing = able.issuer.sealing
        sealed = sealing.seal_text(SECRET, "app", able.issuer.randomness)
        kept = msgspec.structs.replace(client.secrets[0], sealed=sealed, sealed_under=sealing.current)
        await change(person, secrets=(kept,))
        tokens = await (await able.redeem(code, code_verifier=VERIFIER)).json()
    header, inside = decrypted(tokens["id_token"], OctKey.import_key(symmetric_key(SECRET, algorithm, encryption)))
    assert (header["alg"], header["enc"], header["cty"]) == (algorithm.value, encryption.value, "JWT")
    assert (await verified(person, inside))["sub"] == "alice"


async def test_those_of_the_authorization_endpoint_and_of_a_refresh_too(person: Person) -> None:
    await change(person, id_token_encrypted_response_alg=KeyManagement.ECDH_ES)
    shown = await person.authorize(response_type="code id_token")
    claims = await verified(person, decrypted(shown.answer["id_token"])[1])
    assert "c_hash" in claims
    first = await tokens(person)
    refreshed = await (await person.world.refresh(first["refresh_token"])).json()
    assert (await verified(person, decrypted(refreshed["id_token"])[1]))["sub"] == "alice"


async def test_responses_and_errors_as_jwts(person: Person) -> None:
    """JARM 2.2."""
    await change(
        person,
        authorization_encrypted_response_alg=KeyManagement.RSA_OAEP_256,
        authorization_encrypted_response_enc=ContentEncryption.A256GCM,
    )
    for request, member in (({}, "code"), ({"scope": "openid everything"}, "error")):
        shown = await person.authorize(response_mode="jwt", **request)
        claims = await verified(person, decrypted(shown.answer["response"], RSA)[1])
        assert (claims["aud"], claims["state"], member in claims) == ("app", "st", True)
    assert "code" in (await person.authorize()).answer, "a plain response stays plain"


@pytest.mark.parametrize("signed", [False, True])
async def test_userinfo(person: Person, signed: bool) -> None:
    """Core 5.3.2: signed and encrypted, or encrypted claims alone."""
    await change(
        person,
        userinfo_encrypted_response_alg=KeyManagement.ECDH_ES_A256KW,
        userinfo_signed_response_alg=SigningAlgorithm.RS256 if signed else None,
    )
    token = (await tokens(person))["access_token"]
    response = await person.world.http.get("/userinfo", headers={"Authorization": f"Bearer {token}"})
    assert response.headers["Content-Type"] == "application/jwt"
    header, inside = decrypted(await response.text())
    claims = await verified(person, inside) if signed else json.loads(inside)
    assert (claims["sub"], header.get("cty")) == ("alice", "JWT" if signed else None)


async def test_introspection(person: Person) -> None:
    """RFC 9701 section 5."""
    await change(person, introspection_encrypted_response_alg=KeyManagement.ECDH_ES)
    token = (await tokens(person))["access_token"]
    headers = {**basic("app"), "Accept": "application/token-introspection+jwt"}
    response = await person.world.http.post("/introspect", data={"token": token}, headers=headers)
    claims = await verified(person, decrypted(await response.text())[1])
    assert claims["token_introspection"]["active"] is True


async def test_a_client_without_a_key_loses_nothing(person: Person) -> None:
    """Its code is still good once it has one; nothing is sent in the clear instead."""
    signing_only = {"keys": [{**EC.as_dict(private=False), "use": "sig", "alg": "ES256"}]}
    await change(person, jwks=signing_only, id_token_encrypted_response_alg=KeyManagement.ECDH_ES)
    code = (await person.authorize()).answer["code"]
    refused = await person.world.redeem(code, code_verifier=VERIFIER)
    assert (refused.status, (await refused.json())["error"]) == (400, "invalid_request")
    await change(person, jwks=jwks("ec"))
    assert (await person.world.redeem(code, code_verifier=VERIFIER)).status == 200
    await change(person, jwks=signing_only, authorization_encrypted_response_alg=KeyManagement.ECDH_ES)
    for request in ({}, {"scope": "everything"}, {"prompt": "none"}):
        shown = await person.authorize(response_mode="jwt", **request)
        assert (shown.status, shown.location) == (503, "")


@pytest.mark.parametrize(
    ("response_type", "member", "request_members"),
    [
        ("code id_token", "id_token_encrypted_response_alg", {}),
        ("id_token token", "id_token_encrypted_response_alg", {}),
        ("code id_token token", "id_token_encrypted_response_alg", {}),
        ("id_token token", "authorization_encrypted_response_alg", {"response_mode": "jwt"}),
        ("code", "authorization_encrypted_response_alg", {"response_mode": "jwt"}),
    ],
)
async def test_nothing_is_left_of_a_response_that_cannot_be_made(
    person: Person, response_type: str, member: str, request_members: dict[str, str]
) -> None:
    """No client has its code or access token: its grant is no connected application, and counts for no limit."""
    signing_only = {"keys": [{**EC.as_dict(private=False), "use": "sig", "alg": "ES256"}]}
    await change(person, jwks=signing_only, **{member: KeyManagement.ECDH_ES})
    async with person.world.having(response_types=tuple(ResponseType)) as world:
        person.world = world
        before = {listed.grant_id for listed in (await world.issuer.store.grants.list_of_client("app")).grants}
        shown = await person.authorize(response_type=response_type, **request_members)
        assert not shown.answer.keys() & {"code", "access_token"}
        after = {listed.grant_id for listed in (await world.issuer.store.grants.list_of_client("app")).grants}
        assert after == before


async def test_discovery_lists_what_there_is(world: World) -> None:
    document = await (await world.http.get("/.well-known/openid-configuration")).json()
    for kind in ("id_token", "userinfo", "authorization", "introspection"):
        offered = ["RSA-OAEP", "RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW"]
        assert document[f"{kind}_encryption_alg_values_supported"] == offered, (
            "no secret can be read without a master key"
        )
        assert "A256GCM" in document[f"{kind}_encryption_enc_values_supported"]


@pytest.mark.parametrize(
    "members",
    [
        {"id_token_encrypted_response_alg": "ECDH-ES"},  # no keys
        {"id_token_encrypted_response_enc": "A256GCM", "jwks": jwks("ec")},
        {"id_token_encrypted_response_alg": "RSA1_5", "jwks": jwks("rsa")},
        {"id_token_encrypted_response_alg": "dir", "jwks": jwks("rsa")},
        {"userinfo_encrypted_response_alg": "ECDH-ES", "userinfo_encrypted_response_enc": "XC20P", "jwks": jwks("ec")},
    ],
)
def test_what_cannot_be_is_refused_when_it_is_registered(members: dict[str, Any]) -> None:
    usual = {"client_id": "app", "grant_types": ["authorization_code"], "redirect_uris": ["https://app.example/"]}
    with pytest.raises(InvalidInput):
        ClientInput.read(usual | members)
