"""UserInfo (OpenID Connect Core 5.3)."""

from typing import Any

import jwt
import pytest

from service.protocol.names import SigningAlgorithm
from tests.person import Person
from tests.world import VERIFIER, World, error_of

ALL = {
    **{name: name for name in ("name", "family_name", "given_name", "middle_name", "nickname", "preferred_username")},
    **{"profile": "https://a.example", "picture": "https://a.example/p", "website": "https://a.example", "gender": "f"},
    **{
        "birthdate": "1852-05-04",
        "zoneinfo": "Europe/London",
        "locale": "en-GB",
        "updated_at": 1,
        "email": "a@b.example",
    },
    **{
        "email_verified": True,
        "address": {"locality": "Oxford"},
        "phone_number": "+44",
        "phone_number_verified": False,
    },
    **{"roles": ["queen"], "secret_note": "x"},
}


async def token_of(world: World, scope: str = "openid", client_id: str = "app") -> str:
    shown = await Person(world).sign_in(client_id, scope=scope)
    body = await (await world.redeem(shown.answer["code"], client_id, code_verifier=VERIFIER)).json()
    token: str = body["access_token"]
    return token


@pytest.fixture
async def world_(world: World) -> World:
    await world.openid_client()
    await world.user(claims=ALL)
    return world


async def ask(world: World, token: str, **options: Any) -> Any:
    return await world.http.request(
        options.pop("method", "GET"), "/userinfo", headers={"Authorization": f"Bearer {token}"}, **options
    )


@pytest.mark.parametrize(
    ("scope", "count"),
    [
        ("openid", 0),
        ("openid profile", 14),  # oidcc-scope-profile
        ("openid email", 2),
        ("openid address", 1),
        ("openid phone", 2),
        ("openid profile email address phone", 19),  # oidcc-scope-all
    ],
)
async def test_each_scope_returns_all_its_claims(world_: World, scope: str, count: int) -> None:
    told = await (await ask(world_, await token_of(world_, scope))).json()
    assert told.pop("sub") == "alice"
    assert len(told) == count
    assert told == {name: ALL[name] for name in told}


async def test_an_operator_s_scope_means_claims_too(world: World) -> None:
    async with world.having(scope_claims={"read": ("roles",)}) as other:
        await other.openid_client()
        await other.user(claims=ALL)
        told = await (await ask(other, await token_of(other, "openid read"))).json()
        assert told == {"sub": "alice", "roles": ["queen"]}


async def test_header_or_form_by_get_or_post(world_: World) -> None:
    """oidcc-userinfo-get, -post-header, -post-body."""
    token = await token_of(world_)
    assert (await ask(world_, token)).status == 200
    assert (await ask(world_, token, method="POST")).status == 200
    assert (await ask(world_, token, method="POST", data={"x": "y"})).status == 200
    in_body = await world_.http.post("/userinfo", data={"access_token": token})
    assert (in_body.status, in_body.headers["Cache-Control"]) == (200, "no-store")
    lower = await world_.http.get("/userinfo", headers={"Authorization": f"bearer {token}"})
    assert lower.status == 200


async def test_two_tokens_or_one_in_the_query_are_refused(world_: World) -> None:
    """RFC 6750 sections 2 and 3.1; a URL is written to logs."""
    token = await token_of(world_)
    header, both = {"Authorization": f"Bearer {token}"}, {"access_token": token}
    for sent in (
        await ask(world_, token, method="POST", data=both),
        await world_.http.get("/userinfo", headers=[*header.items(), *header.items()]),
        await world_.http.post("/userinfo", data=[*both.items(), *both.items()]),
    ):
        assert (sent.status, (await sent.json())["error"]) == (400, "invalid_request")
        challenge = sent.headers["WWW-Authenticate"]
        assert challenge.startswith('Bearer realm="mintmark", error="invalid_request", error_description="'), challenge
        assert token not in challenge
    query = await world_.http.get("/userinfo", params={"access_token": token})
    assert query.status == 401


@pytest.mark.parametrize("header", ["Basic YTpi", 'Digest username="a", uri="/"', "Negotiate", "BearerX mm_at_x", "x"])
@pytest.mark.parametrize("path", ["/userinfo", "/grants/x", "/register?client_id=x"])
async def test_of_another_scheme_the_challenge_names_no_error(world: World, path: str, header: str) -> None:
    """RFC 6750 section 3.1: what the client sent is no access token, and it knows no better way yet."""
    async with world.having(grant_management=True, registration="open") as asked:
        response = await asked.http.get(path, headers={"Authorization": header})
        assert (response.status, "error" in response.headers["WWW-Authenticate"]) == (401, False)
        assert response.headers["WWW-Authenticate"].startswith('Bearer realm="mintmark"')


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer a b", "Bearer ü", 'Bearer a"b', "Bearer =", "bearer x,y"]
)
@pytest.mark.parametrize("path", ["/userinfo", "/grants/x", "/register?client_id=x"])
async def test_a_malformed_token_is_a_malformed_request(world: World, path: str, header: str) -> None:
    """RFC 6750 section 3.1."""
    async with world.having(grant_management=True, registration="open") as asked:
        response = await asked.http.get(path, headers={"Authorization": header})
        assert await error_of(response) == (400, "invalid_request")
        assert response.headers["WWW-Authenticate"].startswith('Bearer realm="mintmark", error="invalid_request"')


@pytest.mark.parametrize("header", ["Bearer x", "Bearer mm_at_" + "A" * 65])
async def test_without_a_good_token_there_is_a_challenge(world_: World, header: str) -> None:
    """RFC 6750 section 3."""
    response = await world_.http.get("/userinfo", headers={"Authorization": header})
    assert response.status == 401
    assert response.headers["WWW-Authenticate"].startswith('Bearer realm="mintmark", error="invalid_token"')
    assert (await response.json())["error"] == "invalid_token"


async def test_without_any_token_the_challenge_names_no_error(world_: World) -> None:
    """RFC 6750 section 3.1."""
    response = await world_.http.get("/userinfo")
    assert (response.status, response.headers["WWW-Authenticate"]) == (
        401,
        'Bearer realm="mintmark", DPoP realm="mintmark", algs="ES256 PS256 EdDSA ES384"',
    )


async def test_tokens_that_are_not_for_it(world_: World) -> None:
    plain = await token_of(world_, "read")
    response = await ask(world_, plain)
    assert (response.status, (await response.json())["error"]) == (403, "insufficient_scope")
    for member in ('error="insufficient_scope"', 'scope="openid"'):
        assert member in response.headers["WWW-Authenticate"]
    alone = await (await world_.token(grant_type="client_credentials", scope="openid")).json()
    assert (await ask(world_, alone["access_token"])).status == 403
    shown = await Person(world_).sign_in()
    body = await (await world_.redeem(shown.answer["code"], code_verifier=VERIFIER)).json()
    for wrong in (body["refresh_token"], body["id_token"]):
        assert (await ask(world_, wrong)).status == 401


async def test_what_ended_is_no_token_any_more(world_: World) -> None:
    """P6: revoked token, disabled client, disabled user."""
    token = await token_of(world_)
    await world_.revoke(token)
    assert (await ask(world_, token)).status == 401
    token = await token_of(world_)
    client = await world_.issuer.store.clients.read("app")
    assert client is not None
    await world_.change(client, enabled=False)
    assert (await ask(world_, token)).status == 401
    await world_.change(client, enabled=True)
    assert (await ask(world_, token)).status == 200
    await world_.set_enabled("alice", enabled=False)
    assert (await ask(world_, token)).status == 401


async def test_a_narrower_token_tells_less(world_: World) -> None:
    shown = await Person(world_).sign_in(scope="openid profile email")
    body = await (await world_.redeem(shown.answer["code"], code_verifier=VERIFIER)).json()
    narrow = await (await world_.refresh(body["refresh_token"], scope="openid email")).json()
    told = await (await ask(world_, narrow["access_token"])).json()
    assert set(told) == {"sub", "email", "email_verified"}


@pytest.mark.parametrize("algorithm", [SigningAlgorithm.RS256, SigningAlgorithm.ES256])
async def test_a_client_may_have_it_signed(world: World, algorithm: SigningAlgorithm) -> None:
    """oidcc-userinfo-rs256: application/jwt with iss and aud, without nonce."""
    await world.openid_client(userinfo_signed_response_alg=algorithm)
    await world.user(claims=ALL)
    response = await ask(world, await token_of(world, "openid email"))
    assert response.headers["Content-Type"] == "application/jwt"
    text = await response.text()
    jwks = jwt.PyJWKSet.from_dict(await (await world.http.get("/jwks")).json())
    header = jwt.get_unverified_header(text)
    told = jwt.decode(text, jwks[header["kid"]].key, algorithms=[algorithm.value], audience="app")
    assert told == {
        **{"iss": world.issuer.url, "aud": "app", "sub": "alice"},
        **{"email": "a@b.example", "email_verified": True},
    }


async def test_a_page_of_another_origin_may_ask(world_: World) -> None:
    """CORS: no cookie is taken here, so any page may; the preflight says so."""
    headers = {"Origin": "https://spa.example", "Access-Control-Request-Method": "GET"}
    preflight = await world_.http.options("/userinfo", headers=headers)
    assert preflight.status == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    assert "Authorization" in preflight.headers["Access-Control-Allow-Headers"]
    for path in ("/userinfo", "/token", "/jwks", "/.well-known/openid-configuration"):
        response = await world_.http.get(path, headers={"Origin": "https://spa.example"})
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "Access-Control-Allow-Credentials" not in response.headers
    async with world_.having(cors_origins=("https://ours.example",)) as strict:
        for origin, allowed in (("https://ours.example", "https://ours.example"), ("https://spa.example", None)):
            response = await strict.http.get("/userinfo", headers={"Origin": origin})
            assert response.headers.get("Access-Control-Allow-Origin") == allowed
    for path in ("/authorize", "/login", "/applications"):
        response = await world_.http.get(path, headers={"Origin": "https://spa.example"}, allow_redirects=False)
        assert "Access-Control-Allow-Origin" not in response.headers
