"""A resource server in Starlette: uvicorn --app-dir examples asgi_api:app --port 9000. Its tokens are JWTs.

    .venv/bin/mintmark client create caller --grant-type client_credentials --scope read --audience https://api.example.com \
        --access-token-format jwt
"""

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from mintmark_guard import Guard
from mintmark_guard.asgi import AsgiGuard

guard = Guard("http://127.0.0.1:8080", "https://api.example.com")


async def hello(request: Request) -> JSONResponse:
    token = request.scope["mintmark_token"]
    return JSONResponse({"hello": token.subject, "scopes": sorted(token.scopes)})


app = Starlette(routes=[Route("/", hello)], middleware=[Middleware(AsgiGuard, guard=guard, scopes="read")])
