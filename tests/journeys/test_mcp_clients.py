"""The MCP SDKs for Python and TypeScript, as they are: they find the service, register, sign in, call a tool, refresh."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from mcp.client.auth import OAuthClientProvider
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientInformationFull, OAuthClientMetadata, OAuthToken

from service.admin import clients
from service.app import open_issuer
from service.dev.mcp_demo import SCOPE, prepare, resource_of
from tests.conftest import NODE
from tests.documents import DocumentHost, document_host
from tests.free_ports import free_ports
from tests.person import Person
from tests.redis_shapes import Shape
from tests.world import World, in_process, settings_for

pytestmark = pytest.mark.slow

CALLBACK = "http://localhost:33418/callback"


@asynccontextmanager
async def mcp_world(redis: Shape, **changes: Any) -> AsyncIterator[tuple[World, str]]:
    """A service that an MCP server trusts, and the URL of that server."""
    port, mcp_port = free_ports(2)
    settings = settings_for(redis.url, issuer=f"http://127.0.0.1:{port}", scopes={SCOPE: "Call tools"}, **changes)
    async with open_issuer(settings) as issuer, in_process(issuer, port=port) as http:
        world = World(issuer, http, redis)
        await world.user()
        await prepare(issuer, mcp_port)
        command = ("-m", "service.dev.mcp_server", "--issuer", settings.issuer, "--port", str(mcp_port))
        server = await asyncio.create_subprocess_exec(sys.executable, *command)
        try:
            await _listening(mcp_port)
            yield world, resource_of(mcp_port)
        finally:
            server.terminate()
            await server.wait()


async def _listening(port: int) -> None:
    async with asyncio.timeout(90):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.1)
            else:
                writer.close()
                return


async def came_back(world: World, authorize: str) -> str:
    """Where the browser of a person goes who signs in and agrees."""
    parts, person = urlsplit(authorize), Person(world)
    return (await person.agree(await person.log_in(await person.get(f"{parts.path}?{parts.query}")))).location


class Storage:
    """What a client keeps."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.client: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.client

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.client = client_info


async def with_python(world: World, server: str, metadata_url: str | None = None) -> dict[str, Any]:
    """What the Python SDK comes to."""
    storage, went = Storage(), asyncio.Queue[str]()

    async def back() -> AuthorizationCodeResult:
        answer = parse_qs(urlsplit(await came_back(world, await went.get())).query)
        return AuthorizationCodeResult(code=answer["code"][0], state=answer["state"][0], iss=answer["iss"][0])

    metadata = OAuthClientMetadata(client_name="Python client", redirect_uris=[CALLBACK])
    provider = OAuthClientProvider(server, metadata, storage, went.put, back, client_metadata_url=metadata_url)
    async with (
        create_mcp_http_client(auth=provider) as http,
        Client(streamable_http_client(server, http_client=http)) as client,
    ):
        added = await client.call_tool("add", {"first": 2, "second": 3})
        first = storage.tokens
        provider.context.token_expiry_time = time.time() - 1  # as it is an hour later
        who = await client.call_tool("who_am_i", {})
    told = {"added": added.content[0].text, "who": who.content[0].text}  # type: ignore[union-attr]
    assert first is not None
    assert storage.tokens is not None
    assert storage.client is not None
    return told | {
        "first": first.model_dump(),
        "second": storage.tokens.model_dump(),
        "client": storage.client.model_dump(mode="json"),
    }


async def with_typescript(world: World, server: str, metadata_url: str | None = None) -> dict[str, Any]:
    """What the TypeScript SDK comes to."""
    command = ("node", "mcp.js", server, CALLBACK, *([metadata_url] if metadata_url else []))
    pipe = asyncio.subprocess.PIPE
    node = await asyncio.create_subprocess_exec(*command, cwd=NODE, stdin=pipe, stdout=pipe)
    assert node.stdin is not None
    assert node.stdout is not None
    async with asyncio.timeout(90):
        asked = json.loads(await node.stdout.readline())
        node.stdin.write((await came_back(world, asked["authorize"])).encode() + b"\n")
        told: dict[str, Any] = json.loads(await node.stdout.readline())
        await node.wait()
    assert told["refreshed"] == "AUTHORIZED"
    return told


SDKS = pytest.mark.parametrize("sign_in", [with_python, with_typescript], ids=["python", "typescript"])


def check(told: dict[str, Any], client_id: str) -> None:
    who = json.loads(told["who"])
    assert (told["added"], who["sub"], who["client_id"]) == ("5", "alice", client_id)
    assert SCOPE in told["first"]["scope"].split()
    assert told["second"]["refresh_token"] != told["first"]["refresh_token"]


@SDKS
@pytest.mark.usefixtures("node_modules")
async def test_a_client_registers_itself(redis: Shape, sign_in: Any) -> None:
    async with mcp_world(redis, registration="open") as (world, server):
        told = await sign_in(world, server)
        check(told, told["client"]["client_id"])
        client = await clients.get_client(world.issuer, told["client"]["client_id"])
        assert (client.was_registered_openly, client.application_type) == (True, "native")


@pytest.fixture
async def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[DocumentHost]:
    async with document_host(tmp_path, monkeypatch) as made:
        yield made


@SDKS
@pytest.mark.usefixtures("node_modules")
async def test_a_client_shows_its_document(redis: Shape, host: DocumentHost, sign_in: Any) -> None:
    """Its client_id is the URL of that, and it registers nowhere."""
    host.members = {
        "redirect_uris": ["http://localhost/callback"],
        "grant_types": ["authorization_code", "refresh_token"],
    }
    settings = {"client_metadata_documents": True, "fetch_private_addresses": True}
    async with mcp_world(redis, **settings) as (world, server):
        told = await sign_in(world, server, host.url)
        check(told, host.url)
        assert host.fetched == 1
