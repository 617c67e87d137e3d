"""A service on a real Redis, with short methods for frequent actions of tests."""

import asyncio
import json
import os
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from urllib.parse import urlencode

import msgspec
from aiohttp import ClientResponse
from aiohttp.test_utils import BaseTestServer, TestClient
from aiohttp.web import BaseRequest, BaseRunner, ServerRunner

from service.app import make_server
from service.crypto.key_material import algorithm_object, generate
from service.crypto.passwords import hash_generated
from service.directory import RedisDirectory
from service.fronts.health import Health
from service.issuer import Issuer
from service.protocol.names import ClientAuthMethod, ResponseType, SigningAlgorithm
from service.protocol.pkce import s256
from service.records.authorization_code import AuthorizationCode
from service.records.client import Client, ClientSecret
from service.records.grant import Grant
from service.records.user import User
from service.settings import PREFIX, Settings, load
from service.tokens.authorization_codes import issue_code
from tests.as_tested import AS_TESTED
from tests.patience import PATIENCE
from tests.redis_shapes import Shape

SECRET = "mm_cs_" + "s" * 43
CALLBACK = "https://app.example/callback"
VERIFIER = "v" * 43
ALL_GRANT_TYPES = ("authorization_code", "client_credentials", "password", "refresh_token")
FORM = "application/x-www-form-urlencoded"
_LOADED: dict[str, Settings] = {}
_OURS = {"MINTMARK_TEST_REDIS_SERVER", "MINTMARK_TEST_SKIP_NOTHING"}


def settings_for(redis_url: str, **changes: Any) -> Settings:
    """Return settings for tests: ``AS_TESTED``, and defaults for everything else."""
    keys = {} if "master_key" in changes else {"signing_key_files": (signing_keys(),)}
    given = {"redis_url": redis_url, "issuer": "http://127.0.0.1:8080", **AS_TESTED, **keys, **changes}
    said = repr(given)
    if " at 0x" in said or any(name.startswith(PREFIX) and name not in _OURS for name in os.environ):
        return load(**given)
    if said not in _LOADED:  # they never change, and reading them anew is a sixth of a test
        _LOADED[said] = load(**given)
    return _LOADED[said]


@cache
def signing_keys() -> Path:
    """Make a key for each algorithm, once, as RSA takes long. Tests of keys in Redis set master_key instead."""
    path = Path(mkdtemp(prefix="mintmark-test-keys-")) / "keys.json"
    members = [private_jwk(algorithm) for algorithm in ("RS256", "ES256", "ES384", "EdDSA")]
    path.touch(mode=0o600)
    path.write_text(json.dumps({"keys": members}))
    return path


def private_jwk(algorithm: str) -> dict[str, Any]:
    made = algorithm_object(algorithm).to_jwk(generate(SigningAlgorithm(algorithm), 2048), as_dict=True)
    return dict(made)


def basic(client_id: str, secret: str = SECRET) -> dict[str, str]:
    """Return the Authorization header of client_secret_basic."""
    return {"Authorization": "Basic " + b64encode(f"{client_id}:{secret}".encode()).decode()}


class _InProcess(BaseTestServer):
    """The service in the process of the test, as ``app.serving`` runs it."""

    def __init__(self, issuer: Issuer, health: Health | None, port: int | None) -> None:
        super().__init__(port=port)
        self._parts = (issuer, health)

    async def _make_runner(self, **_: Any) -> BaseRunner:
        return ServerRunner(make_server(*self._parts))


def in_process(
    issuer: Issuer, health: Health | None = None, *, port: int | None = None
) -> TestClient[BaseRequest, None]:
    """Return a client of the service, which runs as long as the client is open."""
    return TestClient(_InProcess(issuer, health, port))


@dataclass
class World:
    """A service under test: its ``issuer`` for looking inside, ``http`` for requests, and ``redis`` for keys and faults."""

    issuer: Issuer
    http: TestClient[Any, Any]
    redis: Shape

    # people and clients

    async def client(self, client_id: str = "app", **changes: Any) -> Client:
        """Register a client that may do everything (secret ``SECRET``, client_secret_basic), with these changes."""
        wished: dict[str, Any] = {
            "client_id": client_id,
            "secrets": (ClientSecret(hash_generated(SECRET)),),
            "grant_types": ALL_GRANT_TYPES,
            "redirect_uris": (CALLBACK,),
            "scopes": ("read", "write"),
            "default_scope": "read",
        }
        client = Client(**(wished | changes))
        await self.issuer.store.clients.save(client, await self.issuer.store.clients.read(client_id))
        return client

    async def public_client(self, client_id: str = "phone", **changes: Any) -> Client:
        """Register a client without a secret."""
        return await self.client(client_id, auth_method=ClientAuthMethod.NONE, secrets=(), **changes)

    async def change(self, client: Client, **changes: Any) -> Client:
        """Change a client as another process would."""
        seen = await self.issuer.store.clients.read(client.client_id)
        assert seen
        changed: Client = msgspec.structs.replace(seen, **changes)
        await self.issuer.store.clients.save(changed, seen)
        return changed

    async def user(self, username: str = "alice", password: str = "wonderland", **changes: Any) -> User:
        """Create a user."""
        hashed = await self.issuer.hashing.hash(password)
        user = User(**({"username": username, "subject": username, "password_hash": hashed} | changes))
        await self.issuer.store.users.save(user, None)
        return user

    async def set_enabled(self, username: str, *, enabled: bool) -> int:
        """Disable or enable a user as an operator does, and return the number of ended grants."""
        users = self.issuer.store.users
        seen = await users.get(username)
        user: User = msgspec.structs.replace(seen or User(username, username), enabled=enabled)
        await users.save(user, seen)
        return 0 if enabled else await self.issuer.store.grants.revoke_user(user.subject)

    async def code(
        self,
        client: Client,
        subject: str = "alice",
        scope: str = "read write",
        redirect_uri: str | None = CALLBACK,
        verifier: str | None = None,
        **grant: Any,
    ) -> str:
        """Issue a code as the authorization endpoint does."""
        now = int(self.issuer.clock())
        record = AuthorizationCode(
            redirect_uri=redirect_uri or CALLBACK,
            redirect_uri_given=redirect_uri is not None,
            code_challenge=s256(verifier) if verifier else None,
            code_challenge_method="S256" if verifier else None,
        )
        wished: dict[str, Any] = {
            "client_id": client.client_id,
            "subject": subject,
            "scope": scope,
            "client_generation": client.generation,
            "issued_at": now,
            "auth_time": now,
        }
        return (await issue_code(self.issuer, client, Grant(**(wished | grant)), record)).code

    # requests

    async def post(
        self, path: str, form: dict[str, str], client_id: str | None = "app", secret: str = SECRET
    ) -> ClientResponse:
        """POST a form with client_secret_basic; without authentication where ``client_id`` is None."""
        headers = {"Content-Type": FORM} | (basic(client_id, secret) if client_id else {})
        return await self.http.post(path, data=urlencode(form), headers=headers)

    async def form(self, path: str, pairs: list[tuple[str, str]], client_id: str = "app") -> ClientResponse:
        """POST a form in which a parameter may come twice."""
        return await self.http.post(path, data=urlencode(pairs), headers={"Content-Type": FORM} | basic(client_id))

    async def token(self, client_id: str | None = "app", **form: str) -> ClientResponse:
        """Make a token request."""
        return await self.post("/token", form, client_id)

    async def redeem(self, code: str, client_id: str | None = "app", **form: str) -> ClientResponse:
        """Make a token request with a code and the usual redirect_uri."""
        wished = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        return await self.post("/token", wished | form, client_id)

    async def refresh(self, refresh_token: str, client_id: str | None = "app", **form: str) -> ClientResponse:
        """Make a token request with a refresh token."""
        return await self.token(client_id, grant_type="refresh_token", refresh_token=refresh_token, **form)

    async def openid_client(self, client_id: str = "app", **changes: Any) -> Client:
        """Register a client for users with a browser, with every standard scope and response type."""
        wished: dict[str, Any] = {
            "scopes": ("openid", "profile", "email", "address", "phone", "offline_access", "read", "write"),
            "response_types": tuple(ResponseType),
            "grant_types": (*ALL_GRANT_TYPES, "implicit"),
            "name": "The App",
        }
        return await self.client(client_id, **(wished | changes))

    async def tokens(self, client: Client, **code: Any) -> dict[str, Any]:
        """Run a whole code flow, and return the token response."""
        response = await self.redeem(await self.code(client, **code), client.client_id)
        assert response.status == 200, await response.text()
        body: dict[str, Any] = await response.json()
        return body

    async def introspect(self, token: str, client_id: str = "app") -> dict[str, Any]:
        """Introspect a token."""
        response = await self.post("/introspect", {"token": token}, client_id)
        assert response.status == 200, await response.text()
        body: dict[str, Any] = await response.json()
        return body

    async def is_active(self, token: str, client_id: str = "app") -> bool:
        """Whether a token is active by introspection."""
        return bool((await self.introspect(token, client_id))["active"])

    async def revoke(self, token: str, client_id: str | None = "app", **form: str) -> ClientResponse:
        """Make a revocation request."""
        return await self.post("/revoke", {"token": token, **form}, client_id)

    # variants

    def with_settings(self, **changes: Any) -> "World":
        """Return the same world with other settings; open its ``http`` with ``async with``."""
        changed = settings_for(self.redis.url, **changes)
        directory = RedisDirectory(self.issuer.store, self.issuer.hashing, changed)
        return self._with(settings=changed, url=changed.issuer, directory=directory)

    def _with(self, **parts: Any) -> "World":
        issuer = replace(self.issuer, **parts)
        return World(issuer, in_process(issuer), self.redis)

    @asynccontextmanager
    async def having(self, **changes: Any) -> AsyncIterator["World"]:
        """Yield the same world with other settings, open."""
        changed = self.with_settings(**changes)
        async with changed.http:
            yield changed

    @asynccontextmanager
    async def with_part(self, **parts: Any) -> AsyncIterator["World"]:
        """Yield the same world with other parts of the issuer (a clock, a failing directory), open."""
        changed = self._with(**parts)
        async with changed.http:
            yield changed

    def later(self, seconds: float, **parts: Any) -> AbstractAsyncContextManager["World"]:
        """Return the same world with a clock that is ahead, and with other parts."""
        return self.with_part(clock=lambda: self.issuer.clock() + seconds, **parts)

    def standing(self) -> AbstractAsyncContextManager["World"]:
        """Return the same world with a clock that stands, for what is compared to the second."""
        now = self.issuer.clock()
        return self.with_part(clock=lambda: now)

    def expire(self, part: str) -> None:
        """Expire every key whose name holds ``part``, as the time to live in Redis is the only clock (P4)."""
        for node in self.redis.primaries():
            for key in node.admin.scan_iter(f"*{part}*"):
                node.admin.delete(key)

    def key_names(self, part: str = "") -> set[str]:
        """Return the names of all keys that hold ``part``."""
        return {name for key in self.redis.keys() if part in (name := key.decode())}  # noqa: SIM118

    def ends(self, part: str) -> dict[str, int]:
        """Return the keys whose name holds ``part``, with the epoch second at which each ends; -1 = never."""
        found = {}
        for node in self.redis.primaries():
            for key in node.admin.scan_iter(f"*{part}*"):
                steps = node.admin.pipeline()
                steps.time()
                steps.pttl(key)
                (seconds, microseconds), left = steps.execute()
                found[key.decode()] = round(seconds + (microseconds / 1000 + left) / 1000) if left >= 0 else -1
        return found

    async def wait_for_end(self, part: str) -> None:
        """Wait until no key's name holds ``part``."""
        async with asyncio.timeout(PATIENCE):
            while self.ends(part):
                await asyncio.sleep(0.02)


async def error_of(response: ClientResponse) -> tuple[int, str]:
    """Return status and error code of a refusal."""
    return response.status, (await response.json())["error"]
