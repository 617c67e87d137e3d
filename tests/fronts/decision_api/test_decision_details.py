"""authorizationDetails in the decision API, driven by Authlete's SDK (RFC 9396)."""

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest
from authlete.dto import (
    AuthorizationAction,
    AuthorizationIssueAction,
    AuthzDetails,
    Client,
    IntrospectionRequest,
    TokenRequest,
)
from authlete.types import GrantType

from tests.deciding import API_KEY, API_SECRET, Backend, backend
from tests.fronts.decision_api.authorizing import ask, issue, sent
from tests.world import CALLBACK, SECRET, World, basic

NAME = "authorization_details"
PAYMENT = {
    "type": "payment",
    "locations": ["https://bank.example"],
    "actions": ["initiate"],
    "datatypes": ["contacts"],
    "identifier": "account-7",
    "privileges": ["admin"],
    "amount": {"value": "5.00", "currency": "EUR"},
}
ELEMENT = {
    "type": "payment",
    "locations": ["https://bank.example"],
    "actions": ["initiate"],
    "dataTypes": ["contacts"],
    "identifier": "account-7",
    "privileges": ["admin"],
    "otherFields": '{"amount":{"value":"5.00","currency":"EUR"}}',
}


@pytest.fixture
async def caller(world: World) -> AsyncIterator[Backend]:
    types = {"payment": {"json_schema": {"required": ["amount"]}}, "other": {}}
    async with backend(world, authorization_details_types=types) as made:
        await world.openid_client(authorization_details_types=("payment",))
        yield made


def told(details: AuthzDetails) -> list[dict[str, Any]]:
    return [{name: value for name, value in vars(one).items() if value is not None} for one in details.elements]


async def redeemed(caller: Backend, location: str) -> Any:
    request = TokenRequest()
    code = {"grant_type": "authorization_code", "code": sent(location)["code"], "redirect_uri": CALLBACK}
    request.parameters, request.clientId, request.clientSecret = urlencode(code), "app", SECRET
    return await caller.ask("token", request)


async def introspected(caller: Backend, token: str) -> Any:
    request = IntrospectionRequest()
    request.token = token
    return await caller.ask("introspection", request)


async def test_details_go_all_the_way(caller: Backend) -> None:
    """The caller's pages learn what is asked for; token and introspection say what was granted."""
    asked = await ask(caller, **{NAME: json.dumps([PAYMENT])})
    assert (asked.action, told(asked.authorizationDetails)) == (AuthorizationAction.INTERACTION, [ELEMENT])
    issued = await issue(caller, asked.ticket)
    assert issued.action is AuthorizationIssueAction.LOCATION
    tokens = await redeemed(caller, issued.responseContent)
    assert told(tokens.authorizationDetails) == [ELEMENT]
    assert json.loads(tokens.responseContent)[NAME] == [PAYMENT]
    assert told((await introspected(caller, tokens.accessToken)).authorizationDetails) == [ELEMENT]


async def test_a_caller_says_what_the_user_allowed(caller: Backend) -> None:
    """RFC 9396 section 7.1: details may be enriched, or changed, by whom the user decided with."""
    asked = await ask(caller, **{NAME: json.dumps([PAYMENT])})
    chosen = ELEMENT | {"identifier": "account-8", "otherFields": '{"amount":"4.00","type":"other"}'}
    issued = await issue(caller, asked.ticket, authorizationDetails=AuthzDetails({"elements": [chosen]}))
    tokens = await redeemed(caller, issued.responseContent)
    assert json.loads(tokens.responseContent)[NAME] == [PAYMENT | {"identifier": "account-8", "amount": "4.00"}]


@pytest.mark.parametrize(
    "element",
    [
        {"type": "other"},
        {"type": "unknown"},
        {"type": "payment"},
        {"otherFields": '{"amount":1}'},
        {"type": "payment", "otherFields": '{"amount":' + "[" * 9 + "]" * 9 + "}"},
    ],
)
async def test_a_caller_cannot_give_what_the_client_may_not_have(caller: Backend, element: dict[str, Any]) -> None:
    asked = await ask(caller, **{NAME: json.dumps([PAYMENT])})
    issued = await issue(caller, asked.ticket, authorizationDetails=AuthzDetails({"elements": [element]}))
    assert sent(issued.responseContent)["error"] == "invalid_authorization_details"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[]", id="an array"),
        pytest.param("{", id="no JSON"),
        pytest.param('{"amount":"\\ud800"}', id="half a character"),
        pytest.param('{"amount":' + "[" * 300 + "]" * 300 + "}", id="deeper than can be written"),
        pytest.param('{"amount":' + "[" * 2000 + "]" * 2000 + "}", id="deeper than can be read"),
    ],
)
async def test_a_text_that_is_no_json_object_spends_nothing(caller: Backend, text: str) -> None:
    """It is the caller's fault, who hears of it; the ticket is as good as before."""
    ticket = (await ask(caller, **{NAME: json.dumps([PAYMENT])})).ticket
    elements = {"elements": [{"type": "payment", "otherFields": text}]}
    call = {"ticket": ticket, "subject": "alice", "authorizationDetails": elements}
    refused = await caller.post("/auth/authorization/issue", call)
    told = await refused.json()
    assert (refused.status, told["resultCode"]) == (400, "M000003")
    assert "otherFields" in told["resultMessage"]
    assert (await issue(caller, ticket)).action is AuthorizationIssueAction.LOCATION


async def test_a_request_with_unknown_details_goes_back(caller: Backend) -> None:
    asked = await ask(caller, **{NAME: '[{"type":"other"}]'})
    assert asked.action is AuthorizationAction.LOCATION
    assert sent(asked.responseContent)["error"] == "invalid_authorization_details"
    assert asked.resultCode == "M200027"


async def test_without_details_there_are_none(caller: Backend) -> None:
    asked = await ask(caller)
    tokens = await redeemed(caller, (await issue(caller, asked.ticket)).responseContent)
    assert (asked.authorizationDetails, tokens.authorizationDetails) == (None, None)
    assert (await introspected(caller, tokens.accessToken)).authorizationDetails is None


async def test_clients_and_the_service_name_types(caller: Backend) -> None:
    made = Client()
    made.clientName, made.authorizationDetailsTypes = "Bank app", ["payment"]
    made.redirectUris, made.grantTypes = [CALLBACK], [GrantType.AUTHORIZATION_CODE]
    made = await caller.ask("createClient", made)
    assert made.authorizationDetailsTypes == ["payment"]
    service = await (await caller.http.get("/api/service/get", headers=basic(API_KEY, API_SECRET))).json()
    assert service["supportedAuthorizationDetailsTypes"] == ["other", "payment"]
