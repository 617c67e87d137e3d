"""DPoP by the decision API, as Authlete's calls have it: dpop, htm and htu in, tokens that are bound and dpopNonce out."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from authlete.dto.introspection_action import IntrospectionAction
from authlete.dto.introspection_request import IntrospectionRequest
from authlete.dto.token_action import TokenAction
from authlete.dto.token_request import TokenRequest
from authlete.dto.userinfo_action import UserInfoAction
from authlete.dto.userinfo_request import UserInfoRequest

from service.crypto.key_material import generate
from service.protocol.names import AccessTokenFormat, Profile, SigningAlgorithm
from tests.deciding import Backend, backend
from tests.dpop import Prover
from tests.world import SECRET, World

TOKEN, API, USERINFO = "https://as.example/token", "https://api.example/orders", "https://as.example/userinfo"
"""Of the caller: what its clients call."""


@pytest.fixture
async def caller(world: World) -> AsyncIterator[Backend]:
    async with backend(world) as caller:
        await caller.world.client(
            scopes=("openid", "read"), default_scope="openid", grant_types=("password", "client_credentials", EXCHANGE)
        )
        yield caller


EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
TYPE = "urn:ietf:params:oauth:token-type:"
APP = {"clientId": "app", "clientSecret": SECRET}


async def buy(caller: Backend, prover: Prover, parameters: str = "grant_type=client_credentials", **proof: Any) -> Any:
    """A token request as the SDK sends it."""
    request = TokenRequest(
        {
            "parameters": parameters,
            "clientId": "app",
            "clientSecret": SECRET,
            "dpop": prover.proof(url=TOKEN, **proof),
            "htm": "POST",
            "htu": TOKEN,
        }
    )
    return await caller.ask("token", request)


async def introspected(caller: Backend, token: str, **members: Any) -> Any:
    return await caller.ask(
        "introspection", IntrospectionRequest({"token": token, "htm": "GET", "htu": API, **members})
    )


@pytest.mark.parametrize("token_format", [None, AccessTokenFormat.STATELESS])
async def test_a_token_is_bound_and_its_sender_has_to_hold_the_key(
    caller: Backend, token_format: AccessTokenFormat | None
) -> None:
    prover = Prover()
    await caller.world.client("app", access_token_format=token_format, default_scope="read")
    issued = await buy(caller, prover)
    assert issued.action is TokenAction.OK
    response = json.loads(issued.responseContent)
    assert (response["token_type"], issued.dpopNonce) == ("DPoP", None)
    token = response["access_token"]
    seen = prover.proof("GET", API, token)
    assert (await introspected(caller, token, dpop=seen)).action is IntrospectionAction.OK
    for dpop, error in (
        (None, "invalid_token"),
        (seen, "invalid_dpop_proof"),
        (Prover().proof("GET", API, token), "invalid_token"),
        (prover.proof("GET", f"{API}/7", token), "invalid_dpop_proof"),
        (prover.proof("GET", API, "another"), "invalid_dpop_proof"),
        ("x", "invalid_dpop_proof"),
    ):
        refused = await introspected(caller, token, dpop=dpop)
        assert refused.action is IntrospectionAction.UNAUTHORIZED
        assert f'error="{error}"' in refused.responseContent
        if error == "invalid_dpop_proof":
            assert refused.responseContent.startswith("DPoP ")
            assert refused.responseContent.endswith('algs="ES256 PS256 EdDSA ES384"')


async def test_a_proof_that_is_no_good(caller: Backend) -> None:
    for proof in ({"htu": API}, {"htm": "GET"}, {"iat": 1}):
        refused = await buy(caller, Prover(), **proof)
        assert (refused.action, json.loads(refused.responseContent)["error"]) == (
            TokenAction.BAD_REQUEST,
            "invalid_dpop_proof",
        )
    prover = Prover()
    assert (await buy(caller, prover, jti="1")).action is TokenAction.OK
    assert (await buy(caller, prover, jti="1")).action is TokenAction.BAD_REQUEST


async def test_a_client_that_has_to_bind_its_tokens(caller: Backend) -> None:
    await caller.world.client("app", default_scope="read", dpop_bound_access_tokens=True)
    request = TokenRequest({"parameters": "grant_type=client_credentials", "clientId": "app", "clientSecret": SECRET})
    assert json.loads((await caller.ask("token", request)).responseContent)["error"] == "invalid_dpop_proof"
    assert (await buy(caller, Prover())).action is TokenAction.OK


async def test_a_password_that_the_caller_checks_buys_bound_tokens(caller: Backend) -> None:
    """And UserInfo: the caller shows us the proof, then brings the claims."""
    prover = Prover()
    asked = await buy(caller, prover, "grant_type=password&username=alice&password=x")
    assert asked.action is TokenAction.PASSWORD
    issued = await caller.answer("/auth/token/issue", ticket=asked.ticket, subject="alice")
    response = json.loads(issued["responseContent"])
    assert response["token_type"] == "DPoP"
    token = response["access_token"]
    assert (await caller.world.introspect(token))["cnf"] == {"jkt": prover.jkt}
    proof = {"dpop": prover.proof("GET", USERINFO, token), "htm": "GET", "htu": USERINFO}
    told = await caller.ask("userinfo", UserInfoRequest({"token": token, **proof}))
    assert (told.action, told.subject) == (UserInfoAction.OK, "alice")
    claims = await caller.answer("/auth/userinfo/issue", token=token, claims="{}")
    assert json.loads(claims["responseContent"]) == {"sub": "alice"}
    for again in (proof, {}):
        refused = await caller.ask("userinfo", UserInfoRequest({"token": token, **again}))
        assert refused.action is UserInfoAction.UNAUTHORIZED


async def test_a_proof_of_a_public_client_counts_once_where_the_caller_decides(caller: Backend) -> None:
    prover, asked = Prover(), {"htu": TOKEN}
    await caller.world.public_client("phone", default_scope="read", grant_types=("password", EXCHANGE))
    for form, action in (
        ("client_id=phone&grant_type=password&username=alice&password=x", "PASSWORD"),
        (f"client_id=phone&grant_type={EXCHANGE}&subject_token=x&subject_token_type={TYPE}jwt", "TOKEN_EXCHANGE"),
    ):
        proof = prover.proof(url=TOKEN)
        first = await caller.answer("/auth/token", parameters=form, **asked, dpop=proof)
        assert first["action"] == action, first
        again = await caller.answer("/auth/token", parameters=form, **asked, dpop=proof)
        assert json.loads(again["responseContent"])["error"] == "invalid_dpop_proof"


async def test_what_the_caller_decides_names_the_key(caller: Backend) -> None:
    """An exchange: the caller hands the key over with the token that it creates."""
    prover = Prover()
    subject = json.loads((await buy(caller, prover)).responseContent)["access_token"]
    form = f"grant_type={EXCHANGE}&subject_token={subject}&subject_token_type=urn:ietf:params:oauth:token-type:access_token"
    stolen = await buy(caller, Prover(), form)
    assert (stolen.action, "bound to" in stolen.responseContent) == (TokenAction.BAD_REQUEST, True)
    decided = await caller.answer(
        "/auth/token", parameters=form, clientId="app", clientSecret=SECRET, dpop=prover.proof(url=TOKEN), htu=TOKEN
    )
    assert (decided["action"], decided["dpopKeyThumbprint"]) == ("TOKEN_EXCHANGE", prover.jkt)
    create = {"grantType": "TOKEN_EXCHANGE", "clientId": "app", "subject": "alice"}
    made = await caller.answer("/auth/token/create", **create, dpopKeyThumbprint=prover.jkt)
    assert (made["action"], made["tokenType"]) == ("OK", "DPoP")
    assert (await caller.world.introspect(made["accessToken"]))["cnf"] == {"jkt": prover.jkt}
    assert (await caller.answer("/auth/token/create", **create, dpopKeyThumbprint="short"))["action"] == "BAD_REQUEST"
    client = await caller.world.issuer.store.clients.get("app")
    assert client
    await caller.world.change(client, dpop_bound_access_tokens=True)
    caller.world.issuer.store.clients.forget(["app"])
    assert (await caller.answer("/auth/token/create", **create))["action"] == "FORBIDDEN"


@pytest.mark.parametrize("token_format", [None, AccessTokenFormat.JWT, AccessTokenFormat.STATELESS])
async def test_no_other_name_frees_a_token_from_its_key(
    caller: Backend, token_format: AccessTokenFormat | None
) -> None:
    """A token of ours is one whatever type its sender gives it, as a subject and as an actor."""
    prover = Prover()
    grant_types = ("client_credentials", EXCHANGE)
    await caller.world.client("app", access_token_format=token_format, default_scope="read", grant_types=grant_types)
    token = json.loads((await buy(caller, prover)).responseContent)["access_token"]
    for called in ("jwt", "id_token"):
        subject = f"subject_token={token}&subject_token_type={TYPE}{called}"
        actor = f"subject_token=x&subject_token_type={TYPE}jwt&actor_token={token}&actor_token_type={TYPE}{called}"
        for form in (f"grant_type={EXCHANGE}&{subject}", f"grant_type={EXCHANGE}&{actor}"):
            for thief in ({}, {"dpop": Prover().proof(url=TOKEN), "htu": TOKEN}):
                stolen = await caller.answer("/auth/token", parameters=form, **APP, **thief)
                assert (stolen["action"], "bound to" in stolen["responseContent"]) == ("BAD_REQUEST", True), form
            theirs = await caller.answer("/auth/token", parameters=form, **APP, dpop=prover.proof(url=TOKEN), htu=TOKEN)
            assert theirs["action"] == "TOKEN_EXCHANGE"
    foreign = f"grant_type={EXCHANGE}&subject_token=x.y.z&subject_token_type={TYPE}jwt"
    assert (await caller.answer("/auth/token", parameters=foreign, **APP))["action"] == "TOKEN_EXCHANGE"


@pytest.mark.parametrize("by", ["setting", "call"])
async def test_nonces(world: World, by: str) -> None:
    prover = Prover()
    wanted = {"dpopNonceRequired": True} if by == "call" else {}
    async with backend(world, dpop_nonce_required=by == "setting") as caller:
        await caller.world.client(default_scope="read")
        members: dict[str, Any] = {
            "parameters": "grant_type=client_credentials",
            "clientId": "app",
            "clientSecret": SECRET,
            "htu": TOKEN,
        }
        members |= wanted
        refused = await caller.answer("/auth/token", **members, dpop=prover.proof(url=TOKEN))
        nonce = refused["dpopNonce"]
        assert (refused["action"], json.loads(refused["responseContent"])["error"]) == ("BAD_REQUEST", "use_dpop_nonce")
        issued = await caller.answer("/auth/token", **members, dpop=prover.proof(url=TOKEN, nonce=nonce))
        assert (issued["action"], issued["dpopNonce"]) == ("OK", nonce)
        token = json.loads(issued["responseContent"])["access_token"]
        asked = {"token": token, "htm": "GET", "htu": API, **wanted}
        again = await caller.answer("/auth/introspection", **asked, dpop=prover.proof("GET", API, token))
        assert (again["action"], again["dpopNonce"]) == ("UNAUTHORIZED", nonce)
        assert again["responseContent"].startswith('DPoP realm="mintmark", error="use_dpop_nonce"')
        good = await caller.answer("/auth/introspection", **asked, dpop=prover.proof("GET", API, token, nonce=nonce))
        assert (good["action"], good["dpopNonce"]) == ("OK", nonce)


async def test_a_pushed_request_binds_the_code(caller: Backend) -> None:
    prover, par = Prover(), "https://as.example/par"
    form = "response_type=code&redirect_uri=https://app.example/callback&scope=openid"
    members = {"parameters": form, "clientId": "app", "clientSecret": SECRET, "htu": par}
    await caller.world.client(scopes=("openid",))
    pushed = await caller.answer("/pushed_auth_req", **members, dpop=prover.proof(url=par))
    assert pushed["action"] == "CREATED"
    other = members | {"parameters": f"{form}&dpop_jkt={Prover().jkt}"}
    refused = await caller.answer("/pushed_auth_req", **other, dpop=prover.proof(url=par))
    assert json.loads(refused["responseContent"])["error"] == "invalid_dpop_proof"


@pytest.mark.parametrize("token_format", [None, AccessTokenFormat.STATELESS])
async def test_a_profile_says_by_what_a_proof_is_signed(world: World, token_format: AccessTokenFormat | None) -> None:
    """An RSA key has one thumbprint, and signs by several algorithms (FAPI 2.0 section 5.4.1)."""
    key = generate(SigningAlgorithm.RS256, 2048)
    good, other = Prover("PS256", key), Prover("RS256", key)
    async with backend(world, dpop_signing_algorithms=("PS256", "RS256")) as caller:
        client = await caller.world.client("app", access_token_format=token_format, default_scope="read")
        token = json.loads((await buy(caller, good)).responseContent)["access_token"]
        assert (await introspected(caller, token, dpop=other.proof("GET", API, token))).action is IntrospectionAction.OK
        await caller.world.change(client, profile=Profile.FAPI2_SECURITY)
        caller.world.issuer.store.clients.forget(["app"])
        refused = await introspected(caller, token, dpop=other.proof("GET", API, token))
        assert (refused.action, "PS256" in refused.responseContent) == (IntrospectionAction.UNAUTHORIZED, True)
        assert (await introspected(caller, token, dpop=good.proof("GET", API, token))).action is IntrospectionAction.OK
