"""An operator at the console, over plain HTTP: cookies are kept, forms are filled in, redirects are followed."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from html import unescape
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode

from aiohttp.test_utils import TestClient, TestServer

from service.fronts.health import Health
from service.fronts.operators import make_application
from tests.person import Shown
from tests.world import FORM, World, settings_for

TOKEN = "console-token-of-alice-0123456789abcdef"
TOKENS = {"alice": TOKEN, "bob": "console-token-of-bob-00123456789abcdef"}
COOKIE = "mintmark_operator"

Port = TestClient[Any, Any]
"""A client of the operators' port."""


@dataclass
class Operator:
    """An operator's browser with its cookies; every request has its ``headers``."""

    world: World
    http: Port
    name: str = "alice"
    cookies: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    set_cookies: list[str] = field(default_factory=list)

    async def sign_in(self, token: str = "") -> Shown:
        """Sign in with the token of this name."""
        return await self.send("/console/sign-in", token=token or TOKENS[self.name])

    async def get(self, path: str, **query: str) -> Shown:
        """Open a page, following redirects."""
        return await self._go("GET", f"{path}?{urlencode(query)}" if query else path)

    async def send(self, path: str, **form: str) -> Shown:
        """Send a form as it is given."""
        return await self._go("POST", path, form)

    async def post(self, path: str, **form: str) -> Shown:
        """Send a form with the CSRF token of this session."""
        return await self.send(path, csrf=await self.csrf(), **form)

    async def csrf(self) -> str:
        """Return the CSRF token of this session's forms."""
        return field_of(await self.get("/console/clients/new?kind=web"), "csrf")

    async def _go(self, method: str, path: str, form: dict[str, str] | None = None) -> Shown:
        for _ in range(5):
            headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()), **self.headers}
            body = None
            if form is not None:
                headers["Content-Type"], body = FORM, urlencode(form)
            self.http.session.cookie_jar.clear()
            response = await self.http.request(method, path, headers=headers, data=body, allow_redirects=False)
            text = await response.text()
            self._keep_cookies(response.headers.getall("Set-Cookie", []))
            location = response.headers.get("Location", "")
            if response.status != 303:
                return Shown(response.status, text, location, response.headers)
            assert location.startswith("/console"), location
            method, path, form = "GET", location, None
        raise AssertionError(f"redirects without end: {path}")

    def _keep_cookies(self, lines: list[str]) -> None:
        self.set_cookies += lines
        for line in lines:
            for name, morsel in SimpleCookie(line).items():
                if morsel["max-age"] == "0":
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value


@asynccontextmanager
async def operators_port(world: World, **settings: Any) -> AsyncIterator[Port]:
    """The operators' port of this world."""
    given = {"admin_tokens": TOKENS, "admin_port": 0, **settings}
    changed = settings_for(world.redis.url, **given)
    issuer = replace(world.issuer, settings=changed, url=changed.issuer)
    server = TestServer(make_application(issuer, Health(issuer)))
    async with TestClient(server) as http:
        yield http


def field_of(shown: Shown, name: str) -> str:
    """Return the value of a field that is hidden or filled in."""
    found = re.search(rf'<input[^>]*name="{re.escape(name)}"[^>]*value="([^"]*)"', shown.text)
    assert found, f"there is no field {name}: {shown.text[:3000]}"
    return unescape(found[1])


def text_of(shown: Shown) -> str:
    """Return the text of a page without tags, with blanks collapsed."""
    visible = re.sub(r"<(script|style|head)\b.*?</\1>", " ", shown.text, flags=re.DOTALL)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", visible))).strip()
