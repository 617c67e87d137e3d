"""An MCP server whose clients bring Mintmark's tokens: uvicorn --app-dir examples mcp_api:app --port 9000 (pip install mcp).

.venv/bin/mintmark resource create http://127.0.0.1:9000/mcp --scope mcp:tools --token-format jwt --self-registered
"""

from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.mcpserver import MCPServer

from mintmark_guard import Guard
from mintmark_guard.mcp import McpGuard

guard = McpGuard(Guard("http://127.0.0.1:8080", "http://127.0.0.1:9000/mcp"), "mcp:tools")
server = MCPServer("Greetings", token_verifier=guard, auth=guard.settings, lifespan=guard.lifespan)


@server.tool()
def hello() -> str:
    """Say hello to whom the token is of."""
    token = get_access_token()
    return f"Hello, {token.subject if token else 'nobody'}"


app = server.streamable_http_app(streamable_http_path="/mcp")
