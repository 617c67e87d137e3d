"""/auth/userinfo and /issue, driven by Authlete's SDK."""

import json
from typing import Any

import jwt
import pytest
from authlete.dto import (
    UserInfoAction,
    UserInfoIssueAction,
    UserInfoIssueRequest,
    UserInfoIssueResponse,
    UserInfoRequest,
    UserInfoResponse,
)

from tests.deciding import Backend


async def ask(caller: Backend, token: str | None) -> UserInfoResponse:
    request = UserInfoRequest()
    request.token = token
    return await caller.ask("userinfo", request)


async def issue(caller: Backend, token: str, **members: Any) -> UserInfoIssueResponse:
    request = UserInfoIssueRequest()
    request.token = token
    for name, value in members.items():
        setattr(request, name, value)
    return await caller.ask("userinfoIssue", request)


async def token_of(caller: Backend, scope: str = "openid email", **client: Any) -> str:
    made = await caller.world.openid_client(**client)
    return str((await caller.world.tokens(made, scope=scope, userinfo_claims=("nickname",)))["access_token"])


async def test_which_claims_a_token_stands_for(caller: Backend) -> None:
    told = await ask(caller, token := await token_of(caller))
    assert told.action is UserInfoAction.OK
    assert (told.subject, told.token, told.scopes) == ("alice", token, ["openid", "email"])
    assert told.claims == ["email", "email_verified", "nickname"]
    assert told.clientIdAlias == "app"


async def test_their_values_come_from_the_caller(caller: Backend) -> None:
    """Never more than the token stands for, and never what is ours to say."""
    token = await token_of(caller)
    claims = {"email": "a@example.com", "address": {"country": "NO"}, "sub": "mallory", "nickname": "Al"}
    answer = await issue(caller, token, claims=json.dumps(claims))
    assert answer.action is UserInfoIssueAction.JSON
    assert json.loads(answer.responseContent) == {"sub": "alice", "email": "a@example.com", "nickname": "Al"}
    assert json.loads((await issue(caller, token, sub="x-42")).responseContent) == {"sub": "x-42"}


async def test_as_a_jwt_where_the_client_is_registered_so(caller: Backend) -> None:
    token = await token_of(caller, userinfo_signed_response_alg="ES256")
    answer = await issue(caller, token, claims=json.dumps({"email": "a@example.com"}))
    assert answer.action is UserInfoIssueAction.JWT
    claims = jwt.decode(answer.responseContent, options={"verify_signature": False})
    assert (claims["sub"], claims["email"], claims["aud"]) == ("alice", "a@example.com", "app")


@pytest.mark.parametrize("call", [ask, issue])
async def test_what_is_refused(caller: Backend, call: Any) -> None:
    """The challenge is ready-made (RFC 6750 section 3)."""
    scoped = await token_of(caller, scope="read")
    for token, action, error in (
        ("", "BAD_REQUEST", "invalid_request"),
        ("x", "UNAUTHORIZED", "invalid_token"),
        (scoped, "FORBIDDEN", "insufficient_scope"),
    ):
        told = await call(caller, token)
        assert told.action.name == action
        assert f'error="{error}"' in told.responseContent
        assert told.responseContent.startswith("Bearer ")


@pytest.mark.parametrize("claims", ["[]", "{", '"x"'])
async def test_claims_that_are_none(caller: Backend, claims: str) -> None:
    response = await caller.post("/auth/userinfo/issue", {"token": await token_of(caller), "claims": claims})
    assert response.status == 400
