"""A refusal names members as the caller sent them, whichever part of the service refuses."""

import re
from typing import Any

import pytest

from service.fronts.decision_api import ROUTES
from tests.deciding import Backend
from tests.fronts.decision_api.token_administering import NUMBER, app, create

CREATE = {"clientId": NUMBER, "grantType": "PASSWORD", "subject": "alice"}
CLIENT = {"clientName": "Shop", "grantTypes": ["CLIENT_CREDENTIALS"]}
X = "x" * 43
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("/auth/token/create", {"grantType": "MAGIC"}, "grantType: must be 'authorization_code'"),
    ("/auth/token/create", {"grantType": "REFRESH_TOKEN"}, "grantType: refresh_token renews"),
    ("/auth/token/create", {"dpopKeyThumbprint": "x"}, "dpopKeyThumbprint: "),
    ("/auth/token/create", {"certificateThumbprint": "x"}, "certificateThumbprint: "),
    ("/auth/token/create", {"clientId": 2}, "say which (dpopKeyThumbprint)"),
    ("/auth/token/update", {"accessTokenExpiresAt": 1}, "accessTokenExpiresAt: must be in the future"),
    ("/auth/token/update", {"refreshTokenExpiresAt": 1}, "refreshTokenExpiresAt: must be in the future"),
    ("/auth/token/update", {"scopes": ['"']}, "scopes.0: "),
    (
        "/auth/token/issue",
        {"accessToken": X, "jwtAtClaims": "{}"},
        "accessToken: values cannot be chosen: tokens carry the id of their grant; leave it out and one is made; jwtAtClaims: ",
    ),
    ("/auth/authorization/issue", {"idtHeaderParams": "{}"}, "idtHeaderParams"),
    ("/device/complete", {"accessTokenDuration": 5}, "accessTokenDuration"),
    ("/client/create", {"clientSecret": "short"}, "clientSecret: must have"),
    ("/client/create", {"grantTypes": ["MAGIC"]}, "grantTypes.0: there is no such grant type"),
    ("/client/create", {"grantTypes": ["AUTHORIZATION_CODE"]}, "redirectUris: authorization_code needs"),
    (
        "/client/create",
        {"tokenAuthMethod": "PRIVATE_KEY_JWT"},
        "tokenAuthMethod: private_key_jwt needs jwks or jwksUri",
    ),
    ("/client/create", {"extension": {"requestableScopesEnabled": True, "requestableScopes": ['"']}}, "Scopes.0: "),
    ("/client/create", {"idTokenEncryptionEnc": "A128GCM"}, "requestEncryptionEnc: go with"),
    ("/client/update/1", {"clientIdAlias": "2"}, "clientIdAlias: '2' names the client"),
    ("/client/secret/update/1", {"clientSecret": "short"}, "clientSecret: must have"),
    ("/client/extension/requestable_scopes/update/1", {"requestableScopes": ['"']}, "requestableScopes.0: "),
]
OF_THE_CORE = {name for route in ROUTES for name in route.body.CORE_NAMES if "_" in name}
ADDED: dict[str, dict[str, Any]] = {"/auth/token/create": CREATE, "/client/create": CLIENT, "/client/update/1": CLIENT}
ISSUED: dict[str, Any] = {"ticket": "x", "subject": "alice", "userCode": "x", "result": "AUTHORIZED"}


@pytest.mark.parametrize(("path", "members", "said"), REFUSED)
async def test_a_refusal_names_what_the_caller_sent(
    caller: Backend, path: str, members: dict[str, Any], said: str
) -> None:
    await app(caller.world)
    await app(caller.world, "1")
    await app(caller.world, "2", dpop_bound_access_tokens=True)
    sent = ADDED.get(path, ISSUED) | members
    if path == "/auth/token/update":
        sent["accessToken"] = (await create(caller)).accessToken
    message = (await (await caller.post(path, sent)).json())["resultMessage"]
    assert said in message
    assert not OF_THE_CORE & set(re.findall(r"\w+", message)), message
