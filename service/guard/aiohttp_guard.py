"""The guard before aiohttp handlers."""

from collections.abc import Awaitable, Callable, Collection

from aiohttp import web

from service.guard.guard import Guard, Refused, Token

TOKEN: web.RequestKey[Token] = web.RequestKey("mintmark_token", Token)
"""``request[TOKEN]``: the token of a request that was let in."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Middleware = Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]


def aiohttp_guard(guard: Guard, scopes: Collection[str] = (), *, open_paths: Collection[str] = ()) -> Middleware:
    """Let in only who holds a token with all these scopes; ``open_paths``: exact paths that are for everybody."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path not in open_paths:
            try:
                request[TOKEN] = await guard.check(request.headers.get("Authorization"), scopes)
            except Refused as refused:
                return web.Response(
                    body=refused.body, status=refused.status, headers=refused.headers, content_type="application/json"
                )
        return await handler(request)

    return check
