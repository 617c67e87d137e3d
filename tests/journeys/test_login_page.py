"""The page of docs/how-to/login-page.md, as it stands there (other ports), against a real service process."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from aiohttp import ClientSession, CookieJar

from tests.pages import Page, Shell
from tests.server_process import ServerProcess, free_port
from tests.world import CALLBACK, FORM, World

pytestmark = pytest.mark.slow

PAGE = Page("how-to/login-page.md")
ASKED = {"response_type": "code", "client_id": "app", "redirect_uri": CALLBACK, "scope": "openid"}


@pytest.fixture
async def page(world: World, tmp_path: Path) -> AsyncIterator[str]:
    """The login page, served by Flask; its readiness is a path that Flask has not."""
    await world.openid_client()
    keys = json.loads(re.findall(r"MINTMARK_DECISION_API_KEYS='(.+?)'", PAGE.text)[0])
    admin_port, port = free_port(), free_port()
    code = PAGE.block("python").replace("127.0.0.1:8081", f"127.0.0.1:{admin_port}")
    ready = '\n\n@app.get("/readyz")\ndef readyz():\n    return "ok"\n'
    (tmp_path / "login_page.py").write_text(code + ready)
    settings: dict[str, Any] = {"admin_port": admin_port, "decision_api_keys": json.dumps(keys), "master_key": "m" * 32}
    async with ServerProcess(tmp_path, redis_url=world.redis.url, **settings):
        url = f"http://127.0.0.1:{port}"
        async with Shell(tmp_path).running(f"flask --app login_page run --port {port}", url):
            yield url


async def test_the_login_page_signs_people_in(world: World, page: str) -> None:
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as http:

        async def answered(path: str, **form: str) -> dict[str, str]:
            headers = {"Content-Type": FORM}
            method = "POST" if form else "GET"
            response = await http.request(
                method, page + path, data=urlencode(form) or None, headers=headers, allow_redirects=False
            )
            assert response.status == 302, await response.text()
            return dict(parse_qsl(urlsplit(response.headers["Location"]).query))

        authorize = "/authorize?" + urlencode(ASKED)
        assert "The App wants to know" in await (await http.get(page + authorize)).text()
        assert (await answered("/decide", username="alice", password="wrong"))["error"] == "login_required"
        await http.get(page + authorize)
        code = (await answered("/decide", username="alice", password="wonderland"))["code"]
        assert (await answered(authorize + "&prompt=none"))["error"] == "login_required"
        assert (await http.get(page + "/authorize?client_id=nobody")).status == 400
    tokens = await world.post(
        "/token", {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}, "app"
    )
    body = await tokens.json()
    assert (tokens.status, "id_token" in body) == (200, True)
    assert (await world.introspect(body["access_token"]))["sub"] == "alice"
