"""The guard in FastAPI: a dependency, with the security scheme for OpenAPI and its pages."""

from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, HTTPException, Response, Security, WebSocketException
from fastapi.openapi.models import OAuth2, OAuthFlowAuthorizationCode, OAuthFlowClientCredentials, OAuthFlows
from fastapi.requests import HTTPConnection
from fastapi.security import SecurityScopes
from fastapi.security.base import SecurityBase

from mintmark_guard.asgi import CHECKED_BY, request_of
from mintmark_guard.guard import Guard
from mintmark_guard.needed import Needed, of_words
from mintmark_guard.resource_metadata import HEADERS
from mintmark_guard.verdict import Refused, Token

Dependency = Callable[..., Coroutine[Any, Any, Token]]


class FastAPIGuard:
    """A guard for operations: ``token: Annotated[Token, Depends(guard.needs("read"))]``, or ``dependencies=[Depends(…)]``.

    Args:
        guard: Checks the tokens.
        scopes: Descriptions of scopes in OpenAPI, by scope. Those that operations need are listed in any case.
    """

    def __init__(self, guard: Guard, scopes: Mapping[str, str] | None = None) -> None:
        self.guard = guard
        self._dependencies: dict[Needed, Dependency] = {}
        self.scheme = OAuth2Scheme(guard, scopes or {})
        self.router = APIRouter(lifespan=self.lifespan)
        """The router for ``app.include_router``, which serves the API's metadata (RFC 9728), and runs the guard."""
        if guard.metadata is not None:
            content = guard.metadata.content
            self.router.add_api_route(
                guard.metadata.path,
                lambda: Response(content, headers=HEADERS),
                methods=["GET", "HEAD"],
                include_in_schema=False,
            )

    @asynccontextmanager
    async def lifespan(self, _: FastAPI) -> AsyncIterator[None]:
        """Start the guard with the application, and close it. Raises MisconfiguredError."""
        await self.guard.start()
        try:
            yield
        finally:
            await self.guard.close()

    def needs(self, *scopes: str, acr_values: Collection[str] = (), max_age: int | None = None) -> Dependency:
        """Return a dependency that lets in only requests whose token meets these requirements; its value is the token.

        ``Security(guard.needs(), scopes=["read"])`` adds scopes, too. A refused WebSocket is closed before it is accepted.
        Equal arguments return the same dependency, so that tests can replace it in ``app.dependency_overrides``.

        Args:
            scopes: The token must have all of these.
            acr_values: The user must have signed in by one of these (RFC 9470).
            max_age: The most seconds since the user signed in; None = any number.
        """
        needed = of_words(scopes, acr_values, max_age)
        if needed in self._dependencies:
            return self._dependencies[needed]
        self.scheme.add(needed.scopes)
        documented = Security(self.scheme, scopes=sorted(needed.scopes))

        async def check(
            connection: HTTPConnection,
            response: Response,
            security: SecurityScopes,
            _: Annotated[None, documented],
        ) -> Token:
            try:
                token = await self._checked(connection, needed | of_words(security.scopes, (), None))
            except Refused as refused:
                if connection.scope["type"] == "websocket":
                    raise WebSocketException(1008, refused.error) from refused
                detail = {"error": refused.error or "unauthorized", "error_description": refused.description}
                raise HTTPException(refused.status, detail, refused.headers) from refused
            response.headers.update(self.guard.headers())
            return token

        self._dependencies[needed] = check
        return check

    async def _checked(self, connection: HTTPConnection, needed: Needed) -> Token:
        """Check the token and its proof once per request; later dependencies only check their own requirements."""
        scope, sent = connection.scope, request_of(connection.scope)
        is_checked = scope.get(CHECKED_BY) is self.guard
        if is_checked:
            token: Token = scope["mintmark_token"]
            return self.guard.check_again(token, sent, needed)
        token = await self.guard.check_request(sent, needed)
        scope["mintmark_token"], scope[CHECKED_BY] = token, self.guard
        return token


class OAuth2Scheme(SecurityBase):
    """The security scheme ``oauth2`` of OpenAPI, with the endpoints that the issuer's discovery document names."""

    def __init__(self, guard: Guard, scopes: Mapping[str, str]) -> None:
        self.scheme_name = "oauth2"
        self._guard, self._scopes = guard, dict(scopes)

    def add(self, scopes: Collection[str]) -> None:
        """Name further scopes."""
        for scope in sorted(scopes):
            self._scopes.setdefault(scope, "")

    async def __call__(self) -> None:
        """Check nothing, as the dependency checks."""

    @property
    def model(self) -> OAuth2:  # type: ignore[override]  # an attribute there
        """The scheme, with the default paths of Mintmark until the discovery document was read."""
        url, found = self._guard.issuer.url.rstrip("/"), self._guard.issuer.known
        token_url = str(found.get("token_endpoint", f"{url}/token"))
        grant_types = found.get("grant_types_supported", ["authorization_code", "client_credentials"])
        code = OAuthFlowAuthorizationCode(
            authorizationUrl=str(found.get("authorization_endpoint", f"{url}/authorize")),
            tokenUrl=token_url,
            scopes=self._scopes,
        )
        credentials = OAuthFlowClientCredentials(tokenUrl=token_url, scopes=self._scopes)
        flows = OAuthFlows(
            authorizationCode=code if "authorization_code" in grant_types else None,
            clientCredentials=credentials if "client_credentials" in grant_types else None,
        )
        return OAuth2(flows=flows, description=f"Access tokens of {self._guard.issuer.url} for {self._guard.audience}")
