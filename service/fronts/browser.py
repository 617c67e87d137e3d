"""The browser front: it turns requests of browsers into a ``Visit``, and a ``Reply`` into HTTP, HTML and cookies."""

import logging
import re
import secrets
from http.cookies import SimpleCookie
from typing import NamedTuple
from urllib.parse import urlencode

from aiohttp import hdrs, web

from service.directory import KNOWN_FOR
from service.endpoints import ENDPOINTS
from service.endpoints.applications import PATH as APPLICATIONS_PATH
from service.endpoints.browser_session import failed
from service.endpoints.endpoint import BrowserEndpoint
from service.fronts import oauth
from service.fronts.methods import Handler, by_method
from service.fronts.pages import Pages, load_hook
from service.fronts.peer import peer_of
from service.fronts.receiving import check_transport, note_sender, posted_form, query_form
from service.issuer import Issuer
from service.observe.current import note_address
from service.observe.events import Event
from service.protocol.browsing import Page, Redirect, Reply, Visit
from service.protocol.decision import SERVER
from service.protocol.errors import InvalidRequest, ProtocolError
from service.protocol.quality_values import media_types, quality_values

log = logging.getLogger(__name__)

STYLE_PATH = "/style.css"
OWN_PATHS = (STYLE_PATH, "/")
"""The paths of this front besides the endpoints."""
_SESSION, _BROWSER, _DEVICE = "mintmark_session", "mintmark_browser", "mintmark_device"
_COOKIE = re.compile(r"[A-Za-z0-9_-]{1,100}", re.ASCII)
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*")
_MOST_LANGUAGES = 10
_FRAMES = frozenset({"iframe", "frame", "embed", "object"})
"""Values of Sec-Fetch-Dest for a page inside another one (Fetch Metadata 2.1); browsers set them, scripts cannot."""
_MOST_IN_URL = 6000
"""The most bytes of a query in a redirect; a longer POST is answered without one."""


class _Cookie(NamedTuple):
    """A cookie of ours. Its ``lifetime`` is in seconds; 0: until the browser ends."""

    name: str
    secure: bool
    lifetime: int = 0

    def value(self, http: web.BaseRequest) -> str:
        found = http.cookies.get(self.name, "")
        return found if _COOKIE.fullmatch(found) else ""

    def header(self, value: str) -> str:
        """Return the value of Set-Cookie; an empty value deletes the cookie (RFC 6265)."""
        cookie: SimpleCookie = SimpleCookie()
        cookie[self.name] = value
        morsel = cookie[self.name]
        morsel["path"], morsel["httponly"], morsel["samesite"] = "/", True, "Lax"
        if self.secure:
            morsel["secure"] = True
        if not value or self.lifetime:
            morsel["max-age"] = self.lifetime if value else 0
        return morsel.OutputString()


class Front:
    """The pages of one issuer. Raises ValueError for invalid templates or an invalid hook of the operator."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer
        self._pages = Pages(issuer.settings)
        self._hook = load_hook(issuer.settings.page_hook)
        self._prefix = issuer.settings.issuer_path
        self._endpoints = {
            path: endpoint
            for endpoint in ENDPOINTS.values()
            if isinstance(endpoint, BrowserEndpoint) and endpoint.is_on(issuer)
            for path in endpoint.paths(issuer.settings)
        }
        prefixes = issuer.settings.path_prefixes
        self._page_paths = frozenset(prefix + path for prefix in prefixes for path in self._endpoints)
        self._style, _ = self._pages.style()
        # Without TLS (on this machine only) browsers refuse the prefix that ties a cookie to one host.
        secure = issuer.settings.issuer_is_https
        self._session = _Cookie(("__Host-" if secure else "") + _SESSION, secure)
        self._browser = _Cookie(("__Host-" if secure else "") + _BROWSER, secure)
        self._device = _Cookie(("__Host-" if secure else "") + _DEVICE, secure, KNOWN_FOR)

    def handlers(self) -> dict[str, Handler]:
        """Return the handler of every path."""
        style, home = by_method(("GET",), self.style, self.refused), by_method(("GET",), self.home, self.refused)
        table: dict[str, Handler] = {}
        for prefix in self._issuer.settings.path_prefixes:
            table |= {prefix + path: self.endpoint(path, endpoint) for path, endpoint in self._endpoints.items()}
            table |= {prefix + STYLE_PATH: style, prefix + "/": home, prefix or "/": home}
        return table

    def endpoint(self, path: str, endpoint: BrowserEndpoint) -> Handler:
        """Return the handler of one path."""
        name, again = endpoint.name, endpoint.posted_by_clients

        async def handle(http: web.BaseRequest) -> web.StreamResponse:
            visit, headers = _nothing_sent(http), dict[str, str]()
            try:
                visit = await self._visit(http)
                reply = (self._by_get(path, visit) if again else None) or await endpoint.handle(self._issuer, visit)
            except ProtocolError as error:
                await note(http, error)
                reply, headers = Reply(failed(error)), error.headers
            except web.HTTPRequestEntityTooLarge:
                too_large = InvalidRequest("The form is too large.", status=413)
                await note(http, too_large)
                reply = Reply(failed(too_large))
            except Exception as error:  # noqa: BLE001 (not foreseen: an incident)
                self._issuer.metrics.refusal(name, "server_error", "incident")
                reply = _incident(path, error)
            response = await self._response(visit, reply)
            response.headers.update(headers)
            return response

        async def note(http: web.BaseRequest, error: ProtocolError) -> None:
            await note_sender(self._issuer, http, error)
            self._issuer.refusals.record(name, error)

        async def refused(http: web.BaseRequest, error: ProtocolError) -> web.StreamResponse:
            await note(http, error)
            return await self.refused(http, error)

        return by_method(endpoint.methods(self._issuer.settings), handle, refused, head=endpoint.head)

    async def refused(self, http: web.BaseRequest, error: ProtocolError) -> web.Response:
        """Return an error page with the reason."""
        response = await self._response(_nothing_sent(http), Reply(failed(error)))
        response.headers.update(error.headers)
        return response

    async def not_found(self, http: web.BaseRequest) -> web.StreamResponse:
        """Answer an unknown path with a page, or with a redirect where only a slash at the end is too much."""
        path = http.path.removesuffix("/")
        if path in self._page_paths and http.method in ("GET", "HEAD"):
            query = f"?{http.rel_url.raw_query_string}" if http.rel_url.raw_query_string else ""
            return web.Response(status=308, headers={"Location": path + query, **SERVER})
        if not media_types(http.headers.getall(hdrs.ACCEPT, ())).get("text/html"):
            return await oauth.not_found(http)
        return await self._response(_nothing_sent(http), Reply(_error_page("not_found", 404)))

    def malformed(self, error: ProtocolError) -> web.Response:
        """Answer a malformed request: with a page where the URL or cookies of a browser are too long, otherwise with JSON."""
        if error.status not in (414, 431):
            return oauth.rendered(error)
        shown = self._pages.render(_error_page("too_long", error.status, error.description), (), prefix=self._prefix)
        return web.Response(body=shown.content, status=shown.status, headers={**shown.headers, **SERVER})

    async def style(self, _: web.BaseRequest) -> web.StreamResponse:
        """Return the stylesheet; its URL changes with its content, so browsers may cache it."""
        headers = {
            "Cache-Control": "public, max-age=31536000, immutable",
            "X-Content-Type-Options": "nosniff",
            **SERVER,
        }
        return web.Response(body=self._style, content_type="text/css", charset="utf-8", headers=headers)

    async def home(self, _: web.BaseRequest) -> web.StreamResponse:
        """Redirect to the applications page, which a user without a request most likely wants to see."""
        return web.Response(status=303, headers={"Location": self._prefix + APPLICATIONS_PATH, **SERVER})

    async def _visit(self, http: web.BaseRequest) -> Visit:
        peer = peer_of(http, self._issuer.settings)
        note_address(peer.address)
        check_transport(peer, self._issuer.settings)
        form = await posted_form(http) if http.method == "POST" else query_form(http)
        return Visit(
            "GET" if http.method == "HEAD" else http.method,
            form.parameters,
            form.resources,
            session=self._session.value(http),
            browser=self._browser.value(http),
            device=self._device.value(http),
            address=peer.address,
            languages=_languages(http),
            user_agent=http.headers.get(hdrs.USER_AGENT, "")[:200],
            framed=http.headers.get("Sec-Fetch-Dest", "") in _FRAMES,
        )

    def _by_get(self, path: str, visit: Visit) -> Reply | None:
        """Redirect a POST from another site to a GET, which has our cookies; the POST has none (SameSite=Lax)."""
        if not visit.is_post or visit.session or visit.browser:
            return None
        query = urlencode([*visit.parameters.items(), *(("resource", one) for one in visit.resources)])
        return Reply(Redirect(f"{self._prefix}{path}?{query}")) if len(query) <= _MOST_IN_URL else None

    async def _response(self, visit: Visit, reply: Reply) -> web.Response:
        what, extra = reply.what, dict[str, str]()
        if self._hook is not None and isinstance(what, Page):
            what = await self._hook(what, visit, extra) or what
        if isinstance(what, Redirect):
            headers = {"Location": what.location, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
            response = web.Response(status=303, headers={**headers, **SERVER, **extra})
        else:
            shown = self._pages.render(what, (*reply.languages, *visit.languages), prefix=self._prefix)
            response = web.Response(
                body=shown.content, status=shown.status, headers={**shown.headers, **SERVER, **extra}
            )
        cookies = ((self._session, reply.session), (self._browser, reply.browser), (self._device, reply.device))
        for cookie, value in cookies:
            if value is not None:
                response.headers.add("Set-Cookie", cookie.header(value))
        return response


def _nothing_sent(http: web.BaseRequest) -> Visit:
    """Return a visit that has only the languages of the request."""
    return Visit(http.method, {}, languages=_languages(http))


def _error_page(kind: str, status: int, description: str = "") -> Page:
    """Return an error page with texts of its own (``error_<kind>``)."""
    page = failed(InvalidRequest(description, status=status))
    return Page(page.name, {**page.values, "kind": kind, "error": ""}, status)


def _languages(http: web.BaseRequest) -> tuple[str, ...]:
    """Return the languages of Accept-Language, the preferred one first (RFC 9110 section 12.5.4)."""
    weights = quality_values(http.headers.getall(hdrs.ACCEPT_LANGUAGE, ()))
    found = [tag for tag, weight in weights.items() if weight and _LANGUAGE.fullmatch(tag)][:_MOST_LANGUAGES]
    return tuple(sorted(found, key=weights.__getitem__, reverse=True))


def _incident(path: str, error: Exception) -> Reply:
    """Answer an unforeseen exception with an id for the user; everything else goes to the log."""
    incident = secrets.token_hex(8)
    log.error(Event.INCIDENT, exc_info=error, extra={"incident": incident, "path": path})
    values = {"kind": "incident", "error": "server_error", "description": "", "incident": incident}
    return Reply(Page("error", values, 500))
