"""Certificates of clients that come by the decision API: the caller's server ended TLS, and hands them over in PEM."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from authlete.dto import IntrospectionAction, IntrospectionRequest, TokenAction, TokenRequest, TokenResponse
from cryptography.hazmat.primitives.serialization import Encoding

from service.crypto.client_certificates import thumbprint
from service.protocol.names import AccessTokenFormat, GrantTypeName
from tests.certificates import Authority, Shown, self_signed
from tests.deciding import API_KEY, API_SECRET, Backend, backend
from tests.world import SECRET, World, basic

OURS = Authority("Ours")
BETWEEN = Authority("Between", above=OURS)
MINE, OTHER = BETWEEN.issue(chain=(BETWEEN.certificate,)), self_signed()
BOUND: dict[str, Any] = {"tls_client_certificate_bound_access_tokens": True}
JWT = "urn:ietf:params:oauth:token-type:jwt"
CLIENT = {"grant_type": "client_credentials", "client_id": "app"}


async def ask(caller: Backend, shown: Shown | None, *, secret: bool = False, **form: str) -> TokenResponse:
    request = TokenRequest()
    request.parameters = urlencode(CLIENT | form)
    if secret:
        request.clientId, request.clientSecret = "app", SECRET
    if shown is not None:
        path = [one.public_bytes(Encoding.PEM).decode() for one in shown.chain]
        request.clientCertificate, request.clientCertificatePath = shown.pem, path
    return await caller.ask("token", request)


async def introspect(caller: Backend, token: str, shown: Shown | None) -> Any:
    request = IntrospectionRequest()
    request.token = token
    if shown is not None:
        request.clientCertificate = shown.pem
    return await caller.ask("introspection", request)


async def test_a_client_authenticates_by_it(world: World, tmp_path: Path) -> None:
    async with backend(world, client_ca_file=OURS.file(tmp_path)) as caller:
        named = {"tls_client_auth_subject_dn": "CN=billing,O=Bank,C=DE"}
        await caller.world.client(auth_method="tls_client_auth", secrets=(), **named)
        assert (await ask(caller, MINE)).action is TokenAction.OK
        for shown in (None, OTHER, BETWEEN.issue()):
            refused = await ask(caller, shown)
            assert refused.action is TokenAction.INVALID_CLIENT
            assert json.loads(refused.responseContent)["error"] == "invalid_client"


@pytest.mark.parametrize("form", [None, AccessTokenFormat.STATELESS])
async def test_a_bound_token_needs_it(world: World, form: AccessTokenFormat | None) -> None:
    async with backend(world) as caller:
        await caller.world.client(access_token_format=form, **BOUND)
        assert (await ask(caller, None, secret=True)).action is TokenAction.BAD_REQUEST
        issued = await ask(caller, MINE, secret=True)
        assert issued.action is TokenAction.OK
        token = json.loads(issued.responseContent)["access_token"]
        told = await introspect(caller, token, MINE)
        assert told.action is IntrospectionAction.OK
        assert told.certificateThumbprint == thumbprint(MINE.der)
        for shown in (None, OTHER):
            refused = await introspect(caller, token, shown)
            assert (refused.action, refused.usable) == (IntrospectionAction.UNAUTHORIZED, False)
            assert 'error="invalid_token"' in refused.responseContent
        form_of_another = urlencode({"token": token})
        standard = await caller.answer("/auth/introspection/standard", parameters=form_of_another)
        assert json.loads(standard["responseContent"])["cnf"] == {"x5t#S256": thumbprint(MINE.der)}


async def test_userinfo_needs_it_too(world: World) -> None:
    async with backend(world) as caller:
        await caller.world.user()
        client = await caller.world.openid_client(**BOUND)
        code = await caller.world.code(client, scope="openid")
        issued = await ask(
            caller,
            MINE,
            secret=True,
            grant_type="authorization_code",
            code=code,
            redirect_uri="https://app.example/callback",
        )
        token = json.loads(issued.responseContent)["access_token"]
        assert (await caller.answer("/auth/userinfo", token=token, clientCertificate=MINE.pem))["action"] == "OK"
        assert (await caller.answer("/auth/userinfo", token=token))["action"] == "UNAUTHORIZED"
        sub = (await caller.answer("/auth/userinfo/issue", token=token, clientCertificate=MINE.pem))["responseContent"]
        assert json.loads(sub)["sub"]


@pytest.mark.parametrize("text", ["x", "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----", OTHER.pem + "x"])
async def test_a_text_that_is_none(world: World, text: str) -> None:
    async with backend(world) as caller:
        await caller.world.client(**BOUND)
        members = {"parameters": urlencode(CLIENT), "clientId": "app", "clientSecret": SECRET}
        refused = await caller.answer("/auth/token", **members, clientCertificate=text)
        assert refused["action"] == "BAD_REQUEST"
        assert (await caller.post("/auth/introspection", {"token": "x", "clientCertificate": text})).status == 400
        assert (await caller.post("/auth/userinfo", {"token": "x", "clientCertificate": text})).status == 400
        refused = await caller.answer(
            "/auth/token", **members, clientCertificate=OTHER.pem, clientCertificatePath=[text]
        )
        assert refused["action"] == "BAD_REQUEST"


async def test_the_service_says_so(world: World) -> None:
    settings: dict[str, Any] = {"trusted_proxies": ("10.0.0.0/8",), "forwarded_certificate": "nginx"}
    async with backend(world, mtls_url="https://mtls.example", **settings) as caller:
        service = await (await caller.http.get("/api/service/get", headers=basic(API_KEY, API_SECRET))).json()
        assert service["tlsClientCertificateBoundAccessTokens"] is True
        assert {"name": "token_endpoint", "uri": "https://mtls.example/token"} in service["mtlsEndpointAliases"]
        assert "TLS_CLIENT_AUTH" not in service["supportedTokenAuthMethods"], "no authority is trusted"
        assert "SELF_SIGNED_TLS_CLIENT_AUTH" in service["supportedTokenAuthMethods"]


async def test_a_token_that_a_caller_makes_is_bound_to_the_certificate_that_it_names(world: World) -> None:
    async with backend(world) as caller:
        grant_types = ("client_credentials", GrantTypeName.TOKEN_EXCHANGE)
        await caller.world.client(grant_types=grant_types, **BOUND)
        asked = await ask(
            caller,
            MINE,
            secret=True,
            grant_type=GrantTypeName.TOKEN_EXCHANGE,
            subject_token="x",
            subject_token_type=JWT,
        )
        assert asked.action is TokenAction.TOKEN_EXCHANGE
        create = {"grantType": "CLIENT_CREDENTIALS", "clientId": "app", "scopes": ["read"]}
        assert (await caller.answer("/auth/token/create", **create))["action"] == "FORBIDDEN"
        assert (await caller.answer("/auth/token/create", **create, certificateThumbprint="x"))[
            "action"
        ] == "BAD_REQUEST"
        made = await caller.answer("/auth/token/create", **create, certificateThumbprint=thumbprint(MINE.der))
        assert made["action"] == "OK", made
        for shown, action in ((MINE, IntrospectionAction.OK), (None, IntrospectionAction.UNAUTHORIZED)):
            assert (await introspect(caller, made["accessToken"], shown)).action is action
