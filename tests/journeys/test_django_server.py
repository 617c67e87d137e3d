"""Authlete's Django library, unmodified, in a real Django server that keeps its own people, against a real service process."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
import pytest
from aiohttp import ClientResponse, ClientSession, CookieJar

from service.protocol.pkce import s256
from tests.conftest import CLIENTS
from tests.deciding import API_KEY, API_SECRET
from tests.server_process import ServerProcess, free_port, is_ready
from tests.world import CALLBACK, FORM, VERIFIER, World, basic

pytestmark = pytest.mark.slow

ASKED = {
    "response_type": "code",
    "client_id": "app",
    "redirect_uri": CALLBACK,
    "scope": "openid email read",
    "state": "S",
}
READER = {"username": "alice", "password": "wonderland"}


class Site:
    """A browser and a client in front of the Django server."""

    def __init__(self, url: str, http: ClientSession) -> None:
        self.url, self.http = url, http

    async def post(self, path: str, basic_id: str | None = "app", /, **form: str) -> ClientResponse:
        headers = {"Content-Type": FORM} | (basic(basic_id) if basic_id else {})
        return await self.http.post(self.url + path, data=urlencode(form), headers=headers, allow_redirects=False)

    async def authorize(self, **changes: str) -> ClientResponse:
        return await self.http.get(f"{self.url}/authorize", params=ASKED | changes, allow_redirects=False)

    async def decide(self, **form: str) -> dict[str, str]:
        """The page's form; what comes back to the client."""
        response = await self.post("/decide", None, **form)
        assert response.status == 302, await response.text()
        return dict(parse_qsl(urlsplit(response.headers["Location"]).query))

    async def bearer(self, path: str, token: str) -> ClientResponse:
        return await self.http.get(self.url + path, headers={"Authorization": f"Bearer {token}"})

    async def tokens(self) -> dict[str, Any]:
        """Those of a whole code flow."""
        assert (await self.authorize()).status == 200
        code = (await self.decide(**READER, decision="allow"))["code"]
        response = await self.post("/token", grant_type="authorization_code", code=code, redirect_uri=CALLBACK)
        assert response.status == 200, await response.text()
        body: dict[str, Any] = await response.json()
        return body


@pytest.fixture
async def site(world: World, tmp_path: Path) -> AsyncIterator[Site]:
    await world.openid_client(scopes=("openid", "email", "read", "write"))
    admin_port, port = free_port(), free_port()
    keys = json.dumps({API_KEY: API_SECRET})
    settings: dict[str, Any] = {
        "redis_url": world.redis.url,
        "admin_port": admin_port,
        "decision_api_keys": keys,
        "master_key": "m" * 32,
    }
    async with ServerProcess(tmp_path, **settings):
        script = str(CLIENTS / "django_server.py")
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            script,
            f"http://127.0.0.1:{admin_port}",
            API_KEY,
            API_SECRET,
            str(port),
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            assert await is_ready(url, process), "Django did not become ready"
            async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as http:
                yield Site(url, http)
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def test_a_code_flow_with_a_page_of_ones_own(site: Site) -> None:
    """AU-01, AU-10 to AU-13: the login page and the people are Django's, the protocol is ours."""
    page = await site.authorize()
    assert (page.status, "The App" in await page.text()) == (200, True)
    told = await site.decide(**READER, decision="allow")
    assert told["state"] == "S"
    response = await site.post("/token", grant_type="authorization_code", code=told["code"], redirect_uri=CALLBACK)
    tokens = await response.json()
    assert (response.status, tokens["shop"]) == (200, "7")
    headers = [response.headers[name] for name in ("Content-Type", "Cache-Control", "Pragma")]
    assert headers == ["application/json", "no-store", "no-cache"]
    claims = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    assert claims["sub"] == "alice"
    person = await (await site.bearer("/userinfo", tokens["access_token"])).json(content_type=None)
    assert person == {"sub": "alice", "email": "alice@example.com"}


async def test_the_code_flow_with_pkce_by_a_public_client(site: Site, world: World) -> None:
    await world.openid_client("phone", auth_method="none", secrets=())
    await site.authorize(client_id="phone", code_challenge=s256(VERIFIER), code_challenge_method="S256")
    code = (await site.decide(**READER, decision="allow"))["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "client_id": "phone"}
    assert (await site.post("/token", None, **form, code_verifier="w" * 43)).status == 400
    assert (await site.post("/token", None, **form, code_verifier=VERIFIER)).status == 200


async def test_somebody_says_no_or_is_not_known(site: Site) -> None:
    await site.authorize()
    assert (await site.decide(**READER, decision="deny"))["error"] == "access_denied"
    site.http.cookie_jar.clear()
    await site.authorize()
    assert (await site.decide(username="alice", password="wrong", decision="allow"))["error"] == "login_required"


async def test_silently_where_somebody_has_signed_in(site: Site) -> None:
    refused = await site.authorize(prompt="none")
    assert "error=login_required" in refused.headers["Location"]
    await site.tokens()
    silent = await site.authorize(prompt="none")
    assert "code=" in silent.headers["Location"]


async def test_a_request_that_is_none(site: Site) -> None:
    assert (await site.authorize(client_id="nobody")).status == 400
    refused = await site.authorize(scope="admin")
    assert (refused.status, "error=invalid_scope" in refused.headers["Location"]) == (302, True)


async def test_passwords_are_checked_by_django(site: Site) -> None:
    """AU-07, AU-08, AU-09."""
    right = await site.post("/token", grant_type="password", scope="read", **READER)
    tokens = await right.json()
    assert (right.status, tokens["scope"], tokens["shop"]) == (200, "read", "7")
    wrong = await site.post("/token", grant_type="password", username="alice", password="wrong")
    assert (wrong.status, (await wrong.json())["error"]) == (400, "invalid_grant")


async def test_who_is_not_the_client_is_challenged(site: Site) -> None:
    """AU-02, AU-03: 401 with WWW-Authenticate."""
    response = await site.post("/token", "nobody", grant_type="client_credentials")
    assert (response.status, (await response.json())["error"]) == (401, "invalid_client")
    assert response.headers["WWW-Authenticate"].startswith("Basic ")


async def test_refresh_introspection_and_revocation(site: Site) -> None:
    tokens = await site.tokens()
    refreshed = await site.post("/token", grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    renewed = await refreshed.json()
    assert (refreshed.status, renewed["refresh_token"] != tokens["refresh_token"]) == (200, True)
    told = await (await site.post("/introspect", token=renewed["access_token"])).json()
    assert (told["active"], told["sub"], told["shop"]) == (True, "alice", "7")
    assert (await site.post("/revoke", token=renewed["refresh_token"])).status == 200
    assert await (await site.post("/introspect", token=renewed["access_token"])).json() == {"active": False}


async def test_a_resource_asks_whether_a_token_will_do(site: Site) -> None:
    """AccessTokenValidator: 200, 401 and 403 with their challenges (RFC 6750)."""
    tokens = await site.tokens()
    response = await site.bearer("/orders", tokens["access_token"])
    assert (response.status, await response.json()) == (200, {"orders_of": "alice"})
    dead = await site.bearer("/orders", "x")
    assert (dead.status, 'error="invalid_token"' in dead.headers["WWW-Authenticate"]) == (401, True)
    narrow = await (await site.post("/token", grant_type="client_credentials", scope="write")).json()
    lacking = await site.bearer("/orders", narrow["access_token"])
    assert (lacking.status, 'error="insufficient_scope"' in lacking.headers["WWW-Authenticate"]) == (403, True)


async def test_documents(site: Site) -> None:
    discovery = await site.http.get(f"{site.url}/.well-known/openid-configuration")
    assert (await discovery.json())["issuer"]
    keys = await (await site.http.get(f"{site.url}/jwks")).json()
    assert keys["keys"]
    assert not [key for key in keys["keys"] if "d" in key]
