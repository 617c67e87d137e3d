"""The README's "Your own login page", as it stands there (other ports), against a real service process."""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from aiohttp import ClientSession, CookieJar

from tests.server_process import ServerProcess, free_port, is_ready
from tests.world import CALLBACK, FORM, World

pytestmark = pytest.mark.slow

README = (Path(__file__).parents[2] / "README.md").read_text()
SECTION = README.partition("## Your own login page: the decision API")[2].partition("\n## ")[0]
ASKED = {"response_type": "code", "client_id": "app", "redirect_uri": CALLBACK, "scope": "openid"}


def _block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", SECTION, re.MULTILINE | re.DOTALL)
    assert found
    return found[1]


@pytest.fixture
async def page(world: World, tmp_path: Path) -> AsyncIterator[str]:
    """The login page, served by Flask; its readiness is a path that Flask has not."""
    await world.openid_client()
    keys = json.loads(re.findall(r"MINTMARK_DECISION_API_KEYS='(.+?)'", _block("console"))[0])
    admin_port, port = free_port(), free_port()
    code = _block("python").replace("127.0.0.1:8081", f"127.0.0.1:{admin_port}")
    ready = '\n\n@app.get("/readyz")\ndef readyz():\n    return "ok"\n'
    (tmp_path / "login_page.py").write_text(code + ready)
    settings: dict[str, Any] = {"admin_port": admin_port, "decision_api_keys": json.dumps(keys), "master_key": "m" * 32}
    async with ServerProcess(tmp_path, redis_url=world.redis.url, **settings):
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "flask",
            "--app",
            "login_page",
            "run",
            "--port",
            str(port),
            cwd=tmp_path,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            assert await is_ready(url, process), "the login page did not become ready"
            yield url
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()


async def test_the_readme_s_login_page_signs_people_in(world: World, page: str) -> None:
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
