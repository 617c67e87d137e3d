"""The guard in servers of MCP's Python SDK, which its own client calls."""

from collections.abc import Callable

import pytest
from aiohttp import ClientSession
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.mcpserver import MCPServer
from mcp.shared._httpx_utils import create_mcp_http_client

from mintmark_guard import Guard, Refused
from mintmark_guard.asgi import AsgiGuard
from mintmark_guard.mcp import McpGuard
from service.protocol.names import AccessTokenFormat
from tests.dpop import Prover
from tests.guard.guarding import API, uvicorn_of
from tests.guard.test_guard_dpop import bound_token
from tests.server_process import free_port
from tests.world import World

KINDS = ["jwks", "introspection"]


@pytest.mark.parametrize("kind", KINDS)
async def test_an_mcp_server(served: World, guards: Callable[..., Guard], kind: str) -> None:
    """The SDK's client calls a tool, and who comes without a token is told where to get one."""
    resource = f"http://127.0.0.1:{(port := free_port())}/mcp"
    await served.client("api", introspect=True, resources=(resource,))
    made = await served.client(audiences=(resource,), access_token_format=AccessTokenFormat.JWT)
    token = (await served.tokens(made, scope="read", audience=(resource,)))["access_token"]
    guard = McpGuard(core := guards(kind, resource), "read")
    server = MCPServer(
        "Greetings", token_verifier=guard, auth=guard.settings, lifespan=guard.lifespan, log_level="WARNING"
    )

    @server.tool()
    def hello() -> str:
        found = get_access_token()
        assert found is not None
        assert found.claims is not None
        return f"{found.subject} by {found.client_id}, {found.claims['scope']}"

    headers = {"Authorization": f"Bearer {token}"}
    async with uvicorn_of(server.streamable_http_app(streamable_http_path="/mcp"), port), ClientSession() as plain:
        async with (
            create_mcp_http_client(headers=headers) as http,
            Client(streamable_http_client(resource, http_client=http)) as client,
        ):
            result = await client.call_tool("hello", {})
            assert result.content[0].text == "alice by app, read"  # type: ignore[union-attr]
        for wrong in ({}, {"Authorization": f"Bearer {token}x"}):
            async with plain.post(resource, json={}, headers=wrong) as answer:
                assert answer.status == 401
                challenge = answer.headers["WWW-Authenticate"]
        where = challenge.partition('resource_metadata="')[2].partition('"')[0]
        document = await (await plain.get(where)).json()
    assert core.issuer._session is None, "closed with the server"
    assert (document["resource"], document["authorization_servers"]) == (resource, [served.issuer.url])
    assert document["scopes_supported"] == ["read"]


async def test_an_mcp_server_refuses_what_it_cannot_check(served: World, guards: Callable[..., Guard]) -> None:
    """A token that is bound to a key; and an outage is no reason to sign in again."""
    assert await McpGuard(guards("jwks")).verify_token(await bound_token(served, Prover())) is None
    away = McpGuard(Guard("http://127.0.0.1:1", API, client_id="api", client_secret="x"))
    with pytest.raises(Refused) as refused:
        await away.verify_token("mm_at_x")
    assert refused.value.status == 503


async def test_an_outage_before_an_mcp_server() -> None:
    """What the pages say of both ways: the SDK makes 500 of it, ``AsgiGuard`` before the server 503."""
    away = Guard("http://127.0.0.1:1", API, client_id="api", client_secret="x")
    inside = McpGuard(away)
    verified = MCPServer("Greetings", token_verifier=inside, auth=inside.settings, log_level="CRITICAL")
    guarded = AsgiGuard(MCPServer("Greetings", log_level="CRITICAL").streamable_http_app(), away)
    answers = []
    for app in (verified.streamable_http_app(), guarded):
        async with (
            uvicorn_of(app) as url,
            ClientSession(headers={"Authorization": "Bearer mm_at_x"}) as plain,
            plain.post(f"{url}/mcp", json={}) as answer,
        ):
            answers.append((answer.status, answer.headers.get("Retry-After")))
    assert answers == [(500, None), (503, "1")]
