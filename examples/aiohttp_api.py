"""A resource server in aiohttp that takes Mintmark's tokens: python examples/aiohttp_api.py, beside make run.

export MINTMARK_SECRETS_DIR="$PWD/.mintmark"
echo api-secret | .venv/bin/mintmark client create api --introspect --resource https://api.example.com --secret-stdin
.venv/bin/mintmark client create caller --grant-type client_credentials --scope read --audience https://api.example.com
.venv/bin/python examples/aiohttp_api.py
curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:9000/
"""

from pathlib import Path

from aiohttp import web

from mintmark_guard import Guard
from mintmark_guard.aiohttp import TOKEN, aiohttp_guard, guarding

REDIS_URL = Path(".mintmark/redis_url").read_text()
guard = Guard(
    "http://127.0.0.1:8080",
    "https://api.example.com",
    client_id="api",
    client_secret="api-secret",  # noqa: S106
    redis_url=REDIS_URL,
)


async def hello(request: web.Request) -> web.Response:
    token = request[TOKEN]
    return web.json_response({"hello": token.subject or token.client_id, "scopes": sorted(token.scopes)})


app = web.Application(middlewares=[aiohttp_guard(guard, {"read"})])
app.router.add_get("/", hello)
app.cleanup_ctx.append(guarding(guard))

if __name__ == "__main__":
    web.run_app(app, host="127.0.0.1", port=9000)
