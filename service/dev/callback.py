"""The redirect URI of the demo's client: a page that shows the authorization response, and how to redeem the code."""

from collections.abc import Awaitable, Callable
from html import escape

from aiohttp import web

from service.dev.demo import CALLBACK_PATH, CLIENT_ID, CLIENT_SECRET, sign_in_url

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>{title} · demo</title><link rel="stylesheet" href="/style.css">
<div class="page"><main class="card wide"><h1>{title}</h1>{body}
<p class="fine"><a id="sign-in" href="{sign_in}">Sign in once more</a> ·
<a href="/applications">Your applications</a> · <a href="/logout">Sign out</a></p></main></div>
"""
_HEADERS = {"Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; style-src 'self'"}


def handlers(url: str) -> dict[str, Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]]:
    """Return the handlers by path, for the demo's server at this URL."""

    async def show(request: web.BaseRequest) -> web.StreamResponse:
        title, body = _text(
            url, request.query.get("code"), request.query.get("error"), request.query.get("error_description")
        )
        return web.Response(
            text=_PAGE.format(title=title, body=body, sign_in=escape(sign_in_url(url))),
            content_type="text/html",
            headers=_HEADERS,
        )

    return {CALLBACK_PATH: show}


def _text(url: str, code: str | None, error: str | None, description: str | None) -> tuple[str, str]:
    if error:
        return "The demo got no code", f"<p>{escape(error)}: {escape(description or '')}</p>"
    if not code:
        return "The demo", "<p>Nothing was sent here. After signing in, a code is.</p>"
    form = f"-d grant_type=authorization_code -d redirect_uri={url}{CALLBACK_PATH} -d 'code={code}'"
    command = f"curl -sS -w '\\n' -u {CLIENT_ID}:{CLIENT_SECRET} {form} {url}/token"
    what = "You are signed in, and the demo got a code. Paste this into a shell within a minute, and it has tokens:"
    return "The demo got a code", f"<p>{what}</p><pre class='command'>{escape(command)}</pre>"
