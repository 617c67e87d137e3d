"""The guard in servers of MCP's Python SDK (2.3 or newer): a ``TokenVerifier``, and the settings that go with it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mcp.server.auth.provider import AccessToken
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import MCPServer

from mintmark_guard.dpop import SentRequest
from mintmark_guard.guard import Guard
from mintmark_guard.needed import NOTHING
from mintmark_guard.verdict import Refused


class McpGuard:
    """A ``TokenVerifier``: ``MCPServer("Orders", token_verifier=guard, auth=guard.settings, lifespan=guard.lifespan)``.

    The SDK serves the metadata (RFC 9728). It passes on only the token of a request, so that tokens that are bound to a key
    or a certificate are refused, and lets a verifier say "invalid" alone: where the token service cannot be asked it answers
    500. ``mintmark_guard.asgi.AsgiGuard`` before the server takes those tokens, and answers 503 with ``Retry-After``.

    Args:
        guard: Checks the tokens; its audience is the URL of the MCP server.
        scopes: Required of every request.
    """

    def __init__(self, guard: Guard, *scopes: str) -> None:
        self._guard = guard
        # From texts, as a URL object of pydantic would end in a slash, and name another issuer.
        self.settings = AuthSettings.model_validate(
            {
                "issuer_url": guard.issuer.url,
                "resource_server_url": guard.audience,
                "required_scopes": list(scopes) or None,
                "validate_token_resource": True,
            }
        )
        """The settings for ``auth`` of the server."""

    @asynccontextmanager
    async def lifespan(self, _: MCPServer[dict[str, object]]) -> AsyncIterator[dict[str, object]]:
        """Start and close the guard with the server. A server with a lifespan of its own enters this one in it."""
        await self._guard.start()
        try:
            yield {}
        finally:
            await self._guard.close()

    async def verify_token(self, token: str) -> AccessToken | None:
        """Check a token; None for an invalid one. Raises Refused (503) where the token service cannot be asked."""
        sent = SentRequest("POST", self._guard.audience, [("authorization", f"Bearer {token}")])
        try:
            found = await self._guard.check_request(sent, NOTHING)
        except Refused as refused:
            if refused.status == 503:
                raise
            return None
        expires = found.claims.get("exp")
        return AccessToken(
            token=token,
            client_id=found.client_id,
            scopes=sorted(found.scopes),
            expires_at=int(expires) if isinstance(expires, int | float) else None,
            resource=self._guard.audience,
            subject=found.subject or None,
            claims=dict(found.claims),
        )
