"""/backchannel/authentication and what follows, as Authlete's own SDK calls it (OpenID Connect CIBA)."""

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest
from authlete.dto import (
    BackchannelAuthenticationCompleteRequest,
    BackchannelAuthenticationCompleteResult,
    BackchannelAuthenticationFailReason,
    BackchannelAuthenticationFailRequest,
    BackchannelAuthenticationIssueRequest,
    BackchannelAuthenticationRequest,
)

from service.admin import audit
from service.protocol.names import DeliveryMode
from service.records.client import Client
from tests.backchannel import backchannel_client, notification_token, poll, poll_at_last
from tests.deciding import API_KEY, OTHER_KEY, OTHER_SECRET, Backend, backend
from tests.world import SECRET, World, error_of

Result = BackchannelAuthenticationCompleteResult
MODES = ("poll", "ping", "push")
ENDPOINT = "https://bank.example/cb"


@pytest.fixture
async def caller(world: World) -> AsyncIterator[Backend]:
    async with backend(world, backchannel_delivery_modes=MODES) as caller:
        await backchannel_client(caller.world)
        yield caller


async def with_mode(caller: Backend, mode: DeliveryMode) -> Client:
    wished: dict[str, Any] = {"backchannel_token_delivery_mode": mode}
    return await backchannel_client(caller.world, backchannel_client_notification_endpoint=ENDPOINT, **wished)


async def begin(caller: Backend, secret: str = SECRET, **parameters: str) -> Any:
    request = BackchannelAuthenticationRequest()
    wished = {"scope": "openid read", "login_hint": "anybody", "binding_message": "W4SCT"} | parameters
    request.parameters = urlencode({name: value for name, value in wished.items() if value})
    request.clientId, request.clientSecret = "bank", secret
    return await caller.ask("backchannelAuthentication", request)


async def issue(caller: Backend, ticket: str) -> Any:
    request = BackchannelAuthenticationIssueRequest()
    request.ticket = ticket
    return await caller.ask("backchannelAuthenticationIssue", request)


async def fail(caller: Backend, ticket: str, reason: BackchannelAuthenticationFailReason) -> Any:
    request = BackchannelAuthenticationFailRequest()
    request.ticket, request.reason = ticket, reason
    return await caller.ask("backchannelAuthenticationFail", request)


async def complete(caller: Backend, ticket: str, result: Any = Result.AUTHORIZED, **members: Any) -> Any:
    request = BackchannelAuthenticationCompleteRequest()
    request.ticket, request.result, request.subject = ticket, result, "carol"
    for name, value in members.items():
        setattr(request, name, value)
    return await caller.ask("backchannelAuthenticationComplete", request)


async def waiting(caller: Backend, **parameters: str) -> tuple[str, str]:
    """Ticket and auth_req_id of a request that waits for its user."""
    begun = await begin(caller, **parameters)
    return begun.ticket, (await issue(caller, begun.ticket)).authReqId


async def test_the_whole_way(caller: Backend) -> None:
    """A user whom only the caller knows; what it says of the login is in the ID token."""
    begun = await begin(caller, acr_values="urn:strong urn:weak")
    assert (begun.action.name, begun.deliveryMode.name, begun.hintType.name) == (
        "USER_IDENTIFICATION",
        "POLL",
        "LOGIN_HINT",
    )
    assert (begun.hint, begun.bindingMessage, begun.acrs) == ("anybody", "W4SCT", ["urn:strong", "urn:weak"])
    assert [one.name for one in begun.scopes] == ["openid", "read"]
    answer = await issue(caller, begun.ticket)
    assert answer.action.name == "OK"
    body = json.loads(answer.responseContent)
    assert body == {"auth_req_id": answer.authReqId, "expires_in": answer.expiresIn, "interval": answer.interval}
    assert await error_of(await poll(caller.world, answer.authReqId)) == (400, "authorization_pending")
    done = await complete(caller, begun.ticket, acr="urn:strong", authTime=1_700_000_000, sub="c-1")
    assert done.action.name == "NO_ACTION"
    tokens = await (await poll_at_last(caller.world, answer.authReqId)).json()
    claims = await caller.world.issuer.keyring.verify(tokens["id_token"])  # type: ignore[union-attr]
    assert claims
    assert (claims["sub"], claims["acr"], claims["auth_time"]) == ("c-1", "urn:strong", 1_700_000_000)


async def test_the_caller_hears_how_old_the_login_may_be(caller: Backend) -> None:
    for max_age, said in (("60", 60), ("0", 1)):
        parameters = urlencode({"scope": "openid", "login_hint": "anybody", "max_age": max_age})
        about = {"parameters": parameters, "clientId": "bank", "clientSecret": SECRET}
        assert (await caller.answer("/backchannel/authentication", **about))["maxAge"] == said


async def test_what_is_refused_is_for_the_client(caller: Backend) -> None:
    for parameters, error in (({"login_hint": ""}, "invalid_request"), ({"binding_message": "\u202e"}, None)):
        refused = await begin(caller, **parameters)
        assert refused.action.name == "BAD_REQUEST"
        assert json.loads(refused.responseContent)["error"] == (error or "invalid_binding_message")
    assert (await begin(caller, secret="wrong")).action.name == "UNAUTHORIZED"


async def test_the_caller_refuses_by_a_registered_error(caller: Backend) -> None:
    for reason in BackchannelAuthenticationFailReason:
        ticket = (await begin(caller)).ticket
        answer = await fail(caller, ticket, reason)
        action = {"ACCESS_DENIED": "FORBIDDEN", "SERVER_ERROR": "INTERNAL_SERVER_ERROR"}.get(reason.name, "BAD_REQUEST")
        assert answer.action.name == action
        assert json.loads(answer.responseContent)["error"] == reason.name.lower()
        assert (await issue(caller, ticket)).action.name == "INVALID_TICKET", "once"


async def test_a_ticket_is_used_once_by_its_caller(caller: Backend) -> None:
    begun = await begin(caller)
    other = caller.sdk_of(OTHER_KEY, OTHER_SECRET)
    request = BackchannelAuthenticationIssueRequest()
    request.ticket = begun.ticket
    foreign = await caller.ask("backchannelAuthenticationIssue", request, sdk=other)
    assert foreign.action.name == "INVALID_TICKET"
    assert (await complete(caller, begun.ticket)).action.name == "SERVER_ERROR", "not yet: nobody was asked"
    auth_req_id = (await issue(caller, begun.ticket)).authReqId
    assert (await issue(caller, begun.ticket)).action.name == "INVALID_TICKET"
    assert (await complete(caller, begun.ticket, Result.ACCESS_DENIED)).action.name == "NO_ACTION"
    assert (await complete(caller, begun.ticket)).action.name == "SERVER_ERROR"
    assert await error_of(await poll(caller.world, auth_req_id)) == (400, "access_denied")


@pytest.mark.parametrize("result", [Result.AUTHORIZED, Result.ACCESS_DENIED])
async def test_ping_is_the_callers_to_send(caller: Backend, result: Any) -> None:
    await with_mode(caller, DeliveryMode.PING)
    token = notification_token()
    ticket, auth_req_id = await waiting(caller, client_notification_token=token)
    assert await error_of(await poll(caller.world, auth_req_id)) == (400, "authorization_pending")
    done = await complete(caller, ticket, result)
    assert done.action.name == "NOTIFICATION"
    assert (done.clientNotificationEndpoint, done.clientNotificationToken) == (ENDPOINT, token)
    assert json.loads(done.responseContent) == {"auth_req_id": auth_req_id}
    assert not caller.world.key_names("backchannel}"), "we send none"
    told = await (await poll(caller.world, auth_req_id)).json()
    assert told.get("error") == (None if result is Result.AUTHORIZED else "access_denied"), "at once"


async def test_push_is_the_callers_to_send(caller: Backend) -> None:
    await with_mode(caller, DeliveryMode.PUSH)
    ticket, auth_req_id = await waiting(caller, client_notification_token=notification_token())
    done = await complete(caller, ticket)
    body = json.loads(done.responseContent)
    assert (done.action.name, body["auth_req_id"]) == ("NOTIFICATION", auth_req_id)
    assert (body["access_token"], body["id_token"]) == (done.accessToken, done.idToken)
    assert await caller.world.is_active(done.accessToken, "bank")
    for result, error in ((Result.ACCESS_DENIED, "access_denied"), (Result.TRANSACTION_FAILED, "transaction_failed")):
        ticket, auth_req_id = await waiting(caller, client_notification_token=notification_token())
        done = await complete(caller, ticket, result)
        assert json.loads(done.responseContent) == {"auth_req_id": auth_req_id, "error": error}


async def test_a_user_whom_the_client_named_by_id_token_is_that_user(caller: Backend) -> None:
    client = await backchannel_client(caller.world, grant_types=("authorization_code", *_grant_types()))
    hint = (await caller.world.tokens(client, subject="carol", scope="openid"))["id_token"]
    begun = await begin(caller, login_hint="", id_token_hint=hint)
    assert (begun.hintType.name, begun.sub) == ("ID_TOKEN_HINT", "carol")
    await issue(caller, begun.ticket)
    refused = await caller.post(
        "/backchannel/authentication/complete", {"ticket": begun.ticket, "result": "AUTHORIZED", "subject": "dave"}
    )
    assert (refused.status, (await refused.json())["resultCode"]) == (400, "M000008")
    assert (await complete(caller, begun.ticket)).action.name == "NO_ACTION", "and nothing was lost by it"


def _grant_types() -> tuple[str, ...]:
    return ("urn:openid:params:grant-type:ciba",)


async def test_never_more_than_the_client_may_have(caller: Backend) -> None:
    ticket, auth_req_id = await waiting(caller)
    await complete(caller, ticket, scopes=["read", "admin", "write"])
    tokens = await (await poll(caller.world, auth_req_id)).json()
    assert tokens["scope"] == "openid read write"


@pytest.mark.parametrize(
    "members",
    [
        {"result": "MAYBE"},
        {"result": ""},
        {"authTime": 99_999_999_999},
        {"idtHeaderParams": "{}"},
        {"accessTokenDuration": 60},
        {"subject": "with blank"},
        {"claims": "no json"},
        {"scopes": 5},
    ],
)
async def test_what_cannot_be_done_is_said_and_loses_nothing(caller: Backend, members: dict[str, Any]) -> None:
    ticket, auth_req_id = await waiting(caller)
    wished = {"ticket": ticket, "result": "AUTHORIZED", "subject": "carol"} | members
    assert (await caller.post("/backchannel/authentication/complete", wished)).status == 400
    assert (await complete(caller, ticket)).action.name == "NO_ACTION"
    assert (await poll(caller.world, auth_req_id)).status == 200


async def test_what_waits_for_the_caller_is_sealed(caller: Backend) -> None:
    await with_mode(caller, DeliveryMode.PING)
    token = notification_token()
    await begin(
        caller, client_notification_token=token, login_hint="somebody-to-look-for", user_code="code-to-look-for"
    )
    held: Any = b""
    for node in caller.world.redis.primaries():
        for key in node.admin.scan_iter("*decision*"):
            held += node.admin.get(key) or b""
    assert held
    assert not [text for text in (token, "somebody-to-look-for", "code-to-look-for") if text.encode() in held]


async def test_who_let_the_client_in_is_in_the_audit_log(caller: Backend) -> None:
    ticket, _ = await waiting(caller)
    await complete(caller, ticket)
    (entry,) = [one.entry for one in (await audit.list_entries(caller.world.issuer, limit=100)).rows]
    assert (entry.action, entry.actor, entry.way, entry.result) == (
        "backchannel.complete",
        API_KEY,
        "decision_api",
        "ok",
    )
    assert entry.targets == ("client:bank", "user:carol")
