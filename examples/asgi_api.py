"""The same as ASGI, by keys alone: any ASGI server runs it (uvicorn examples.asgi_api:app); its tokens are JWTs.

    .venv/bin/mintmark client create caller --grant-type client_credentials --scope read --audience https://api.example.com \
        --access-token-format jwt
"""

import json

from service.guard import AsgiGuard, Guard
from service.guard.asgi_guard import Receive, Scope, Send


async def hello(scope: Scope, _receive: Receive, send: Send) -> None:
    token = scope["mintmark_token"]
    body = json.dumps({"hello": token.subject, "scopes": sorted(token.scopes)}).encode()
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


app = AsgiGuard(hello, Guard.by_jwks("http://127.0.0.1:8080", "https://api.example.com"), {"read"})
