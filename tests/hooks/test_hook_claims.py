"""The event claims: what hooks add to every kind of token, what they cannot, and what happens where one is down."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
from aiohttp import web

from service.admin.errors import NotFound
from service.admin.hooks import try_hook
from service.hooks.answers import MAX_BYTES, MAX_CLAIMS, RESERVED
from service.protocol.names import AccessTokenFormat
from tests.assertions import ISSUER, JWKS, Signer
from tests.hooks.receiver import Answer, Receiver, hooked, never, saying
from tests.person import Person
from tests.redis_shapes import Shape
from tests.world import SECRET, VERIFIER, World

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
GRANTS = ("authorization_code", "refresh_token", "client_credentials", "password", JWT_BEARER)
ADDED = {
    "access_token": {"tier": "gold"},
    "id_token": {"department": {"name": "R&D", "floors": [1, 2]}},
    "token_response": {"tenant": "t-1"},
    "introspection": {"risk": 7},
}


@pytest.fixture
async def world(redis: Shape, receiver: Receiver) -> AsyncIterator[World]:
    receiver.answers["claims"] = ADDED
    async with hooked(redis, {"crm": {"url": receiver.url, "events": ["claims"]}}) as made:
        await made.user()
        yield made


async def prepared(world: World, grant_type: str, scope: str = "openid read") -> dict[str, str]:
    """The form of a token request of this grant type, ready to be sent."""
    client = await world.openid_client(grant_types=GRANTS, may_assert_subjects=True, jwks=JWKS)
    match grant_type:
        case "authorization_code":
            return {"code": await world.code(client, scope=scope), "redirect_uri": "https://app.example/callback"}
        case "refresh_token":
            return {"refresh_token": (await world.tokens(client, scope=scope))["refresh_token"]}
        case "password":
            return {"username": "alice", "password": "wonderland", "scope": scope}
        case "client_credentials":
            return {"scope": "read"}
        case _:
            return {"assertion": Signer().sign(sub="alice", aud=ISSUER), "scope": scope}


@pytest.mark.parametrize("grant_type", GRANTS)
async def test_claims_reach_every_place_with_every_grant_type(
    world: World, receiver: Receiver, grant_type: str
) -> None:
    """IA-21, IRIS Properties: claims reach the token response, introspection and the ID token, whatever the grant type."""
    form = await prepared(world, grant_type)
    receiver.heard.clear()
    response = await world.token(grant_type=grant_type, **form)
    body = await response.json()
    assert response.status == 200, body
    assert body["tenant"] == "t-1"
    told = await world.introspect(body["access_token"])
    assert (told["active"], told["tier"], told["risk"]) == (True, "gold", 7)
    assert "tier" not in body
    if "id_token" in body:
        claims = jwt.decode(body["id_token"], options={"verify_signature": False})
        assert claims["department"] == {"name": "R&D", "floors": [1, 2]}
    assert ("id_token" in body) == (grant_type in ("authorization_code", "refresh_token"))
    (facts,) = receiver.of("claims")
    assert (facts["grant_type"], facts["client_id"], facts["address"]) == (grant_type, "app", "127.0.0.1")
    assert facts["subject"] == ("" if grant_type == "client_credentials" else "alice")
    assert facts["scope"] == ("read" if grant_type == "client_credentials" else "openid read")
    assert facts["grant_id"] == body["access_token"].removeprefix("mm_at_")[:22]


@pytest.mark.parametrize("grant_type", GRANTS)
async def test_a_hook_gets_no_credential(world: World, receiver: Receiver, grant_type: str) -> None:
    form = await prepared(world, grant_type)
    response = await world.token(grant_type=grant_type, **form)
    issued = await response.json()
    secrets = [SECRET, "wonderland", *form.values(), *(value for value in issued.values() if isinstance(value, str))]
    secrets = [word for word in secrets if len(word) > 8 and word not in ("openid read", form.get("redirect_uri"))]
    for headers, body in receiver.raw:
        sent = body.decode() + json.dumps(headers)
        assert "mm_" not in sent
        assert not [word for word in secrets if word in sent]


@pytest.mark.parametrize("response_type", ["id_token", "id_token token", "code id_token", "code token", "code"])
async def test_claims_reach_what_the_authorization_endpoint_issues(
    world: World, receiver: Receiver, response_type: str
) -> None:
    """IA-14: asked once for the answer; for a code alone nothing is issued yet, and nobody is asked."""
    await world.openid_client()
    answer = (await Person(world).sign_in(response_type=response_type, scope="openid read")).answer
    assert len(receiver.of("claims")) == (response_type != "code")
    if "id_token" in answer:
        claims = jwt.decode(answer["id_token"], options={"verify_signature": False})
        assert claims["department"] == {"name": "R&D", "floors": [1, 2]}
    if "access_token" in answer:
        assert (await world.introspect(answer["access_token"]))["tier"] == "gold"
        (facts,) = receiver.of("claims")
        assert facts["grant_id"] == answer["access_token"].removeprefix("mm_at_")[:22]
    if "code" in answer:
        redeemed = await (await world.redeem(answer["code"], code_verifier=VERIFIER)).json()
        assert redeemed["tenant"] == "t-1"


@pytest.mark.parametrize("form", [AccessTokenFormat.JWT, AccessTokenFormat.BOTH, AccessTokenFormat.STATELESS])
async def test_claims_reach_jwt_access_tokens(world: World, form: AccessTokenFormat) -> None:
    """IRIS JWTClaims; what is for introspection alone is not in a JWT that everybody reads."""
    await world.client(access_token_format=form)
    body = await (await world.token(grant_type="client_credentials")).json()
    token = body.get("access_token_jwt", body["access_token"])
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["tier"] == "gold"
    assert "risk" not in claims
    assert (await world.introspect(token))["tier"] == "gold"


@pytest.mark.parametrize("grant_type", ["authorization_code", "client_credentials"])
async def test_nothing_registered_is_overridden(
    world: World, receiver: Receiver, grant_type: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Attempts at sub, exp, iss, aud, cnf, access_token, scope and every other registered name come to nothing."""
    await prepared(world, grant_type)
    client = await world.issuer.store.clients.get("app")
    assert client is not None
    await world.change(client, access_token_format=AccessTokenFormat.BOTH)
    world.issuer.store.clients.forget(["app"])
    evil: dict[str, Any] = dict.fromkeys(RESERVED, "evil")
    assert {"sub", "exp", "iss", "aud", "cnf", "access_token", "scope", "nonce", "events", "active"} <= set(evil)
    for half in (sorted(evil)[::2], sorted(evil)[1::2]):
        receiver.answers["claims"] = None
        plain = await _everything(world, grant_type)
        for place in ADDED:
            receiver.answers["claims"] = {place: dict.fromkeys(half, "evil")}
            attacked = await _everything(world, grant_type)
            assert "evil" not in json.dumps(attacked)
            assert [sorted(one) for one in attacked] == [sorted(one) for one in plain]
    assert "hook_claims_left_out" in caplog.text


async def _everything(world: World, grant_type: str) -> list[dict[str, Any]]:
    """The token response, and the claims of all that is in it."""
    if grant_type == "client_credentials":
        response = await world.token(grant_type=grant_type, scope="read")
    else:
        client = await world.issuer.store.clients.get("app")
        assert client is not None
        response = await world.redeem(await world.code(client, scope="openid read"))
    body: dict[str, Any] = await response.json()
    assert response.status == 200, body
    tokens = [body[name] for name in ("access_token_jwt", "id_token") if name in body]
    decoded = [jwt.decode(token, options={"verify_signature": False}) for token in tokens]
    return [body, await world.introspect(body["access_token"]), *decoded]


def _nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


def _json(value: Any) -> Answer:
    return saying(body=json.dumps(value).encode())


async def _cut_off(request: web.Request) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


BAD = {
    "500": saying(500),
    "a redirect": saying(307, Location="http://127.0.0.1:1/"),
    "401": saying(401, b'{"access_token": {}}'),
    "not JSON": saying(body=b"<html>"),
    "nothing": saying(body=b""),
    "a list": _json([1]),
    "null": saying(body=b"null"),
    "a huge answer": saying(body=b'{"access_token": {"a": "' + b"x" * 100_000 + b'"}}'),
    "compressed": saying(200, b"{}", **{"Content-Encoding": "gzip"}),
    "an unknown member": _json({"acces_token": {"tier": "gold"}}),
    "claims that are no object": _json({"access_token": ["tier"]}),
    "too many claims": _json({"id_token": {f"claim{number}": 1 for number in range(MAX_CLAIMS + 1)}}),
    "too many bytes": _json({"introspection": {"text": "x" * MAX_BYTES}}),
    "too deep": _json({"access_token": {"deep": _nested(9)}}),
    "much too deep": saying(body=b'{"access_token": {"deep": ' + b"[" * 900 + b"]" * 900 + b"}}"),
    "a name without an end": _json({"access_token": {"n" * 129: 1}}),
    "an empty name": _json({"access_token": {"": 1}}),
    "a dropped connection": _cut_off,
    "no answer in time": never,
}


@pytest.mark.parametrize("answer", BAD.values(), ids=list(BAD))
@pytest.mark.parametrize("grant_type", ["authorization_code", "refresh_token", JWT_BEARER])
async def test_a_hook_that_fails_refuses_and_nothing_is_spent(
    redis: Shape, receiver: Receiver, grant_type: str, answer: Answer
) -> None:
    """P1, P2, P7: 503 with Retry-After, and the very same request succeeds when the hook is back."""
    hook = {"url": receiver.url, "events": ["claims"], "timeout": 0.3}
    async with hooked(redis, {"crm": hook}) as world:
        await world.user()
        form = await prepared(world, grant_type)
        receiver.turn = answer
        refused = await world.token(grant_type=grant_type, **form)
        assert (refused.status, (await refused.json())["error"]) == (503, "temporarily_unavailable")
        assert int(refused.headers["Retry-After"]) >= 1
        receiver.turn = None
        again = await world.token(grant_type=grant_type, **form)
        assert again.status == 200, await again.text()


@pytest.mark.parametrize("answer", BAD.values(), ids=list(BAD))
async def test_a_hook_that_fails_is_done_without_where_told_so(
    redis: Shape, receiver: Receiver, answer: Answer
) -> None:
    hook = {"url": receiver.url, "events": ["claims"], "timeout": 0.3, "on_failure": "go_on"}
    async with hooked(redis, {"crm": hook}) as world:
        await world.client()
        receiver.turn = answer
        body = await (await world.token(grant_type="client_credentials")).json()
        told = await world.introspect(body["access_token"])
        assert sorted(body) == ["access_token", "expires_in", "scope", "token_type"]
        assert sorted(told) == ["active", "client_id", "exp", "iat", "iss", "jti", "nbf", "scope", "sub", "token_type"]


async def test_of_redemptions_side_by_side_one_succeeds(world: World, receiver: Receiver) -> None:
    """P1, while a hook takes its time for each."""
    client = await world.client()
    code = await world.code(client)
    everybody_is_there = asyncio.Barrier(8)

    async def wait(_: web.Request) -> web.StreamResponse:
        await everybody_is_there.wait()
        return web.json_response(ADDED)

    receiver.turn = wait
    responses = await asyncio.gather(*(world.redeem(code) for _ in range(8)))
    assert sorted(response.status for response in responses) == [200] + [400] * 7


async def test_refreshes_side_by_side_get_the_same_answer(world: World, receiver: Receiver) -> None:
    """P2, while a hook says something else to each: one rotation, and its bytes for all."""
    tokens = await world.tokens(await world.client())
    everybody_is_there, count = asyncio.Barrier(8), iter(range(100))

    async def wait(_: web.Request) -> web.StreamResponse:
        await everybody_is_there.wait()
        return web.json_response({"token_response": {"number": next(count)}})

    receiver.turn = wait
    responses = await asyncio.gather(*(world.refresh(tokens["refresh_token"]) for _ in range(8)))
    assert {response.status for response in responses} == {200}
    assert len({await response.read() for response in responses}) == 1


async def test_a_repeated_refresh_asks_nobody(world: World, receiver: Receiver) -> None:
    """P2: the same bytes again within the grace, though the hook is down by then."""
    tokens = await world.tokens(await world.client())
    first = await world.refresh(tokens["refresh_token"])
    asked, receiver.turn = len(receiver.heard), saying(500)
    again = await world.refresh(tokens["refresh_token"])
    assert (again.status, await again.read()) == (200, await first.read())
    assert len(receiver.heard) == asked


async def test_a_refresh_token_that_is_kept_asks_once_a_refresh(world: World, receiver: Receiver) -> None:
    tokens = await world.tokens(await world.client(refresh_rotation="never"))
    receiver.heard.clear()
    body = await (await world.refresh(tokens["refresh_token"])).json()
    assert (body["tenant"], len(receiver.of("claims"))) == ("t-1", 1)


async def test_an_assertion_that_was_used_before_reaches_no_hook(world: World, receiver: Receiver) -> None:
    """IT-05: they hear only of what is certain."""
    form = await prepared(world, JWT_BEARER)
    assert (await world.token(grant_type=JWT_BEARER, **form)).status == 200
    receiver.heard.clear()
    assert (await world.token(grant_type=JWT_BEARER, **form)).status == 400
    assert receiver.heard == []


async def test_several_hooks_add_in_their_order_within_one_bound(redis: Shape, receiver: Receiver) -> None:
    half = {"id_token": {"text": "x" * (MAX_BYTES // 2)}, "token_response": {"by": "first"}}
    both = {name: {"url": receiver.url, "events": ["claims"]} for name in ("first", "second")}
    answers = iter([half, {"token_response": {"by": "second"}}, half, {"id_token": {"more": half["id_token"]["text"]}}])

    async def next_one(_: web.Request) -> web.StreamResponse:
        return web.json_response(next(answers))

    receiver.turn = next_one
    async with hooked(redis, both) as world:
        await world.client()
        assert (await (await world.token(grant_type="client_credentials")).json())["by"] == "second"
        assert (await world.token(grant_type="client_credentials")).status == 503


async def test_properties_of_the_operator_are_told_to_the_hook(world: World, receiver: Receiver) -> None:
    """AU-30, IA-21: the claims so far; what is private stays so."""
    from service.records.property import Property

    properties = (Property("plan", "pro", in_introspection=True), Property("note", "private"))
    await world.client(properties=properties)
    await world.token(grant_type="client_credentials")
    assert receiver.of("claims")[0]["claims"] == {"plan": "pro"}


async def test_a_hook_is_tried_about_somebody_who_exists(world: World, receiver: Receiver) -> None:
    """What it would add to tokens of hers, without any being issued."""
    await world.client("shop", scopes=("read", "write"))
    (tried,) = (await try_hook(world.issuer, "crm", "alice", "shop")).events
    assert tried.answer == ADDED
    facts = receiver.of("claims")[-1]
    assert (facts["subject"], facts["client_id"], facts["scope"]) == ("alice", "shop", "read write")
    assert facts["test"] is True
    for user, client in (("nobody", ""), ("", "nobody")):
        with pytest.raises(NotFound):
            await try_hook(world.issuer, "crm", user, client)
