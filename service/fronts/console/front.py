"""The front of the console: cookies, forms and errors. All pages are served by ``ConsoleFront``, which makes all checks."""

import hmac
import logging
import re
import secrets
from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web

from service.admin.actor import Actor
from service.admin.errors import AdminError, NotFound
from service.fronts.console import (
    claims,
    clients,
    cookies,
    dashboard,
    grants,
    inspector,
    keys,
    logs,
    outcomes,
    resources,
    session,
    trusts,
    users,
    wizard,
)
from service.fronts.console.pages import ROOT, SIGN_IN, ConsolePage, ConsoleReply, ConsoleRequest, Go, Show, link
from service.fronts.console.rendering import HEADERS, File, Rendering
from service.fronts.console.session import SignedInOperator, WaitError
from service.fronts.methods import Handler, by_method, route
from service.fronts.operator_token import is_private
from service.fronts.peer import Peer, peer_of
from service.fronts.receiving import posted_form, query_form
from service.issuer import Issuer
from service.observe.events import Event
from service.protocol.decision import SERVER
from service.protocol.errors import ProtocolError
from service.records.audit_entry import Way

log = logging.getLogger(__name__)

PAGES: tuple[ConsolePage, ...] = (
    *(*dashboard.PAGES, *clients.PAGES, *wizard.PAGES, *users.PAGES, *claims.PAGES, *grants.PAGES),
    *(*keys.PAGES, *trusts.PAGES, *resources.PAGES, *logs.PAGES, *inspector.PAGES),
)
_COOKIE = "mintmark_operator"
_FIELDS = 256
"""The most fields of a form; that of a client has one for each metadata member, and for each choice of a list."""
_OURS = re.compile(rf"{ROOT}(/[a-z/-]*)?(\?[A-Za-z0-9%&=._~+-]*)?", re.ASCII)
"""The characters of a link to a page of the console."""
_READ = frozenset(f"{ROOT}{page.path}" for page in PAGES if page.get and page.prolongs)
"""The pages to which signing in may redirect: only those that an operator reads."""
_LOADED = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    **SERVER,
}


class RefusedError(Exception):
    """Ends a request with an error page; ``kind`` selects its text in ``error.html``."""

    def __init__(self, kind: str, status: int, text: str = "") -> None:
        super().__init__(kind)
        self.page = Show("error", {"kind": kind, "text": text}, status)


def make_routes(issuer: Issuer) -> list[web.RouteDef]:
    """Return the routes of the console."""
    front = ConsoleFront(issuer)
    table: dict[str, tuple[tuple[str, ...], Handler]] = {
        f"{ROOT}{page.path}": (page.methods, front.page(page)) for page in PAGES
    }
    table |= {SIGN_IN: (("GET", "POST"), front.sign_in), f"{ROOT}/sign-out": (("POST",), front.sign_out)}
    table |= {f"{ROOT}/{name}": (("GET",), _loads(file)) for name, file in front.rendering.files.items()}
    table |= {f"{ROOT}/{{anything:.*}}": (("GET",), front.not_found)}
    return [route(path, by_method(methods, handler, front.refused)) for path, (methods, handler) in table.items()]


def routes_while_off() -> list[web.RouteDef]:
    """Return the routes without an operator's token, which answer that the console is off."""
    text = "The console is off: set admin_tokens (`mintmark admin-token` makes a token).\n"

    async def handle(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text=text, status=404, headers={"Cache-Control": "no-store", **SERVER})

    return [route(path, handle) for path in (ROOT, f"{ROOT}/{{anything:.*}}")]


def _loads(file: File) -> Handler:
    async def handle(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=file.content, content_type=file.content_type, charset="utf-8", headers=_LOADED)

    return handle


class ConsoleFront:
    """The pages for the operators of one issuer."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer
        self.rendering = Rendering(issuer.settings)

    # handlers

    def page(self, page: ConsolePage) -> Handler:
        """Return the handler of a page for signed-in operators."""

        async def handle(http: web.BaseRequest) -> web.StreamResponse:
            return await self._guarded(http, lambda peer: self._visited(http, peer, page))

        return handle

    async def not_found(self, http: web.BaseRequest) -> web.StreamResponse:
        """Answer an unknown path of the console with an error page, or a redirect where only a slash at the end is too much."""
        path = http.path.removesuffix("/")
        if path in _READ:
            return self._response(Go(path), None)
        return self._response(Show("error", {"kind": "not_found", "text": "There is no such page."}, 404), None)

    async def refused(self, _: web.BaseRequest, error: ProtocolError) -> web.StreamResponse:
        """Return an error page with the reason."""
        return self._response(_failed(error), None)

    async def sign_in(self, http: web.BaseRequest) -> web.StreamResponse:
        """Show the form for an operator's token, and sign the operator in."""
        return await self._guarded(http, lambda peer: self._signing_in(http, peer))

    async def sign_out(self, http: web.BaseRequest) -> web.StreamResponse:
        """End the session."""
        return await self._guarded(http, lambda peer: self._signing_out(http, peer))

    # shared steps

    async def _guarded(
        self, http: web.BaseRequest, answer: Callable[[Peer], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Check the transport, and answer every error with a page; an unforeseen one has an id in the log."""
        try:
            peer = peer_of(http, self._issuer.settings)
            if not is_private(peer, self._issuer.settings):
                raise RefusedError("transport", 403)
            return await answer(peer)
        except RefusedError as error:
            reply: ConsoleReply = error.page
        except ProtocolError as error:
            reply = _failed(error)
        except web.HTTPRequestEntityTooLarge:
            reply = Show("error", {"kind": "request", "text": "The form is too large."}, 413)
        except Exception:
            incident = secrets.token_hex(8)
            log.exception(Event.INCIDENT, extra={"incident": incident, "path": http.path})
            reply = Show("error", {"kind": "incident", "text": incident}, 500)
        return self._response(reply, None)

    async def _visited(self, http: web.BaseRequest, peer: Peer, page: ConsolePage) -> web.StreamResponse:
        handler = page.post if http.method == "POST" else page.get
        assert handler is not None  # noqa: S101 (for mypy: the table has its methods)
        signed = await session.read(self._issuer, self._cookie(http, peer), prolongs=page.prolongs)
        if signed is None:
            return self._response(Go(_back_to(http)), None)
        try:
            parameters = await self._parameters(http, signed)
            actor = Actor(signed.operator, Way.CONSOLE, peer.address)
            reply = await handler(ConsoleRequest(self._issuer, actor, parameters, outcomes.read(http, peer)))
        except RefusedError as error:
            reply = error.page
        except NotFound as error:
            reply = Show("error", {"kind": "not_found", "text": _without_commands(error)}, 404)
        except AdminError as error:
            reply = Show("error", {"kind": "refused", "text": _without_commands(error)}, 409)
        except ProtocolError as error:
            reply = _failed(error)
        response = self._response(reply, signed)
        if page.prolongs:
            outcomes.keep(http, peer, response, reply.outcome if isinstance(reply, Go) else {})
        return response

    async def _signing_in(self, http: web.BaseRequest, peer: Peer) -> web.StreamResponse:
        form = (await posted_form(http, _FIELDS) if http.method == "POST" else query_form(http)).parameters
        onward = form.get("next", "") if _is_ours(form.get("next", "")) else ROOT
        values = {"next": onward, "fault": "", "wait": 0}
        if http.method != "POST":
            return self._response(Show("sign_in", values), None)
        _check_origin(http)
        try:
            signed = await session.sign_in(self._issuer, form.get("token", "").strip(), peer.address)
        except WaitError as error:
            return self._response(Show("sign_in", values | {"fault": "wait", "wait": error.seconds}, 429), None)
        if signed is None:
            log.warning(Event.OPERATOR_REFUSED, extra={"address": peer.address})
            return self._response(Show("sign_in", values | {"fault": "wrong"}, 403), None)
        await session.end(self._issuer, self._cookie(http, peer))
        log.info(Event.OPERATOR_SIGNED_IN, extra={"operator": signed.operator, "address": peer.address})
        response = self._response(Go(onward), None)
        response.headers.add("Set-Cookie", cookies.written(_COOKIE, peer, signed.cookie))
        return response

    async def _signing_out(self, http: web.BaseRequest, peer: Peer) -> web.StreamResponse:
        signed = await session.read(self._issuer, self._cookie(http, peer), prolongs=False)
        if signed is not None:
            await self._parameters(http, signed)
            await session.end(self._issuer, signed.cookie)
            log.info(Event.OPERATOR_SIGNED_OUT, extra={"operator": signed.operator})
        response = self._response(Go(SIGN_IN), None)
        response.headers.add("Set-Cookie", cookies.written(_COOKIE, peer, ""))
        return response

    async def _parameters(self, http: web.BaseRequest, signed: SignedInOperator) -> dict[str, str]:
        """Return the parameters of the query, or of a form after its CSRF checks. Raises RefusedError, InvalidRequest."""
        if http.method != "POST":
            return query_form(http).parameters
        _check_origin(http)
        parameters = (await posted_form(http, _FIELDS)).parameters
        if not hmac.compare_digest(parameters.pop("csrf", "").encode("utf-8", "replace"), signed.csrf.encode()):
            raise RefusedError("stale", 403)
        return parameters

    def _cookie(self, http: web.BaseRequest, peer: Peer) -> str:
        return http.cookies.get(cookies.name(_COOKIE, peer), "")

    def _response(self, reply: ConsoleReply, signed: SignedInOperator | None) -> web.Response:
        if isinstance(reply, Go):
            return web.Response(status=303, headers={"Location": reply.location, "Cache-Control": "no-store", **SERVER})
        operator, csrf = (signed.operator, signed.csrf) if signed else ("", "")
        content = self.rendering.render(reply, operator, csrf)
        headers = {**HEADERS, **SERVER, **_retry_after(reply), **reply.headers}
        return web.Response(body=content, status=reply.status, headers=headers)


def _without_commands(error: AdminError) -> str:
    """Return the text of an error without advice for the command line ("; `mintmark client list` shows all")."""
    text = str(error).partition("; `mintmark")[0]
    return f"{text[:1].upper()}{text[1:]}."


def _retry_after(reply: Show) -> dict[str, str]:
    return {"Retry-After": str(reply.values.get("wait") or 1)} if reply.status in (429, 503) else {}


def _failed(error: ProtocolError) -> Show:
    if error.status == 503:
        log.warning(Event.CONSOLE_UNAVAILABLE, extra={"reason": error.log})
        return Show("error", {"kind": "unavailable", "text": ""}, 503)
    return Show("error", {"kind": "request", "text": error.description}, error.status, error.headers)


def _check_origin(http: web.BaseRequest) -> None:
    """Refuse forms from other sites, before the form itself is read. Raises RefusedError."""
    site, origin = http.headers.get("Sec-Fetch-Site"), http.headers.get(hdrs.ORIGIN)
    if site is not None and site != "same-origin":
        raise RefusedError("foreign", 403)
    if site is None and origin is not None and origin.partition("://")[2] != http.host:
        raise RefusedError("foreign", 403)


def _back_to(http: web.BaseRequest) -> str:
    """Return the link to sign in, and then to the requested page."""
    wanted = http.path_qs if http.method == "GET" and len(http.path_qs) < 1000 else ROOT
    if not _is_ours(wanted) or wanted == ROOT:
        return SIGN_IN
    return link("/sign-in", next=wanted)


def _is_ours(wanted: str) -> bool:
    return bool(_OURS.fullmatch(wanted)) and wanted.partition("?")[0] in _READ
