"""Tickets of /auth/authorization: for one use, by the caller who got them, for the client and person of the request."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from authlete.api import AuthleteApiException
from authlete.dto import (
    AuthorizationFailAction,
    AuthorizationFailReason,
    AuthorizationIssueAction,
    TokenIssueRequest,
)

from tests.deciding import OTHER_KEY, OTHER_SECRET, Backend, backend
from tests.fronts.decision_api.authorizing import ask, fail, issue, sent
from tests.world import World


async def test_a_ticket_is_for_one_use(caller: Backend) -> None:
    """AU-15: whichever of /issue and /fail comes second is told that the request is over."""
    await caller.world.openid_client()
    ticket = (await ask(caller)).ticket
    assert (await issue(caller, ticket)).action is AuthorizationIssueAction.LOCATION
    again = await issue(caller, ticket)
    assert (again.action, again.resultCode) == (AuthorizationIssueAction.BAD_REQUEST, "M000011")
    assert again.authorizationCode is None
    failed = await fail(caller, ticket, AuthorizationFailReason.DENIED)
    assert (failed.action, failed.resultCode) == (AuthorizationFailAction.BAD_REQUEST, "M000011")


async def test_a_ticket_is_for_the_caller_who_got_it(caller: Backend) -> None:
    """AU-15: another caller's try is refused and does not use it up."""
    await caller.world.openid_client()
    ticket = (await ask(caller)).ticket
    other = caller.sdk_of(OTHER_KEY, OTHER_SECRET)
    assert (await issue(caller, ticket, other)).action is AuthorizationIssueAction.BAD_REQUEST
    refused = await fail(caller, ticket, AuthorizationFailReason.DENIED, other)
    assert refused.action is AuthorizationFailAction.BAD_REQUEST
    assert (await issue(caller, ticket)).action is AuthorizationIssueAction.LOCATION


async def test_a_ticket_is_for_the_call_that_it_belongs_to(caller: Backend) -> None:
    await caller.world.openid_client()
    ticket = (await ask(caller)).ticket
    request = TokenIssueRequest()
    request.ticket, request.subject = ticket, "alice"
    assert (await caller.ask("tokenIssue", request)).resultCode == "M000011"
    assert (await issue(caller, ticket)).action is AuthorizationIssueAction.LOCATION


async def test_a_ticket_ends_by_itself(world: World) -> None:
    """P4: by its TTL, which is the setting."""
    async with backend(world, ticket_lifetime=300) as caller:
        await world.openid_client()
        now = int(world.issuer.clock())
        ticket = (await ask(caller)).ticket
        (end,) = world.ends("decision:").values()
        assert now + 299 <= end <= int(world.issuer.clock()) + 301
        assert not [name for name in world.key_names() if ticket in name], "kept by its hash (P5)"
        world.expire("decision:")
        assert (await issue(caller, ticket)).action is AuthorizationIssueAction.BAD_REQUEST


@pytest.mark.parametrize("ticket", ["", "x", "é", "x" * 5000, "a\x00b", "mm:{decision:x}"])
async def test_what_is_no_ticket(caller: Backend, ticket: str) -> None:
    assert (await issue(caller, ticket)).action is AuthorizationIssueAction.BAD_REQUEST


@pytest.mark.parametrize(
    "change", [{"enabled": False}, {"redirect_uris": ("https://other.example/",)}, {"generation": 9}]
)
async def test_a_client_that_changed_meanwhile_gets_nothing(caller: Backend, change: dict[str, Any]) -> None:
    client = await caller.world.openid_client()
    ticket = (await ask(caller)).ticket
    await caller.world.change(client, **change)
    answer = await issue(caller, ticket)
    assert (answer.action, answer.authorizationCode) == (AuthorizationIssueAction.BAD_REQUEST, None)


async def test_nobody_else_than_the_one_who_was_named(caller: Backend) -> None:
    """OpenID Connect Core 3.1.2.1: an ID token as hint, and another person at the end."""
    await caller.world.openid_client()
    first = await issue(caller, (await ask(caller, response_type="id_token", nonce="N")).ticket)
    response = await ask(caller, id_token_hint=first.idToken)
    assert response.subject == "alice"
    wrong = await issue(caller, response.ticket, subject="mallory")
    assert sent(wrong.responseContent)["error"] == "login_required"
    right = await issue(caller, (await ask(caller, id_token_hint=first.idToken)).ticket)
    assert right.authorizationCode
    for value, is_named in (("alice", True), ("bob", False), (5, False), ("", False)):
        claims = json.dumps({"userinfo": {"sub": {"value": value}}})
        answer = await issue(caller, (await ask(caller, claims=claims)).ticket)
        assert bool(answer.authorizationCode) is is_named


async def test_an_essential_acr_is_a_condition(caller: Backend) -> None:
    await caller.world.openid_client()
    claims = json.dumps({"id_token": {"acr": {"essential": True, "value": "gold"}}})
    wrong = await issue(caller, (await ask(caller, claims=claims)).ticket, acr="lead")
    assert sent(wrong.responseContent)["error"] == "unmet_authentication_requirements"
    assert (await issue(caller, (await ask(caller, claims=claims)).ticket, acr="gold")).authorizationCode


async def test_somebody_who_is_disabled_here_gets_nothing(caller: Backend) -> None:
    world = caller.world
    await world.openid_client()
    await world.user()
    await world.set_enabled("alice", enabled=False)
    answer = await issue(caller, (await ask(caller)).ticket)
    assert sent(answer.responseContent)["error"] == "access_denied"


FAULTY = [
    {"subject": ""},
    {"subject": "a b"},
    {"subject": "x" * 300},
    {"subject": ["alice"]},
    {"authTime": -1},
    {"authTime": "soon"},
    {"authTime": 4_000_000_000_000},
    {"claims": "["},
    {"claims": "[]"},
    {"claims": '{"a":' + "[" * 900 + "]" * 900 + "}"},
    {"properties": [{"value": "x"}]},
    {"properties": "x"},
    {"accessTokenDuration": 2**40},
    {"accessToken": "mine"},
    {"jwtAtClaims": "{}"},
    {"idtHeaderParams": "{}"},
]


@pytest.mark.parametrize("members", FAULTY, ids=lambda members: next(iter(members)))
async def test_a_faulty_call_is_400_and_leaves_the_ticket(caller: Backend, members: dict[str, Any]) -> None:
    await caller.world.openid_client()
    ticket = (await ask(caller)).ticket
    with pytest.raises(AuthleteApiException) as refused:
        await issue(caller, ticket, **members)
    assert refused.value.response.status_code == 400
    assert "mine" not in refused.value.response.text
    assert (await issue(caller, ticket)).action is AuthorizationIssueAction.LOCATION


async def test_an_unknown_reason_is_400_and_leaves_the_ticket(caller: Backend) -> None:
    await caller.world.openid_client()
    ticket = (await ask(caller)).ticket
    response = await caller.post("/auth/authorization/fail", {"ticket": ticket, "reason": "BECAUSE"})
    assert response.status == 400
    assert parse_qs(urlsplit((await issue(caller, ticket)).responseContent).query)["code"]
