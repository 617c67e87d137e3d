"""Off-the-shelf clients get, use, refresh and revoke tokens from a live server process."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from oauthlib.oauth2 import BackendApplicationClient, LegacyApplicationClient, WebApplicationClient
from requests_oauthlib import OAuth2Session

from service.protocol.names import ClientAuthMethod
from tests.server_process import ServerProcess
from tests.world import CALLBACK, SECRET, VERIFIER, World

pytestmark = pytest.mark.slow


@pytest.fixture
async def server(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")  # loopback http
    await world.client()
    await world.public_client()
    await world.user()
    async with ServerProcess(tmp_path, redis_url=world.redis.url) as process:
        yield process.url


async def _callback(world: World, client_id: str = "app", **code: Any) -> str:
    """Where the browser would come back to."""
    client = await world.issuer.store.clients.read(client_id)
    assert client is not None
    return f"{CALLBACK}?code={await world.code(client, **code)}&state=s"


def _authlib(server: str, method: str = "client_secret_basic", **more: Any) -> AuthlibSession:
    return AuthlibSession(
        "app",
        SECRET,
        token_endpoint=f"{server}/token",
        token_endpoint_auth_method=method,
        revocation_endpoint_auth_method=method,
        **more,
    )


async def test_authlib_code_refresh_revoke(world: World, server: str) -> None:
    session = _authlib(server, redirect_uri=CALLBACK, code_challenge_method="S256")
    callback = await _callback(world, verifier=VERIFIER)
    first = await asyncio.to_thread(
        session.fetch_token, f"{server}/token", authorization_response=callback, code_verifier=VERIFIER, state="s"
    )
    assert await world.is_active(first["access_token"])
    second = await asyncio.to_thread(session.refresh_token, f"{server}/token", refresh_token=first["refresh_token"])
    assert second["refresh_token"] != first["refresh_token"]
    revoked = await asyncio.to_thread(session.revoke_token, f"{server}/revoke", token=second["refresh_token"])
    assert revoked.status_code == 200
    assert not await world.is_active(second["access_token"])


@pytest.mark.usefixtures("world")
async def test_authlib_client_credentials_and_introspection(server: str) -> None:
    session = _authlib(server, scope="read")
    token = await asyncio.to_thread(session.fetch_token, f"{server}/token", grant_type="client_credentials")
    told = await asyncio.to_thread(session.introspect_token, f"{server}/introspect", token=token["access_token"])
    assert (told.json()["active"], told.json()["scope"]) == (True, "read")


async def test_authlib_password(world: World, server: str) -> None:
    session = _authlib(server)
    token = await asyncio.to_thread(session.fetch_token, username="alice", password="wonderland")
    assert (await world.introspect(token["access_token"]))["username"] == "alice"


async def test_authlib_public_client_with_pkce(world: World, server: str) -> None:
    session = AuthlibSession("phone", None, token_endpoint_auth_method="none", redirect_uri=CALLBACK)
    callback = await _callback(world, "phone", verifier=VERIFIER)
    token = await asyncio.to_thread(
        session.fetch_token, f"{server}/token", authorization_response=callback, code_verifier=VERIFIER, state="s"
    )
    assert "refresh_token" in token


async def test_requests_oauthlib_code_and_automatic_refresh(world: World, server: str) -> None:
    """It sends client_id and client_secret in the body when it refreshes by itself: client_secret_post."""
    await world.client("app", auth_method=ClientAuthMethod.CLIENT_SECRET_POST)
    kept: list[dict[str, Any]] = []
    mine = {"client_id": "app", "client_secret": SECRET}
    session = OAuth2Session(
        client=WebApplicationClient("app"),
        redirect_uri=CALLBACK,
        state="s",
        auto_refresh_url=f"{server}/token",
        auto_refresh_kwargs=mine,
        token_updater=kept.append,
    )
    callback = await _callback(world)
    first = await asyncio.to_thread(
        session.fetch_token,
        f"{server}/token",
        authorization_response=callback,
        client_secret=SECRET,
        include_client_id=True,
    )
    session.token = {**first, "expires_at": 1}  # as it is an hour later
    await asyncio.to_thread(session.get, f"{server}/livez")
    assert len(kept) == 1
    assert kept[0]["refresh_token"] != first["refresh_token"]


async def test_requests_oauthlib_client_credentials_and_password(world: World, server: str) -> None:
    service = OAuth2Session(client=BackendApplicationClient("app", scope=["read"]))
    token = await asyncio.to_thread(service.fetch_token, f"{server}/token", client_secret=SECRET)
    assert await world.is_active(token["access_token"])
    person = OAuth2Session(client=LegacyApplicationClient("app"))
    token = await asyncio.to_thread(
        person.fetch_token, f"{server}/token", username="alice", password="wonderland", client_secret=SECRET
    )
    assert (await world.introspect(token["access_token"]))["sub"] == "alice"
