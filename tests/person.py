"""A user with a browser, over plain HTTP: cookies are kept, forms are filled in, links to clients are not followed."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from service.protocol.pkce import s256
from tests.world import CALLBACK, FORM, VERIFIER, World


@dataclass
class Shown:
    """The final response in a browser: a page of ours, or a redirect to a client."""

    status: int
    text: str
    location: str = ""
    headers: Any = None

    @property
    def heading(self) -> str:
        """Return the text of the h1."""
        return _Parser.of(self.text).heading.strip()

    @property
    def form(self) -> dict[str, str]:
        """Return the fields of the (first) form."""
        return _Parser.of(self.text).fields

    @property
    def action(self) -> str:
        """Return the URL that the (first) form is sent to."""
        return _Parser.of(self.text).action

    @property
    def answer(self) -> dict[str, str]:
        """Return the parameters of the authorization response, in any response mode."""
        if self.location:
            parts = urlsplit(self.location)
            return dict(parse_qsl(parts.fragment or parts.query, strict_parsing=True))
        return self.form

    @property
    def error(self) -> str:
        """Return the error in the authorization response, or on the page."""
        if self.location:
            return self.answer.get("error", "")
        return _Parser.of(self.text).error


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.heading = self.error = self.action = ""
        self.fields: dict[str, str] = {}
        self._in = ""

    @classmethod
    def of(cls, text: str) -> "_Parser":
        parser = cls()
        parser.feed(text)
        return parser

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag == "form" and not self.action:
            self.action = named.get("action", "")
        if tag == "input" and "name" in named:
            self.fields.setdefault(named["name"], named.get("value", ""))
        self._in = "h1" if tag == "h1" else "error" if named.get("id") == "error-code" else self._in

    def handle_endtag(self, _tag: str) -> None:
        self._in = ""

    def handle_data(self, data: str) -> None:
        if self._in == "h1":
            self.heading += data
        if self._in == "error":
            self.error += data


@dataclass
class Person:
    """A user with a browser and its cookies; a second Person is a second browser."""

    world: World
    cookies: dict[str, str] = field(default_factory=dict)
    language: str = "en"

    # requests

    async def get(self, path: str, **query: str) -> Shown:
        """Open a page, following redirects to other pages of ours."""
        return await self._go("GET", f"{path}?{urlencode(query)}" if query else path)

    async def post(self, path: str, form: dict[str, str]) -> Shown:
        """Send a form."""
        return await self._go("POST", path, form)

    async def authorize(self, client_id: str = "app", **request: str) -> Shown:
        """Send an authorization request, by default with PKCE and the usual redirect_uri; "" leaves a parameter out."""
        return await self.get("/authorize", **usual_request(client_id, **request))

    async def submit(self, shown: Shown, **fields: str) -> Shown:
        """Send the form of a page with these fields."""
        return await self.post(shown.action, shown.form | fields)

    async def log_in(self, shown: Shown, username: str = "alice", password: str = "wonderland") -> Shown:
        """Fill in the login page."""
        assert shown.heading == "Sign in", shown.text
        return await self.submit(shown, username=username, password=password)

    async def agree(self, shown: Shown) -> Shown:
        """Say yes on the consent page."""
        assert shown.action.endswith("/consent"), shown.text
        return await self.submit(shown, decision="allow")

    async def sign_in(self, client_id: str = "app", **request: str) -> Shown:
        """Send an authorization request, log in, and consent where the page asks for it."""
        shown = await self.authorize(client_id, **request)
        if not shown.location and shown.action.endswith("/login"):
            shown = await self.log_in(shown)
        if not shown.location and shown.action.endswith("/consent"):
            shown = await self.agree(shown)
        return shown

    # how it is done

    async def _go(self, method: str, path: str, form: dict[str, str] | None = None) -> Shown:
        for _ in range(8):
            headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
            headers["Accept-Language"] = self.language
            body = None
            if form is not None:
                headers["Content-Type"], body = FORM, urlencode(form)
            self.world.http.session.cookie_jar.clear()  # two people share the test client, not the cookies
            response = await self.world.http.request(method, path, headers=headers, data=body, allow_redirects=False)
            text = await response.text()
            self._keep_cookies(response.headers.getall("Set-Cookie", []))
            location = response.headers.get("Location", "")
            if not location.startswith("/"):
                return Shown(response.status, text, location, response.headers)
            method, path, form = "GET", location, None
        raise AssertionError(f"redirects without end: {path}")

    def _keep_cookies(self, lines: list[str]) -> None:
        for line in lines:
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value


def usual_request(client_id: str = "app", **request: str) -> dict[str, str]:
    """Return an authorization request with state, nonce and PKCE; "" leaves a parameter out."""
    wished = {
        "client_id": client_id,
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "scope": "openid",
        "state": "st",
        "nonce": "no",
        "code_challenge": s256(VERIFIER),
        "code_challenge_method": "S256",
    }
    return {name: value for name, value in (wished | request).items() if value}
