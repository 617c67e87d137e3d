"""/auth/authorization, /issue and /fail, as Authlete's own SDK calls them."""

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from authlete.dto import (
    AuthorizationFailRequest,
    AuthorizationFailResponse,
    AuthorizationIssueRequest,
    AuthorizationIssueResponse,
    AuthorizationRequest,
    AuthorizationResponse,
)

from tests.deciding import Backend
from tests.world import CALLBACK

BASIC = {"response_type": "code", "client_id": "app", "redirect_uri": CALLBACK, "scope": "openid read", "state": "S"}


async def ask(caller: Backend, sdk: Any = None, **parameters: str) -> AuthorizationResponse:
    """/auth/authorization with the usual parameters and these; empty ones are left out."""
    request = AuthorizationRequest()
    request.parameters = urlencode({name: value for name, value in (BASIC | parameters).items() if value})
    return await caller.ask("authorization", request, sdk=sdk)


async def issue(caller: Backend, ticket: str, sdk: Any = None, **members: Any) -> AuthorizationIssueResponse:
    request = AuthorizationIssueRequest()
    for name, value in {"ticket": ticket, "subject": "alice", **members}.items():
        setattr(request, name, value)
    return await caller.ask("authorizationIssue", request, sdk=sdk)


async def fail(caller: Backend, ticket: str, reason: Any, sdk: Any = None) -> AuthorizationFailResponse:
    request = AuthorizationFailRequest()
    request.ticket, request.reason = ticket, reason
    return await caller.ask("authorizationFail", request, sdk=sdk)


def sent(location: str) -> dict[str, str]:
    """What goes to the client, in the query or the fragment."""
    parts = urlsplit(location)
    return dict(parse_qsl(parts.fragment or parts.query))
