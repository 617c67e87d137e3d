"""/auth/token, /issue and /fail, as Authlete's own SDK calls them."""

import json
from typing import Any
from urllib.parse import urlencode

from authlete.dto import (
    Property,
    TokenRequest,
    TokenResponse,
)

from service.protocol.names import GrantTypeName
from tests.deciding import Backend
from tests.world import SECRET

JWT_BEARER = GrantTypeName.JWT_BEARER.value


async def ask(
    caller: Backend,
    client: tuple[str, str] | None = ("app", SECRET),
    properties: list[Property] | None = None,
    duration: int = 0,
    **form: str,
) -> TokenResponse:
    """/auth/token. ``client``: what came by HTTP Basic."""
    request = TokenRequest()
    request.parameters = urlencode(form)
    if client is not None:
        request.clientId, request.clientSecret = client
    request.properties, request.accessTokenDuration = properties, duration
    return await caller.ask("token", request)


async def password(caller: Backend, **form: Any) -> TokenResponse:
    usual: dict[str, Any] = {"grant_type": "password", "username": "alice", "password": "wonder land&", "scope": "read"}
    return await ask(caller, **(usual | form))


def prop(key: str, value: str, *, hidden: bool = False) -> Property:
    made = Property()
    made.key, made.value, made.hidden = key, value, hidden
    return made


def error_in(response: Any) -> str:
    return str(json.loads(response.responseContent)["error"])
