"""Properties of tokens: each is told once, and by introspection as the token has it, also where nothing is stored."""

import json
from typing import Any

import pytest

from service.protocol.names import AccessTokenFormat
from service.records.property import Property
from tests.deciding import Backend
from tests.fronts.decision_api.token_administering import EVERY
from tests.world import SECRET

SHOP, TILL = {"key": "shop", "value": "7"}, {"key": "till", "value": "3", "hidden": True}
FORMATS = [AccessTokenFormat.OPAQUE, AccessTokenFormat.JWT, AccessTokenFormat.BOTH]


async def _token(caller: Backend, *properties: dict[str, Any], **form: str) -> dict[str, Any]:
    parameters = "&".join(f"{name}={value}" for name, value in form.items())
    members = {"parameters": parameters, "clientId": "app", "clientSecret": SECRET, "properties": properties}
    answer = await caller.answer("/auth/token", **members)
    assert answer["action"] == "OK", answer
    return answer


def _told(answer: dict[str, Any]) -> list[tuple[str, str, bool]]:
    return sorted((one["key"], one["value"], one["hidden"]) for one in answer.get("properties", ()))


@pytest.mark.parametrize("form", FORMATS)
async def test_a_property_is_told_once(caller: Backend, form: AccessTokenFormat) -> None:
    """AU-30."""
    await caller.world.client(access_token_format=form)
    made = await _token(caller, SHOP, TILL, grant_type="client_credentials")
    assert _told(made) == [("shop", "7", False), ("till", "3", True)]
    seen = await caller.answer("/auth/introspection", token=made["accessToken"])
    assert _told(seen) == _told(made)


async def test_the_last_of_one_name_counts(caller: Backend) -> None:
    """AU-30: what a request gives takes the place of what the grant has, as in the response."""
    client = await caller.world.client(properties=(Property("shop", "1", in_introspection=True),))
    code = await caller.world.code(client, properties=(Property("shop", "2", in_token_response=True),))
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": client.redirect_uris[0]}
    made = await _token(caller, SHOP, **form)
    assert _told(made) == [("shop", "7", False)]
    assert json.loads(made["responseContent"])["shop"] == "7"
    assert _told(await caller.answer("/auth/introspection", token=made["accessToken"])) == [("shop", "7", False)]


@pytest.mark.parametrize("call", ["/auth/token", "/auth/token/create"])
async def test_a_stateless_token_has_the_properties_that_it_says(caller: Backend, call: str) -> None:
    """Its own hidden ones would be kept nowhere, and are not told as kept; those of its client are."""
    own = (Property("plan", "gold", in_introspection=True), Property("rate", 9))
    await caller.world.client(
        "4711", access_token_format=AccessTokenFormat.STATELESS, properties=own, grant_types=EVERY
    )
    given = {"/auth/token": {"parameters": "grant_type=client_credentials", "clientId": "4711", "clientSecret": SECRET}}
    created = {"grantType": "CLIENT_CREDENTIALS", "clientId": 4711}
    made = await caller.answer(call, **given.get(call, created), properties=[SHOP, TILL])
    assert ("shop", "7", False) in _told(made)
    assert "till" not in {name for name, _, _ in _told(made)}
    seen = await caller.answer("/auth/introspection", token=made["accessToken"])
    assert _told(seen) == [("plan", "gold", False), ("rate", "9", True), ("shop", "7", False)]
    await caller.world.client(
        "4711", access_token_format=AccessTokenFormat.STATELESS, properties=own[1:], grant_types=EVERY
    )
    later = await caller.answer("/auth/introspection", token=made["accessToken"])
    assert _told(later) == _told(seen), "it says what it says"
    hidden = await caller.answer(
        "/auth/introspection/standard", parameters=f"token={made['accessToken']}", withHiddenProperties=True
    )
    body = json.loads(hidden["responseContent"])
    assert (body["shop"], body["plan"], body["rate"], "till" in body) == ("7", "gold", 9, False)


@pytest.mark.parametrize("name", ["access_token", "expires_in", "error", "active", "sub", "authorization_details"])
@pytest.mark.parametrize(
    "call",
    [
        "/auth/token",
        "/auth/token/issue",
        "/auth/authorization/issue",
        "/backchannel/authentication/complete",
        "/device/complete",
        "/auth/token/create",
    ],
)
async def test_a_registered_member_is_no_property(caller: Backend, call: str, name: str) -> None:
    """RFC 6749 section 5, RFC 7662 section 2.2: it would be left out of the response that it is meant for."""
    await caller.world.client("4711", grant_types=EVERY)
    members = {"ticket": "x", "subject": "alice", "userCode": "x", "result": "AUTHORIZED", "clientId": 4711}
    if call == "/auth/token":
        members = {"parameters": "grant_type=client_credentials", "clientId": "4711", "clientSecret": SECRET}
    properties = [{"key": name, "value": "x"}]
    answer = await (await caller.post(call, members | {"grantType": "PASSWORD", "properties": properties})).json()
    assert answer["resultCode"] in ("M000003", "M000008"), answer
    assert f"{name} is a registered member of" in answer["resultMessage"]
