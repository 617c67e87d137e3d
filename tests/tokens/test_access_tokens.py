"""Access tokens as JWTs (RFC 9068): what they say, and that they live and end as opaque ones do."""

import time
from typing import Any

import jwt
import pytest
from authlib.jose import JsonWebKey
from authlib.jose import jwt as authlib_jwt
from joserfc import jwk as joserfc_jwk
from joserfc import jwt as joserfc_jwt

from service.admin import client_ending, clients, users
from service.admin.errors import InvalidInput
from service.admin.inspection import inspect
from service.admin.users import UserInput
from service.endpoints.introspect import JWT
from service.protocol.names import AccessTokenFormat, SigningAlgorithm, SubjectType
from service.records.property import Property
from service.tokens.id_tokens import read_hint
from tests.person import Person
from tests.world import CALLBACK, VERIFIER, World, basic, error_of

API = "https://api.example.com"
FORMATS = AccessTokenFormat
ISSUER = "http://127.0.0.1:8080"


async def jwks(world: World) -> dict[str, Any]:
    body: dict[str, Any] = await (await world.http.get("/jwks")).json()
    return body


async def verified(world: World, token: str, audience: str = API, typ: str = "at+jwt") -> dict[str, Any]:
    """The claims, as PyJWT verifies them with what /jwks says."""
    header = jwt.get_unverified_header(token)
    assert header["typ"] == typ
    key = next(jwt.PyJWK(one) for one in (await jwks(world))["keys"] if one["kid"] == header["kid"])
    claims: dict[str, Any] = jwt.decode(token, key, [header["alg"]], audience=audience, issuer=ISSUER)
    return claims


async def alone(world: World, **form: str) -> dict[str, Any]:
    response = await world.token(grant_type="client_credentials", **form)
    assert response.status == 200, await response.text()
    body: dict[str, Any] = await response.json()
    return body


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "ES384", "EdDSA"])
async def test_what_it_says(world: World, algorithm: str) -> None:
    """IA-05, RFC 9068 section 2.2, every algorithm."""
    await world.client(
        access_token_format=FORMATS.JWT,
        access_token_signing_alg=SigningAlgorithm(algorithm),
        audiences=(API,),
        properties=(
            Property("tier", "gold", in_introspection=True),
            Property("inner", 1),
            Property("sub", "x", in_introspection=True),
        ),
    )
    body = await alone(world, scope="read write")
    claims = await verified(world, body["access_token"])
    now = int(time.time())
    assert jwt.get_unverified_header(body["access_token"])["alg"] == algorithm
    assert abs(claims.pop("iat") - now) <= 2
    assert abs(claims.pop("exp") - now - body["expires_in"]) <= 2
    assert len(claims.pop("jti")) == 44
    assert claims == {
        **{"iss": ISSUER, "sub": "app", "client_id": "app", "aud": API, "scope": "read write", "tier": "gold"}
    }
    assert "access_token_jwt" not in body


async def test_a_person_s_token_says_how_they_signed_in(world: World) -> None:
    await world.openid_client(access_token_format=FORMATS.JWT)
    await world.user()
    shown = await Person(world).sign_in(scope="openid read")
    body = await (await world.redeem(shown.answer["code"], code_verifier=VERIFIER)).json()
    claims = await verified(world, body["access_token"], ISSUER)
    assert (claims["sub"], claims["acr"], claims["amr"]) == ("alice", "1", ["pwd"])
    assert abs(claims["auth_time"] - time.time()) < 10
    assert "at_hash" in jwt.decode(body["id_token"], options={"verify_signature": False})
    bearer = {"Authorization": f"Bearer {body['access_token']}"}
    assert (await (await world.http.get("/userinfo", headers=bearer)).json())["sub"] == "alice"


async def test_roles_are_told_where_a_scope_means_them(world: World) -> None:
    """RFC 9068 section 2.2.3.1; nothing else about the person, whatever the scopes mean."""
    async with world.having(scope_claims={"roles": ("roles", "shoe_size")}) as other:
        await other.openid_client(access_token_format=FORMATS.JWT, scopes=("openid", "email", "roles"))
        given = UserInput(username="alice", claims={"roles": ["admin"], "shoe_size": 38, "email": "a@b.example"})
        await users.create_user(other.issuer, given, "wonderland")
        for scope, roles in (("openid email roles", ["admin"]), ("openid email", None)):
            shown = await Person(other).sign_in(scope=scope)
            body = await (await other.redeem(shown.answer["code"], code_verifier=VERIFIER)).json()
            claims = await verified(other, body["access_token"], ISSUER)
            assert claims.get("roles") == roles
            assert not {"shoe_size", "email"} & set(claims)


async def test_pairwise_subjects_stay_so(world: World) -> None:
    async with world.having(pairwise_salt="s" * 16) as other:
        client = await other.client(
            access_token_format=FORMATS.JWT, subject_type=SubjectType.PAIRWISE, sector_identifier="app.example"
        )
        claims = await verified(other, (await other.tokens(client))["access_token"], ISSUER)
        assert claims["sub"] != "alice"


async def test_both_are_one_token(world: World) -> None:
    """AU-23: the opaque one, and the JWT beside it; whichever is revoked, both are."""
    client = await world.client(access_token_format=FORMATS.BOTH, audiences=(API,))
    tokens = await world.tokens(client, audience=(API,))
    assert tokens["access_token"].startswith("mm_at_")
    claims = await verified(world, tokens["access_token_jwt"])
    first, second = await world.introspect(tokens["access_token"]), await world.introspect(tokens["access_token_jwt"])
    assert first == second
    assert first["jti"] == claims["jti"]
    await world.revoke(tokens["access_token_jwt"])
    for name in ("access_token", "access_token_jwt"):
        assert not await world.is_active(tokens[name])


@pytest.mark.parametrize("how", ["token", "refresh token", "grant", "user", "client", "disabled client", "time"])
async def test_it_ends_as_an_opaque_one_does(world: World, how: str) -> None:
    """P6, P4."""
    client = await world.client(access_token_format=FORMATS.JWT)
    await world.user()
    tokens = await world.tokens(client)
    token = tokens["access_token"]
    assert await world.is_active(token)
    match how:
        case "token":
            await world.revoke(token)
        case "refresh token":
            await world.revoke(tokens["refresh_token"])
        case "grant":
            await world.issuer.store.grants.revoke((await world.introspect(token))["jti"][:22])
        case "user":
            await world.issuer.store.grants.revoke_user("alice")
        case "client":
            await client_ending.revoke_client(world.issuer, "app")
        case "disabled client":
            await world.client("asker", introspect=True)
            await client_ending.disable_client(world.issuer, "app")
            assert not await world.is_active(token, "asker")
            return
        case _:
            world.expire(":access:")
    assert not await world.is_active(token)


async def test_its_jti_is_no_token(world: World) -> None:
    """Resource servers log it."""
    await world.client(access_token_format=FORMATS.JWT)
    claims = await verified(world, (await alone(world))["access_token"], ISSUER)
    for text in (claims["jti"], "mm_at_" + claims["jti"], "mm_at_" + claims["jti"] + "A" * 21):
        assert not await world.is_active(text)


async def test_forged_ones_are_not_active(world: World) -> None:
    client = await world.client(access_token_format=FORMATS.JWT, scopes=("openid", "read"))
    token = (await world.tokens(client, scope="openid read"))["access_token"]
    head, body, signature = token.split(".")
    id_token = (await world.tokens(client, scope="openid read"))["id_token"]
    others = (
        f"{head}.{body}.",
        f"{head}.{body}.{signature[::-1]}",
        f"{head}.{body[::-1]}.{signature}",
        id_token,
        "a.b.c",
    )
    for other in (*others, token + "A", "." * 9000):
        assert not await world.is_active(other)
    form = {"grant_type": "refresh_token", "refresh_token": token}
    assert await error_of(await world.post("/token", form)) == (400, "invalid_grant")


async def test_a_resource_says_how_its_tokens_look(world: World) -> None:
    """Algorithm and format per resource; what a client is registered for wins."""
    tokens = {API: {"format": "jwt", "algorithm": "ES256"}, "other": {"format": "both"}}
    async with world.having(resource_tokens=tokens) as other:
        await other.client(audiences=(API, "other", "plain"))
        assert jwt.get_unverified_header((await alone(other, resource=API))["access_token"])["alg"] == "ES256"
        assert "access_token_jwt" in await alone(other, resource="other")
        assert (await alone(other, resource="plain"))["access_token"].startswith("mm_at_")
        await other.client(audiences=(API,), access_token_format=FORMATS.OPAQUE)
        other.issuer.store.clients.forget(["app"])
        assert (await alone(other, resource=API))["access_token"].startswith("mm_at_")


@pytest.mark.parametrize("form", [FORMATS.JWT, FORMATS.STATELESS, FORMATS.BOTH, FORMATS.OPAQUE])
async def test_whatever_its_form_a_token_of_a_client_has_the_client_as_its_subject(
    world: World, form: AccessTokenFormat
) -> None:
    """RFC 9068 2.2; and so say introspection and its signed answer (RFC 9701)."""
    await world.client(access_token_format=form, audiences=(API,))
    body = await alone(world)
    assert (await world.introspect(body["access_token"]))["sub"] == "app"
    headers = basic("app") | {"Accept": JWT}
    response = await world.http.post("/introspect", data={"token": body["access_token"]}, headers=headers)
    claims = jwt.decode(await response.text(), options={"verify_signature": False})
    assert claims["token_introspection"]["sub"] == "app"
    for signed in {body["access_token"], body.get("access_token_jwt", "")}:
        if signed.count(".") == 2:
            assert (await verified(world, signed))["sub"] == "app"


@pytest.mark.parametrize("form", ["jwt", "both", "stateless"])
async def test_a_resource_server_that_refuses_at_jwt_gets_the_type_that_it_takes(world: World, form: str) -> None:
    """RFC 9068 2.1 has it otherwise; Spring Security 7 does not know that. It is introspected and revoked like any other."""
    tokens = {API: {"format": form, "jwt_typ": "JWT"}, "other": {"format": form}}
    async with world.having(resource_tokens=tokens) as other:
        await other.client(audiences=(API, "other"))
        body = await alone(other, resource=API)
        signed = body.get("access_token_jwt", body["access_token"])
        assert (await verified(other, signed, typ="JWT"))["client_id"] == "app"
        assert (await other.introspect(signed))["client_id"] == "app"
        plain = await alone(other, resource="other")
        await verified(other, plain.get("access_token_jwt", plain["access_token"]), audience="other")
        assert (await inspect(other.issuer, signed)).active
        assert (await other.revoke(signed)).status == (400 if form == "stateless" else 200)
        assert await other.is_active(signed) is (form == "stateless"), "which ends with its client"


async def test_of_the_type_of_id_tokens_each_is_still_taken_for_what_it_is_only(world: World) -> None:
    """RFC 8725 3.12: an access token is no hint, an ID token no access token."""
    async with world.having(resource_tokens={API: {"format": "jwt", "jwt_typ": "JWT"}}) as other:
        client = await other.openid_client(audiences=(API,))
        body = await other.tokens(client, scope="openid read", audience=(API,))
        assert await other.is_active(body["access_token"])
        assert not await other.is_active(body["id_token"])
        assert await read_hint(other.issuer, body["id_token"]) is not None
        assert await read_hint(other.issuer, body["access_token"]) is None


async def test_a_stateless_one_is_kept_nowhere(world: World) -> None:
    """What it gives up: it is not revoked by itself; with its client it ends, and is refused where it is asked about."""
    client = await world.client(access_token_format=FORMATS.STATELESS, audiences=(API,))
    token = (await alone(world))["access_token"]
    assert not world.key_names(":access:")
    assert (await verified(world, token))["client_id"] == "app"
    told = await world.introspect(token)
    assert (told["active"], told["aud"], told["client_id"]) == (True, API, "app")
    assert "client_generation" not in told
    await world.client("api", introspect=True, resources=(API,))
    assert await world.is_active(token, "api")
    await world.client("stranger", introspect=True)
    assert not await world.is_active(token, "stranger")
    refused = await world.revoke(token)
    assert await error_of(refused) == (400, "unsupported_token_type")
    assert (await world.tokens(client))["access_token"].count(".") == 2, "a person's is kept"
    assert world.key_names(":access:")
    await client_ending.revoke_client(world.issuer, "app")
    assert not await world.is_active(token)
    assert await world.is_active((await alone(world))["access_token"])


async def test_introspection_may_be_signed(world: World) -> None:
    """RFC 9701: for the resource server that asks; plain JSON for whoever does not."""
    await world.client()
    token = (await alone(world))["access_token"]
    await world.client("api", introspect=True, introspection_signed_response_alg=SigningAlgorithm.ES256)
    for asker, text, active in (("app", token, True), ("api", token, False), ("app", "x", False)):
        headers = basic(asker) | {"Accept": JWT}
        response = await world.http.post("/introspect", data={"token": text}, headers=headers)
        assert response.headers["Content-Type"] == JWT
        signed = await response.text()
        claims = await verified(world, signed, asker, "token-introspection+jwt")
        assert set(claims) == {"iss", "aud", "iat", "token_introspection"}
        assert claims["token_introspection"]["active"] is active
        assert jwt.get_unverified_header(signed)["alg"] == ("ES256" if asker == "api" else "RS256")
        assert not await world.is_active(signed, asker), "and it is no token"
    plain = await world.http.post("/introspect", data={"token": token}, headers=basic("app"))
    assert plain.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
async def test_other_libraries_verify_it(world: World, algorithm: str) -> None:
    await world.client(access_token_format=FORMATS.JWT, access_token_signing_alg=SigningAlgorithm(algorithm))
    token, keys = (await alone(world))["access_token"], await jwks(world)
    assert authlib_jwt.decode(token, JsonWebKey.import_key_set(keys))["client_id"] == "app"
    joserfc_keys = joserfc_jwk.KeySet.import_key_set({"keys": keys["keys"]})
    assert joserfc_jwt.decode(token, joserfc_keys).claims["client_id"] == "app"


async def test_without_keys_there_is_none(world: World) -> None:
    async with world.with_part(keyring=None) as other:
        await other.client(access_token_format=FORMATS.JWT)
        assert (await alone(other))["access_token"].startswith("mm_at_")
        with pytest.raises(InvalidInput, match="access_token_format"):
            await clients.update_client(other.issuer, "app", {"name": "x"})


async def test_a_refresh_repeats_it_byte_for_byte(world: World) -> None:
    """P2."""
    client = await world.client(access_token_format=FORMATS.BOTH, redirect_uris=(CALLBACK,))
    tokens = await world.tokens(client)
    answers = [await (await world.refresh(tokens["refresh_token"])).read() for _ in range(2)]
    assert answers[0] == answers[1]
    assert b"access_token_jwt" in answers[0]


async def test_pairwise_subjects_do_not_leak_by_introspection(world: World) -> None:
    """Two clients of other sectors, and a resource server, learn nothing by which they could compare."""
    async with world.having(pairwise_salt="s" * 16) as other:
        subjects = set()
        for name in ("a", "b"):
            client = await other.client(
                name, subject_type=SubjectType.PAIRWISE, sector_identifier=f"{name}.example", audiences=(API,)
            )
            tokens = await other.tokens(client, audience=(API,))
            for kind in ("access_token", "refresh_token"):
                told = await other.introspect(tokens[kind], name)
                assert "username" not in told
                subjects.add(told["sub"])
            await other.client("api", introspect=True, resources=(API,))
            assert (await other.introspect(tokens["access_token"], "api"))["sub"] in subjects
        assert len(subjects) == 2
        assert "alice" not in subjects


@pytest.mark.parametrize("value", [99999999999999, "x", None])
async def test_a_property_makes_no_token_stateless(world: World, value: Any) -> None:
    members = (Property("client_generation", value, in_introspection=True),)
    await world.client(access_token_format=FORMATS.JWT, properties=members)
    token = (await alone(world))["access_token"]
    assert await world.is_active(token)
    assert (await world.revoke(token)).status == 200
    assert not await world.is_active(token)
