"""A credential at every place where a name is wanted: nothing of it is in log, audit log, audit file, metrics or Redis."""

import logging
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp.test_utils import TestClient, TestServer

from service.app import open_issuer
from service.fronts.health import Health
from service.fronts.operators import make_application
from service.observe.log import JsonFormatter
from service.protocol.credentials import Kind
from tests.operators import TOKEN, TOKENS
from tests.world import CALLBACK, FORM, World, basic, in_process, settings_for

JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSIsIm4iOjF9.c2lnbmF0dXJlc2lnbmF0dXJl"
API_SECRET = "api-secret-" + "z" * 32
CREDENTIALS = [
    *(pytest.param(kind + "aB-_9" * 13, id=kind.name.lower()) for kind in Kind),
    pytest.param(Kind.TICKET + "xY-_7" * 300, id="sealed ticket"),
    pytest.param(JWT, id="JWT"),
    pytest.param(JWT.rpartition(".")[0], id="JWT without signature"),
    pytest.param(TOKEN, id="operator's token of the settings"),
    pytest.param(API_SECRET, id="API secret of the settings"),
]
OPERATORS = [
    ("DELETE", "/admin/v1/grants/{}", None),
    ("GET", "/admin/v1/grants/{}", None),
    ("DELETE", "/admin/v1/clients/{}", None),
    ("PATCH", "/admin/v1/clients/{}", {"name": "x"}),
    ("POST", "/admin/v1/clients", {"client_id": "{}", "grant_types": ["client_credentials"]}),
    ("POST", "/admin/v1/clients", {"client_id": "named", "name": "{}", "grant_types": ["client_credentials"]}),
    ("DELETE", "/admin/v1/users/{}", None),
    ("POST", "/admin/v1/users", {"username": "{}"}),
    ("POST", "/admin/v1/users/{}/disable", None),
    ("DELETE", "/admin/v1/sessions/{}", None),
    ("DELETE", "/admin/v1/keys/{}", None),
    ("GET", "/admin/v1/audit?actor={}", None),
    ("GET", "/admin/v1/{}", None),
    ("POST", "/admin/v1/clients/app/disable", None),
    ("POST", "/admin/v1/clients/app/enable", None),
]
BACKENDS = [
    ("/auth/token/create", {"grantType": "PASSWORD", "clientId": "{}", "subject": "alice"}),
    ("/auth/token/create", {"grantType": "PASSWORD", "clientId": "app", "subject": "{}"}),
    ("/auth/token/create", {"grantType": "{}", "clientId": "app", "subject": "alice"}),
    ("/auth/token/update", {"accessToken": "{}", "scopes": ["read"]}),
    ("/auth/token/revoke", {"subject": "{}"}),
    ("/auth/token/issue", {"ticket": "{}", "subject": "{}"}),
    ("/auth/authorization/issue", {"ticket": "{}", "subject": "alice"}),
    ("/auth/authorization/fail", {"ticket": "x", "reason": "{}"}),
    ("/client/lock_flag/update/{}", {"clientLocked": True}),
    ("/client/authorization/update/app", {"subject": "{}", "scopes": ["read"]}),
    ("/client/registration", {"json": '{{"client_name": "{}"}}', "token": "{}"}),
    ("/{}", {}),
]
STRANGERS = [
    ("/token", {"grant_type": "{}"}),
    ("/token", {"grant_type": "client_credentials", "scope": "{}"}),
    ("/token", {"grant_type": "password", "username": "{}", "password": "{}"}),
    ("/token", {"grant_type": "authorization_code", "code": "{}", "redirect_uri": "{}"}),
    ("/token", {"grant_type": "refresh_token", "refresh_token": "{}"}),
    ("/token", {"grant_type": "client_credentials", "resource": "{}"}),
    ("/authorize", {"client_id": "{}", "response_type": "code"}),
    ("/authorize", {"client_id": "app", "response_type": "{}", "redirect_uri": CALLBACK}),
    ("/authorize", {"client_id": "app", "response_type": "code", "redirect_uri": CALLBACK, "scope": "{}"}),
    ("/logout", {"id_token_hint": "{}", "client_id": "{}", "post_logout_redirect_uri": "{}"}),
    ("/login", {"ticket": "{}"}),
    ("/introspect", {"token": "{}", "token_type_hint": "{}"}),
    ("/revoke", {"token": "{}", "token_type_hint": "{}"}),
    ("/{}", {}),
]
CLIENT_INPUT: dict[str, Any] = {"grant_types": ["authorization_code"], "redirect_uris": [CALLBACK]}
OKP = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
PLACE = "https://app.example/{}"
OF_A_CLIENT: list[dict[str, Any]] = [
    *({member: PLACE} for member in ("client_uri", "logo_uri", "policy_uri", "tos_uri", "jwks_uri")),
    *({member: PLACE} for member in ("initiate_login_uri", "backchannel_logout_uri", "frontchannel_logout_uri")),
    *({member: [PLACE]} for member in ("redirect_uris", "post_logout_redirect_uris", "request_uris")),
    *({member: ["{}"]} for member in ("default_acr_values", "contacts")),
    {"scopes": ["{}"]},
    {"redirect_uris": ["com.example.app:/cb?t={}"]},
    {"client_uri": "https://app.example/#{}"},
    {"jwks": {"keys": [OKP | {"kid": "{}"}]}},
]
"""What an operator and a stranger may say of a client in the same words."""
OF_A_STRANGERS_CLIENT: list[dict[str, Any]] = [
    *({member: "{}"} for member in ("client_name", "software_id", "software_version", "client_name#de", "scope")),
    {"client_name#{}": "x"},
]


def filled(value: Any, credential: str) -> Any:
    if isinstance(value, dict):
        return {name.replace("{}", credential): filled(member, credential) for name, member in value.items()}
    if isinstance(value, list):
        return [filled(item, credential) for item in value]
    return value.replace("{}", credential) if isinstance(value, str) else value


def parts(credential: str) -> list[str]:
    """What must be nowhere. Headers of JWTs tell nothing."""
    if credential.startswith("eyJ"):
        return credential.split(".")[1:]
    return [credential[6:]]


@pytest.mark.parametrize("credential", CREDENTIALS)
async def test_nothing_of_it_is_kept(
    world: World, credential: str, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    settings = settings_for(
        world.redis.url,
        admin_port=0,
        admin_tokens=TOKENS,
        decision_api_keys={"shop": API_SECRET},
        audit_file=tmp_path / "audit",
        registration="open",
    )
    await world.client()
    async with (
        open_issuer(settings) as issuer,
        TestClient(TestServer(make_application(issuer, Health(issuer)))) as port,
        in_process(issuer) as http,
    ):
        for method, path, body in OPERATORS:
            headers = {"Authorization": f"Bearer {TOKEN}"}
            await port.request(method, path.replace("{}", credential), json=filled(body, credential), headers=headers)
        for path, members in BACKENDS:
            headers = basic("shop", API_SECRET)
            await port.post("/api" + path.replace("{}", credential), json=filled(members, credential), headers=headers)
        await port.post("/console/sign-in", data={"token": credential, "next": credential}, allow_redirects=False)
        for path, form in STRANGERS:
            sent = urlencode(filled(form, credential))
            for client in ({}, basic("app"), basic(credential)):
                await http.post(
                    path.replace("{}", credential),
                    data=sent,
                    headers={"Content-Type": FORM, **client},
                    allow_redirects=False,
                )
            await http.get(f"{path.replace('{}', credential)}?{sent}", allow_redirects=False)
        for more in OF_A_CLIENT:
            body = filled({"client_id": "named", **CLIENT_INPUT, **more}, credential)
            await port.post("/admin/v1/clients", json=body, headers={"Authorization": f"Bearer {TOKEN}"})
        for more in (*OF_A_CLIENT, *OF_A_STRANGERS_CLIENT):
            await http.post("/register", json=filled({"redirect_uris": [CALLBACK], **more}, credential))
        metrics = await (await port.get("/metrics")).text()
    log = "\n".join(map(JsonFormatter().format, caplog.records))
    everything = world.redis.dump()
    kept = [
        log,
        metrics,
        (tmp_path / "audit").read_text(),
        *(f"{key!r} {entry!r}" for key, entry in everything.items()),
    ]
    found = [
        (part, text[max(0, text.find(part) - 200) :][:300])
        for part in parts(credential)
        for text in kept
        if part in text
    ]
    assert not found


@pytest.mark.parametrize("kind", Kind)
async def test_no_value_holds_a_credential_of_ours(world: World, kind: Kind) -> None:
    """Properties and claims are kept as they are, and told; those of others may be anything, JWTs as well."""
    ours = kind + "aB-_9" * 13
    settings = settings_for(world.redis.url, admin_port=0, admin_tokens=TOKENS)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    client = {"client_id": "app", "grant_types": ["client_credentials"]}
    async with (
        open_issuer(settings) as issuer,
        TestClient(TestServer(make_application(issuer, Health(issuer)))) as port,
    ):
        for held in (ours, [ours], {"deep": f"it is {ours}"}, {ours: 1}):
            for path, body in (
                ("clients", client | {"properties": [{"name": "p", "value": held}]}),
                ("users", {"username": "alice", "claims": {"c": held}}),
            ):
                answer = await port.post(f"/admin/v1/{path}", json=body, headers=headers)
                assert answer.status == 422, await answer.text()
                assert "holds a credential" in await answer.text()
        body = {"username": "alice", "claims": {"c": JWT}}
        assert (await port.post("/admin/v1/users", json=body, headers=headers)).status == 201
