"""/pushed_auth_req as Authlete's own SDK calls it, and what /auth/authorization makes of it (RFC 9126)."""

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest
from authlete.dto import PushedAuthReqRequest, PushedAuthReqResponse

from service.protocol.names import ClientAuthMethod
from tests.assertions import JWKS, Signer
from tests.deciding import API_KEY, API_SECRET, Backend, backend
from tests.dpop import Prover
from tests.fronts.decision_api.authorizing import BASIC, fail, issue, sent
from tests.world import CALLBACK, SECRET, World, basic


@pytest.fixture
async def caller(world: World) -> AsyncIterator[Backend]:
    async with backend(world) as caller:
        await caller.world.openid_client()
        yield caller


async def push(caller: Backend, secret: str | None = SECRET, **parameters: str) -> PushedAuthReqResponse:
    request = PushedAuthReqRequest()
    request.parameters = urlencode({name: value for name, value in (BASIC | parameters).items() if value})
    if secret:
        request.clientId, request.clientSecret = "app", secret
    return await caller.ask("pushAuthorizationRequest", request)


async def authorize(caller: Backend, request_uri: str, client_id: str = "app") -> Any:
    parameters = urlencode({"client_id": client_id, "request_uri": request_uri, "state": "outside"})
    return await caller.answer("/auth/authorization", parameters=parameters)


async def test_what_was_pushed_is_answered_once(caller: Backend) -> None:
    """The second of two tickets for one request brings nothing, whether the first was issued or failed."""
    for end in (issue, lambda caller, ticket: fail(caller, ticket, "DENIED")):
        pushed = await push(caller)
        assert (pushed.action.name, pushed.clientAuthMethod.name) == ("CREATED", "CLIENT_SECRET_BASIC")
        body = json.loads(pushed.responseContent)
        assert body == {"request_uri": pushed.requestUri, "expires_in": 60}
        first, second = [await authorize(caller, pushed.requestUri) for _ in range(2)]
        assert (first["action"], [one["name"] for one in first["scopes"]]) == ("INTERACTION", ["openid", "read"])
        answered = await end(caller, first["ticket"])
        assert (answered.action.name, sent(answered.responseContent)["state"]) == ("LOCATION", "S")
        for late in (await issue(caller, second["ticket"]), await fail(caller, second["ticket"], "DENIED")):
            assert (late.action.name, late.resultCode) == ("BAD_REQUEST", "M000011")
        over = await authorize(caller, pushed.requestUri)
        assert (over["action"], json.loads(over["responseContent"])["error"]) == ("BAD_REQUEST", "invalid_request_uri")


async def test_it_is_its_clients_alone(caller: Backend) -> None:
    await caller.world.openid_client("other")
    pushed = await push(caller)
    refused = await authorize(caller, pushed.requestUri, "other")
    assert (refused["action"], refused["resultCode"]) == ("BAD_REQUEST", "M200017")


@pytest.mark.parametrize(
    ("secret", "parameters", "action", "error"),
    [
        ("wrong", {}, "UNAUTHORIZED", "invalid_client"),
        (None, {}, "UNAUTHORIZED", "invalid_client"),
        (SECRET, {"redirect_uri": "https://evil.example/"}, "BAD_REQUEST", "invalid_request"),
        (SECRET, {"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "BAD_REQUEST", "invalid_request"),
        (SECRET, {"scope": "everything"}, "BAD_REQUEST", "invalid_scope"),
    ],
)
async def test_what_is_refused(caller: Backend, secret: str, parameters: Any, action: str, error: str) -> None:
    refused = await push(caller, secret, **parameters)
    assert (refused.action.name, json.loads(refused.responseContent)["error"]) == (action, error)
    assert refused.requestUri is None


async def test_an_assertion_authenticates_too_and_the_backend_signs_users_up(caller: Backend) -> None:
    """prompt=create is for whoever has pages for it: the backend, not we."""
    client = await caller.world.issuer.store.clients.read("app")
    assert client
    method = ClientAuthMethod.PRIVATE_KEY_JWT
    await caller.world.change(client, auth_method=method, secrets=(), jwks=JWKS)
    pushed = await push(caller, None, prompt="create", **Signer().form())
    assert pushed.action.name == "CREATED"
    shown = await authorize(caller, pushed.requestUri)
    assert shown["prompts"] == ["CREATE"]


async def test_a_client_may_be_held_to_push(caller: Backend) -> None:
    """parRequired of Authlete's Client object, both ways."""
    client = await caller.world.issuer.store.clients.read("app")
    assert client
    await caller.world.change(client, require_pushed_authorization_requests=True)
    described = await (await caller.http.get("/api/client/get/app", headers=basic(API_KEY, API_SECRET))).json()
    assert described["parRequired"] is True
    refused = await caller.answer("/auth/authorization", parameters=urlencode(BASIC))
    assert (refused["action"], sent(refused["responseContent"])["error"]) == ("LOCATION", "invalid_request")
    assert refused["responseContent"].startswith(CALLBACK)


async def test_a_proof_binds_the_code_here_too(caller: Backend) -> None:
    """RFC 9449 section 10.1: it is for the caller's endpoint, and a nonce for the next one is in the answer."""
    prover, url = Prover(), "https://shop.example/par"
    call = {"parameters": urlencode(BASIC), "clientId": "app", "clientSecret": SECRET, "htm": "POST", "htu": url}
    pushed = await caller.answer("/pushed_auth_req", **call, dpop=prover.proof(url=url))
    assert pushed["action"] == "CREATED"
    ticket = (await authorize(caller, pushed["requestUri"]))["ticket"]
    code = sent((await issue(caller, ticket)).responseContent)["code"]
    redeemed = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    for headers, status in ((Prover().headers(), 400), ({}, 400), (prover.headers(), 200)):
        bought = await caller.world.http.post("/token", data=redeemed, headers=basic("app") | headers)
        assert bought.status == status, await bought.text()
    again = await caller.answer("/pushed_auth_req", **call, dpop=prover.proof(url=url), dpopNonceRequired=True)
    assert (again["action"], json.loads(again["responseContent"])["error"]) == ("BAD_REQUEST", "use_dpop_nonce")
    proof = prover.proof(url=url, nonce=again["dpopNonce"])
    answered = await caller.answer("/pushed_auth_req", **call, dpop=proof, dpopNonceRequired=True)
    assert (answered["action"], "dpopNonce" in answered) == ("CREATED", True)
