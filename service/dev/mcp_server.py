"""A small MCP server behind the guard: ``python -m service.dev.mcp_server``. Its clients register and sign in by themselves.

Needs the extra ``mcp``, the Python SDK of MCP.
"""

import argparse

import uvicorn
from mcp.server.mcpserver import Context, MCPServer
from starlette.types import ASGIApp

from mintmark_guard import Guard
from mintmark_guard.asgi import AsgiGuard
from service.dev.mcp_demo import PATH, SCOPE, resource_of


def make_server() -> MCPServer:
    """Make an MCP server with two tools."""
    instructions = "Adds numbers, and says who you are."
    server = MCPServer("Mintmark demo", instructions=instructions, log_level="WARNING")

    @server.tool()
    def add(first: int, second: int) -> int:
        """Add two numbers."""
        return first + second

    @server.tool()
    def who_am_i(context: Context) -> dict[str, str]:
        """Say whom the access token stands for."""
        request = context.request_context.request
        claims = request.scope["mintmark_token"].claims if request is not None else {}
        return {name: str(claims.get(name, "")) for name in ("sub", "client_id", "scope")}

    return server


def guarded(server: MCPServer, issuer: str, resource: str) -> ASGIApp:
    """Put the guard before the server; it accepts JWTs of this issuer for this resource, and serves the metadata for that."""
    guard = Guard(issuer, resource, metadata={"resource_name": "Mintmark demo", "scopes_supported": [SCOPE]})
    return AsgiGuard(server.streamable_http_app(streamable_http_path=PATH), guard, {SCOPE})


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser(prog="python -m service.dev.mcp_server")
    parser.add_argument("--issuer", required=True)
    parser.add_argument("--port", type=int, required=True)
    given = parser.parse_args()
    application = guarded(make_server(), given.issuer, resource_of(given.port))
    uvicorn.run(application, host="127.0.0.1", port=given.port, log_level="warning")


if __name__ == "__main__":
    main()
