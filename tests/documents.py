"""Hosts of client metadata documents: https servers, whose certificates the service trusts during a test."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import ClientResponse, connector, web
from aiohttp.test_utils import TestServer
from cryptography.x509.oid import ExtendedKeyUsageOID

from service.app import open_issuer
from tests.certificates import Authority, alternative
from tests.redis_shapes import Shape
from tests.world import CALLBACK, VERIFIER, World, in_process, settings_for

MEMBERS: dict[str, Any] = {"client_name": "Their App", "redirect_uris": [CALLBACK]}


@dataclass
class DocumentHost:
    """A server with a document, which tests change."""

    url: str = ""
    """The URL of the document."""
    members: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200
    content: bytes | None = None
    """The content to send instead of the members."""
    hangs: bool = False
    fetched: int = 0
    """The number of times that it was fetched."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.fetched += 1
        if self.hangs:
            await asyncio.Event().wait()
        document = {"client_id": str(request.url), **MEMBERS, **self.members}
        content = orjson.dumps({name: value for name, value in document.items() if value is not ...})
        body = content if self.content is None else self.content
        return web.Response(body=body, status=self.status, headers={"Content-Type": "application/json", **self.headers})


@asynccontextmanager
async def document_host(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DocumentHost]:
    """Yield a host at https://localhost:<port>, which serves the document at every path."""
    authority = Authority()
    shown = authority.issue(names=(alternative("dns", "localhost"),), usage=(ExtendedKeyUsageOID.SERVER_AUTH,))
    certificate, key = shown.files(folder)
    served, trusting = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH), ssl.create_default_context()
    served.load_cert_chain(certificate, key)
    trusting.load_verify_locations(authority.file(folder))
    monkeypatch.setattr(connector, "_SSL_CONTEXT_VERIFIED", trusting)
    host = DocumentHost()
    application = web.Application()
    application.router.add_get("/{path:.*}", host.answer)
    server = TestServer(application, host="localhost", scheme="https")
    await server.start_server(ssl=served)
    host.url = str(server.make_url("/client.json"))
    try:
        yield host
    finally:
        await server.close()


@asynccontextmanager
async def taking_documents(redis: Shape, **changes: Any) -> AsyncIterator[World]:
    """Yield a service that also accepts documents from this machine."""
    on = {"client_metadata_documents": True, "fetch_private_addresses": True}
    async with open_issuer(settings_for(redis.url, **{**on, **changes})) as issuer, in_process(issuer) as http:
        yield World(issuer, http, redis)


async def redeem(world: World, host: DocumentHost, code: str, **form: str) -> ClientResponse:
    """Make a token request of a public client with a document."""
    wished = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    return await world.post("/token", {"client_id": host.url, **wished, **form}, None)


async def refresh(world: World, host: DocumentHost, token: str) -> ClientResponse:
    form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": host.url}
    return await world.post("/token", form, None)
