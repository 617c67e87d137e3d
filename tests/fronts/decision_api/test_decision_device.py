"""/device/authorization, /verification and /complete, as Authlete's own SDK calls them (RFC 8628)."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest
from authlete.dto import (
    DeviceAuthorizationRequest,
    DeviceCompleteRequest,
    DeviceCompleteResult,
    DeviceVerificationRequest,
    TokenRequest,
)

from service.admin import audit
from tests.deciding import API_KEY, Backend, backend
from tests.devices import begun, polled
from tests.polling import DENIED, GRANT_TYPES, PENDING, after_the_pause
from tests.world import SECRET, World, error_of

Result = DeviceCompleteResult


@pytest.fixture
async def caller(world: World) -> AsyncIterator[Backend]:
    async with backend(world, device_page_url="https://shop.example/tv?lang=en") as caller:
        scopes = ("openid", "read", "write")
        await caller.world.client(grant_types=GRANT_TYPES, name="The TV", scopes=scopes)
        await caller.world.public_client("tv", grant_types=GRANT_TYPES, scopes=scopes)
        yield caller


async def begin(caller: Backend, secret: str = SECRET, **parameters: str) -> Any:
    request = DeviceAuthorizationRequest()
    request.parameters = urlencode({"scope": "openid read"} | parameters)
    request.clientId, request.clientSecret = "app", secret
    return await caller.ask("deviceAuthorization", request)


async def verify(caller: Backend, code: str) -> Any:
    request = DeviceVerificationRequest()
    request.userCode = code
    return await caller.ask("deviceVerification", request)


async def complete(caller: Backend, code: str, result: Any = Result.AUTHORIZED, **members: Any) -> Any:
    request = DeviceCompleteRequest()
    request.userCode, request.result, request.subject = code, result, "carol"
    for name, value in members.items():
        setattr(request, name, value)
    return (await caller.ask("deviceComplete", request)).action.name


async def token(caller: Backend, device_code: str) -> Any:
    after_the_pause(caller.world)
    request = TokenRequest()
    form = {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": device_code}
    request.parameters, request.clientId, request.clientSecret = urlencode(form), "app", SECRET
    return await caller.ask("token", request)


async def test_the_whole_way(caller: Backend) -> None:
    """A user whom only the caller knows, on the caller's own page."""
    device = await begin(caller, acr_values="urn:strong", max_age="60")
    described = await caller.answer("/device/verification", userCode=device.userCode)
    assert described["maxAge"] == 60
    assert (device.action.name, device.clientName, device.acrs) == ("OK", "The TV", ["urn:strong"])
    assert [one.name for one in device.scopes] == ["openid", "read"]
    assert device.verificationUri == "https://shop.example/tv?lang=en"
    assert device.verificationUriComplete == f"{device.verificationUri}&user_code={device.userCode}"
    body = json.loads(device.responseContent)
    assert body["device_code"] == device.deviceCode
    assert (body["expires_in"], body["interval"]) == (device.expiresIn, device.interval) == (600, 5)
    waiting = await token(caller, device.deviceCode)
    assert (waiting.action.name, json.loads(waiting.responseContent)["error"]) == (
        "BAD_REQUEST",
        "authorization_pending",
    )
    seen = await verify(caller, device.userCode.lower())
    assert (seen.action.name, seen.clientName, seen.acrs) == ("VALID", "The TV", ["urn:strong"])
    assert abs(seen.expiresAt / 1000 - caller.world.issuer.clock() - 600) < 30
    done = await complete(caller, device.userCode, acr="urn:strong", authTime=1_700_000_000, sub="c-1")
    assert done == "SUCCESS"
    issued = await token(caller, device.deviceCode)
    assert (issued.action.name, issued.subject, issued.grantType.name) == ("OK", "carol", "DEVICE_CODE")
    assert json.loads(issued.responseContent).keys() >= {"access_token", "refresh_token", "id_token"}
    told = await caller.world.introspect(issued.accessToken)
    assert (told["sub"], told["scope"], told["acr"], told["auth_time"]) == (
        "c-1",
        "openid read",
        "urn:strong",
        1_700_000_000,
    )


@pytest.mark.parametrize("result", [Result.ACCESS_DENIED, Result.TRANSACTION_FAILED])
async def test_a_no_is_told_at_the_next_poll(caller: Backend, result: Any) -> None:
    device = await begin(caller)
    assert await complete(caller, device.userCode, result) == "SUCCESS"
    refused = await token(caller, device.deviceCode)
    assert json.loads(refused.responseContent)["error"] == "access_denied"


async def test_what_a_device_began_at_our_own_endpoint_may_be_decided_too(caller: Backend) -> None:
    device = await begun(caller.world)
    assert device["verification_uri"] == "https://shop.example/tv?lang=en"
    assert await complete(caller, device["user_code"], Result.ACCESS_DENIED) == "SUCCESS"
    assert await error_of(await polled(caller.world, device["device_code"])) == DENIED


async def test_a_caller_gives_no_more_than_the_client_may_have(caller: Backend) -> None:
    device = await begin(caller)
    assert await complete(caller, device.userCode, scopes=["write", "other"]) == "SUCCESS"
    assert json.loads((await token(caller, device.deviceCode)).responseContent)["scope"] == "write"


async def test_a_code_is_decided_once(caller: Backend) -> None:
    device = await begin(caller)
    results = (Result.AUTHORIZED, Result.ACCESS_DENIED, Result.AUTHORIZED, Result.ACCESS_DENIED)
    answers = await asyncio.gather(*(complete(caller, device.userCode, result) for result in results))
    assert sorted(answers) == ["SUCCESS", *["USER_CODE_EXPIRED"] * 3]
    assert (await verify(caller, device.userCode)).action.name == "EXPIRED"


@pytest.mark.parametrize("code", ["BBBB-BBBB", "x", "ä" * 100])
async def test_a_code_that_there_is_not(caller: Backend, code: str) -> None:
    assert (await verify(caller, code)).action.name == "NOT_EXIST"
    assert await complete(caller, code) == "USER_CODE_NOT_EXIST"


async def test_a_client_that_is_refused(caller: Backend) -> None:
    wrong = await begin(caller, secret="wrong")
    assert (wrong.action.name, json.loads(wrong.responseContent)["error"]) == ("UNAUTHORIZED", "invalid_client")
    too_much = await begin(caller, scope="other")
    assert (too_much.action.name, json.loads(too_much.responseContent)["error"]) == ("BAD_REQUEST", "invalid_scope")


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"result": "MAYBE"}, "M000003"),
        ({"result": "AUTHORIZED"}, "M000003"),
        ({"result": "AUTHORIZED", "subject": "carol", "authTime": 2**45}, "M000003"),
        ({"result": "AUTHORIZED", "subject": "carol", "accessToken": "x"}, "M000007"),
        ({}, "M000003"),
    ],
)
async def test_a_call_that_is_wrong_decides_nothing(caller: Backend, members: dict[str, Any], code: str) -> None:
    device = await begun(caller.world)
    response = await caller.post("/device/complete", {"userCode": device["user_code"], **members})
    assert (response.status, (await response.json())["resultCode"]) == (400, code)
    assert await error_of(await polled(caller.world, device["device_code"])) == PENDING


async def test_who_let_the_device_in_is_in_the_audit_log(caller: Backend) -> None:
    device = await begin(caller)
    assert await complete(caller, device.userCode) == "SUCCESS"
    (entry,) = [one.entry for one in (await audit.list_entries(caller.world.issuer, limit=100)).rows]
    assert (entry.action, entry.actor, entry.way, entry.result) == ("device.complete", API_KEY, "decision_api", "ok")
    assert entry.targets == ("client:app", "user:carol")
