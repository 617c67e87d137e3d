"""/auth/authorization, /issue and /fail, driven by Authlete's SDK."""

import json
import re
from urllib.parse import urlsplit

import jwt
import pytest
from authlete.dto import (
    AuthorizationAction,
    AuthorizationFailAction,
    AuthorizationFailReason,
    AuthorizationIssueAction,
    Property,
)
from authlete.types import ClientType, Display, Prompt

from service.protocol.pkce import s256
from tests.assertions import JWKS, Signer
from tests.deciding import Backend, backend
from tests.fronts.decision_api.authorizing import BASIC, ask, fail, issue, sent
from tests.world import CALLBACK, VERIFIER, World


async def test_a_request_is_described_for_the_callers_pages(world: World) -> None:
    """AU-01, AU-26, AU-27: what the pages need to know, and a ticket."""
    async with backend(world, scopes={"read": "Read your data"}) as caller:
        await world.openid_client(alias="the-app")
        claims = {
            "id_token": {"email": None, "acr": {"essential": True, "values": ["gold"]}},
            "userinfo": {"name": None},
        }
        response = await ask(
            caller,
            client_id="the-app",
            prompt="login consent",
            max_age="0",
            display="popup",
            ui_locales="de en",
            claims_locales="de",
            login_hint="alice@example.com",
            claims=json.dumps(claims),
        )
        assert response.action is AuthorizationAction.INTERACTION
        assert response.ticket
        described = {scope.name: scope.description for scope in response.scopes}
        assert (described["read"], "openid" in described) == ("Read your data", True)
        assert response.prompts == [Prompt.LOGIN, Prompt.CONSENT]
        assert (response.maxAge, response.display) == (1, Display.POPUP)
        assert (response.uiLocales, response.claimsLocales) == (["de", "en"], ["de"])
        assert response.loginHint == "alice@example.com"
        assert (response.acrs, response.acrEssential) == (["gold"], True)
        assert response.claims == ["email"]
        assert response.claimsAtUserInfo == ["name"]
        assert json.loads(response.idTokenClaims) == claims["id_token"]
        assert json.loads(response.userInfoClaims) == claims["userinfo"]
        assert response.client.clientName == "The App"
        assert response.client.clientType is ClientType.CONFIDENTIAL
        assert response.client.clientIdAlias == "app"
        assert response.client.clientId >= 2**52
        assert response.clientIdAliasUsed
        assert response.service.serviceName == "Mintmark"


async def test_which_scopes_come_without_being_asked_for(world: World) -> None:
    """A client without a default scope has none, though the settings have one."""
    async with backend(world, default_scope="read") as caller:
        await world.openid_client()
        await world.openid_client("modest", default_scope="")
        for client_id, usual in (("app", {"read"}), ("modest", set())):
            response = await ask(caller, client_id=client_id, scope="openid read")
            assert {scope.name for scope in response.scopes if scope.defaultEntry} == usual


async def test_max_age_0_is_prompt_login(caller: Backend) -> None:
    """OpenID Connect Core 3.1.2.1: a caller that knows prompts only is told so, and silently there is no way."""
    await caller.world.openid_client()
    await caller.world.openid_client("careful", default_max_age=0)
    for asked in ({"max_age": "0"}, {"client_id": "careful"}):
        response = await ask(caller, **asked)
        assert (response.prompts, response.maxAge) == ([Prompt.LOGIN], 1)
        silent = await ask(caller, **asked, prompt="none")
        assert silent.action is AuthorizationAction.LOCATION
        assert sent(silent.responseContent)["error"] == "login_required"


@pytest.mark.parametrize(
    "claims",
    ["{", "[]", '{"id_token":{"x":{"value":123456789012345678901234567890}}}', '{"id_token":{"x":{"value":1e400}}}'],
)
async def test_a_claims_parameter_that_is_none(caller: Backend, claims: str) -> None:
    """Without openid nobody looks at it, with openid it is refused or read; it is never an incident."""
    await caller.world.openid_client()
    response = await ask(caller, scope="read", claims=claims)
    assert (response.action, response.idTokenClaims) == (AuthorizationAction.INTERACTION, None)
    assert (await ask(caller, claims=claims)).action in (AuthorizationAction.LOCATION, AuthorizationAction.INTERACTION)


async def test_a_signed_request_is_taken_apart(caller: Backend) -> None:
    await caller.world.openid_client(jwks=JWKS)
    response = await ask(caller, request=Signer().sign(None, **BASIC | {"state": "inside", "sub": None}))
    assert response.action is AuthorizationAction.INTERACTION, response.resultMessage
    assert json.loads(response.requestObjectPayload)["state"] == "inside"
    assert sent((await issue(caller, response.ticket)).responseContent)["state"] == "inside"


async def test_issue_brings_a_code_that_buys_tokens(caller: Backend) -> None:
    """AU-16, AU-22, AU-28 to AU-30: subject, claims, properties and scopes as the caller said."""
    world = caller.world
    await world.openid_client()
    ticket = (await ask(caller, code_challenge=s256(VERIFIER), code_challenge_method="S256", nonce="N")).ticket
    answer = await issue(
        caller,
        ticket,
        authTime=1_700_000_000,
        acr="gold",
        claims=json.dumps({"email": "alice@example.com", "iss": "https://evil.example", "nickname": ""}),
        properties=[_property("shop", "7"), _property("till", "3", hidden=True)],
        scopes=["openid", "write", "admin"],
    )
    assert answer.action is AuthorizationIssueAction.LOCATION
    told = sent(answer.responseContent)
    assert (told["code"], told["state"], told["iss"]) == (answer.authorizationCode, "S", world.issuer.url)
    tokens = await (await world.redeem(told["code"], code_verifier=VERIFIER)).json()
    assert (tokens["scope"], tokens["shop"]) == ("openid write", "7")
    assert "till" not in tokens
    claims = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    assert (claims["sub"], claims["email"], claims["acr"], claims["nonce"]) == (
        "alice",
        "alice@example.com",
        "gold",
        "N",
    )
    assert (claims["auth_time"], claims["iss"]) == (1_700_000_000, world.issuer.url)
    described = await world.introspect(tokens["access_token"])
    assert described["shop"] == "7"
    assert "till" not in described


def _property(key: str, value: str, *, hidden: bool = False) -> Property:
    made = Property()
    made.key, made.value, made.hidden = key, value, hidden
    return made


EVERY_TYPE = [
    ("code", {"code"}),
    ("id_token", {"id_token"}),
    ("id_token token", {"id_token", "access_token", "token_type", "expires_in", "scope"}),
    ("code id_token", {"code", "id_token"}),
    ("code token", {"code", "access_token", "token_type", "expires_in", "scope"}),
    ("code id_token token", {"code", "id_token", "access_token", "token_type", "expires_in", "scope"}),
    ("none", set()),
]


@pytest.mark.parametrize("mode", ["", "form_post"])
@pytest.mark.parametrize(("response_type", "members"), EVERY_TYPE)
async def test_every_response_type_and_mode(caller: Backend, response_type: str, members: set[str], mode: str) -> None:
    await caller.world.openid_client()
    response = await ask(caller, response_type=response_type, response_mode=mode, nonce="N")
    answer = await issue(caller, response.ticket, accessTokenDuration=77)
    if mode:
        assert answer.action is AuthorizationIssueAction.FORM
        told = dict(re.findall(r'name="(\w+)" value="([^"]*)"', answer.responseContent))
        assert f'action="{CALLBACK}"' in answer.responseContent
    else:
        assert answer.action is AuthorizationIssueAction.LOCATION
        assert bool(urlsplit(answer.responseContent).fragment) == (not members <= {"code"})
        told = sent(answer.responseContent)
    assert set(told) - {"state", "iss"} == members
    assert (answer.authorizationCode, answer.idToken) == (told.get("code"), told.get("id_token"))
    assert answer.accessToken == told.get("access_token")
    if answer.accessToken:
        assert (answer.accessTokenDuration, told["expires_in"]) == (77, "77")
        ends = answer.accessTokenExpiresAt
        assert ends == 1000 * (await caller.world.introspect(answer.accessToken))["exp"]


async def test_redeeming_the_code_leaves_the_token_beside_it_its_time(caller: Backend) -> None:
    """P4: an access token from the authorization endpoint lives as long as was said, whatever the code buys later; and so does
    the grant that both are of, no longer and no shorter.
    """
    world = caller.world
    await world.openid_client(grant_types=("authorization_code", "implicit"))
    answer = await issue(caller, (await ask(caller, response_type="code token")).ticket, accessTokenDuration=86_400)
    assert (await world.redeem(answer.authorizationCode)).status == 200
    grant_id = answer.accessToken[6:28]
    grant = await world.issuer.store.grants.open(grant_id)
    assert grant is not None
    assert 1000 * grant.ends_at == answer.accessTokenExpiresAt
    assert 1000 * (await world.introspect(answer.accessToken))["exp"] == answer.accessTokenExpiresAt
    short = await issue(caller, (await ask(caller, response_type="code token")).ticket, accessTokenDuration=60)
    bought = await (await world.redeem(short.authorizationCode)).json()
    grant = await world.issuer.store.grants.open(short.accessToken[6:28])
    assert grant is not None
    assert grant.ends_at == (await world.introspect(bought["access_token"]))["exp"] > short.accessTokenExpiresAt // 1000


async def test_a_form_carries_what_the_client_sent_as_text(caller: Backend) -> None:
    """The state is written by anybody: in the caller's page it must stay a text."""
    await caller.world.openid_client()
    response = await ask(caller, response_mode="form_post", state='"><script>alert(1)</script>')
    answer = await issue(caller, response.ticket)
    assert "<script>alert" not in answer.responseContent
    assert "&quot;&gt;&lt;script&gt;" in answer.responseContent


async def test_the_client_knows_the_person_by_the_sub_that_the_caller_says(caller: Backend) -> None:
    """``sub`` hides the subject from the client: in the ID token, at UserInfo and in introspection alike."""
    world = caller.world
    await world.openid_client()
    await world.user()
    answer = await issue(caller, (await ask(caller)).ticket, sub="x-42")
    tokens = await (await world.redeem(answer.authorizationCode)).json()
    assert jwt.decode(tokens["id_token"], options={"verify_signature": False})["sub"] == "x-42"
    described = await world.introspect(tokens["access_token"])
    assert (described["sub"], "username" in described) == ("x-42", False)
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert (await (await world.http.get("/userinfo", headers=bearer)).json())["sub"] == "x-42"


async def test_prompt_none_is_no_interaction(caller: Backend) -> None:
    await caller.world.openid_client()
    response = await ask(caller, prompt="none")
    assert response.action is AuthorizationAction.NO_INTERACTION
    assert (await issue(caller, response.ticket)).action is AuthorizationIssueAction.LOCATION


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"response_type": "banana"}, "unsupported_response_type"),
        ({"scope": "admin"}, "invalid_scope"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"claims": "{"}, "invalid_request"),
        ({"request": "x.y.z"}, "invalid_request_object"),
        ({"id_token_hint": "x.y.z"}, "invalid_request"),
        ({"resource": "https://other.example"}, "invalid_target"),
    ],
)
async def test_a_refusal_that_the_client_may_know_is_a_redirect(
    caller: Backend, parameters: dict[str, str], error: str
) -> None:
    await caller.world.openid_client()
    response = await ask(caller, **parameters)
    assert response.action is AuthorizationAction.LOCATION
    told = sent(response.responseContent)
    assert (told["error"], told["state"], response.ticket) == (error, "S", None)
    assert response.resultCode.startswith("M2")
    posted = await ask(caller, **parameters, response_mode="form_post")
    assert posted.action is AuthorizationAction.FORM
    assert f'value="{error}"' in posted.responseContent


@pytest.mark.parametrize(
    "parameters", [{"client_id": "nobody"}, {"client_id": ""}, {"redirect_uri": "https://evil.example/"}]
)
async def test_what_the_client_must_not_know_is_a_bad_request(caller: Backend, parameters: dict[str, str]) -> None:
    """AU-06: nothing is sent anywhere."""
    await caller.world.openid_client()
    response = await ask(caller, **parameters)
    assert response.action is AuthorizationAction.BAD_REQUEST
    assert json.loads(response.responseContent)["error"] == "invalid_request"
    assert response.ticket is None


REASONS = {
    "UNKNOWN": "server_error",
    "NOT_LOGGED_IN": "login_required",
    "MAX_AGE_NOT_SUPPORTED": "login_required",
    "EXCEEDS_MAX_AGE": "login_required",
    "DIFFERENT_SUBJECT": "login_required",
    "ACR_NOT_SATISFIED": "login_required",
    "DENIED": "access_denied",
    "SERVER_ERROR": "server_error",
    "NOT_AUTHENTICATED": "login_required",
    "ACCOUNT_SELECTION_REQUIRED": "account_selection_required",
    "CONSENT_REQUIRED": "consent_required",
    "INTERACTION_REQUIRED": "interaction_required",
    "INVALID_TARGET": "invalid_target",
}


def test_every_reason_of_the_sdk_is_known() -> None:
    assert set(REASONS) == {reason.name for reason in AuthorizationFailReason}


@pytest.mark.parametrize(("reason", "error"), REASONS.items())
async def test_fail_tells_the_client_why(caller: Backend, reason: str, error: str) -> None:
    await caller.world.openid_client()
    answer = await fail(caller, (await ask(caller)).ticket, AuthorizationFailReason[reason])
    assert answer.action is AuthorizationFailAction.LOCATION
    told = sent(answer.responseContent)
    assert (told["error"], told["state"]) == (error, "S")
    posted = await fail(caller, (await ask(caller, response_mode="form_post")).ticket, AuthorizationFailReason[reason])
    assert posted.action is AuthorizationFailAction.FORM


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        ("INVALID_SCOPE", "invalid_scope"),
        ("UNAUTHORIZED_CLIENT", "unauthorized_client"),
        ("TEMPORARILY_UNAVAILABLE", "temporarily_unavailable"),
    ],
)
async def test_newer_reasons_than_the_sdk_knows(caller: Backend, reason: str, error: str) -> None:
    await caller.world.openid_client()
    ticket = (await ask(caller)).ticket
    answer = await caller.answer("/auth/authorization/fail", ticket=ticket, reason=reason, description="As told.")
    told = sent(answer["responseContent"])
    assert (told["error"], told["error_description"]) == (error, "As told.")
