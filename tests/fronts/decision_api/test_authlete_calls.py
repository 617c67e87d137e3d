"""Every call that Authlete documents, as each of its SDKs writes it: answered, or told in its own shape what to do instead."""

import json
import re

import pytest

from tests.deciding import API_KEY, API_SECRET, KEYS, Backend, backend
from tests.world import World, basic

NUMBER, NUMBER_SECRET = "9223372036854", "n" * 43
BEARER = {"Authorization": f"Bearer {NUMBER_SECRET}"}

OFFERED = """
POST /auth/authorization
POST /auth/authorization/fail
POST /auth/authorization/issue
POST /auth/introspection
POST /auth/introspection/standard
POST /auth/revocation
POST /auth/token
POST /auth/token/create
DELETE /auth/token/delete/x
POST /auth/token/fail
GET /auth/token/get/list
POST /auth/token/issue
POST /auth/token/revoke
POST /auth/token/update
POST /auth/userinfo
POST /auth/userinfo/issue
POST /backchannel/authentication
POST /backchannel/authentication/complete
POST /backchannel/authentication/fail
POST /backchannel/authentication/issue
POST /client/authorization/delete/app
DELETE /client/authorization/delete/app
DELETE /client/authorization/delete/app/alice
GET /client/authorization/get/list
POST /client/authorization/get/list
GET /client/authorization/get/list/alice
POST /client/authorization/update/app
POST /client/create
DELETE /client/delete/app
DELETE /client/extension/requestable_scopes/delete/app
GET /client/extension/requestable_scopes/get/app
POST /client/extension/requestable_scopes/update/app
PUT /client/extension/requestable_scopes/update/app
GET /client/get/app
GET /client/get/list
DELETE /client/granted_scopes/delete/app
DELETE /client/granted_scopes/delete/app/alice
GET /client/granted_scopes/get/app
POST /client/granted_scopes/get/app
GET /client/granted_scopes/get/app/alice
POST /client/lock_flag/update/app
POST /client/registration
POST /client/registration/delete
POST /client/registration/get
POST /client/registration/update
GET /client/secret/refresh/app
POST /client/secret/update/app
POST /client/update/app
POST /device/authorization
POST /device/complete
POST /device/verification
POST /pushed_auth_req
GET /service/configuration
POST /service/create
DELETE /service/delete
GET /service/get
GET /service/get/list
GET /service/jwks/get
POST /service/update
"""
NOT_OFFERED = """
POST /attestation/challenge
POST /auth/authorization/ticket/info
POST /auth/authorization/ticket/update
POST /auth/token/create/batch
GET /auth/token/create/batch/status/x
POST /federation/configuration
POST /federation/registration
POST /gm
POST /hsk/create
DELETE /hsk/delete/x
GET /hsk/get/list
GET /hsk/get/x
POST /idtoken/reissue
GET /info
POST /jose/verify
GET /lifecycle/healthcheck
GET /misc/echo
POST /nativesso
POST /nativesso/logout
POST /vci/batch/issue
POST /vci/batch/parse
POST /vci/deferred/issue
POST /vci/deferred/parse
POST /vci/jwks
POST /vci/jwtissuer
POST /vci/metadata
POST /vci/nonce
POST /vci/offer/create
POST /vci/offer/info
POST /vci/single/issue
POST /vci/single/parse
"""


def calls(listed: str) -> list[tuple[str, str]]:
    """Methods and paths."""
    return [(method, path) for method, path in (line.split() for line in listed.split("\n") if line)]


async def test_each_is_answered_with_a_number_as_the_id_of_the_service(world: World) -> None:
    """As Authlete 3 does it: the id in the path, the API secret as Bearer token; a wrong one is 401 in the same shape."""
    async with backend(world, decision_api_keys=KEYS | {NUMBER: NUMBER_SECRET}, client_failures_allowed=1000) as caller:
        await caller.world.client()
        for method, path in calls(OFFERED):
            for prefix in ("/api", f"/api/{NUMBER}"):
                response = await caller.http.request(method, prefix + path, headers=BEARER)
                if response.status == 404:  # of what the call names; the calls above have deleted it
                    assert (await response.json())["resultCode"] != "M000013", path
                assert response.status in (200, 201, 204, 400, 403, 404), path
            unknown = await caller.http.request(method, "/api/7654321" + path, headers=BEARER)
            assert (unknown.status, (await unknown.json())["resultCode"]) == (401, "M000001"), path


@pytest.mark.parametrize("prefix", ["/api", f"/api/{API_KEY}", "/api/1234567"])
async def test_a_call_that_is_not_offered_is_told_so(caller: Backend, prefix: str) -> None:
    """In Authlete's shape, with what to do instead: its SDKs show the message."""
    for method, path in [*calls(NOT_OFFERED), ("GET", "/x"), ("DELETE", "/gm"), ("PUT", "/hsk")]:
        await told_not_offered(caller, prefix, method, path)
    unknown = await caller.http.post(prefix + "/gm")
    assert (unknown.status, (await unknown.json())["resultCode"]) == (401, "M000001")


async def told_not_offered(caller: Backend, prefix: str, method: str, path: str) -> None:
    response = await caller.http.request(method, prefix + path, headers=basic(API_KEY, API_SECRET))
    body = json.loads(await response.text())
    assert (response.status, sorted(body)) == (404, ["resultCode", "resultMessage"])
    assert body["resultCode"] == "M000013"
    assert f"{method} {prefix}{path}: " in body["resultMessage"]
    assert ("no such call" in body["resultMessage"]) == (path == "/x")


async def test_what_is_named_instead_is_there(caller: Backend) -> None:
    """Nobody is sent to a call that is not there either."""
    offered = {path for _, path in calls(OFFERED)} | {"/livez", "/readyz"}
    for method, path in calls(NOT_OFFERED):
        response = await caller.http.request(method, "/api" + path, headers=basic(API_KEY, API_SECRET))
        told = (await response.json())["resultMessage"].partition(": ")[2]
        for named in re.findall(r"(?<![\w])/[a-z_/]+", told):
            assert named in offered, (path, named)


async def test_another_method_is_told_those_of_the_call(world: World) -> None:
    async with backend(world, decision_api_keys={NUMBER: NUMBER_SECRET}) as caller:
        for method, path in calls(OFFERED):
            response = await caller.http.request("PATCH", f"/api/{NUMBER}{path}", headers=BEARER)
            assert (response.status, (await response.json())["resultCode"]) == (405, "M000005"), path
            assert method in response.headers["Allow"].split(", ")


async def test_the_number_is_told_with_every_request(world: World) -> None:
    """``service.apiKey`` of an authorization response, by which SDKs know the service."""
    async with backend(world, decision_api_keys={NUMBER: NUMBER_SECRET}) as caller:
        client = await caller.world.client()
        parameters = f"client_id={client.client_id}&response_type=code&redirect_uri={client.redirect_uris[0]}"
        response = await caller.http.post(
            f"/api/{NUMBER}/auth/authorization", json={"parameters": parameters}, headers=BEARER
        )
        assert (await response.json())["service"]["apiKey"] == int(NUMBER)
