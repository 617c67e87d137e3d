"""The API of docs/how-to/step-up.md, run as it stands there, behind a real service: who signed in otherwise is challenged."""

import re
import time
import tomllib
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from service.protocol.names import AccessTokenFormat
from service.settings import Settings
from tests.guard.guarding import API
from tests.pages import ROOT, Page
from tests.world import World

PAGE = Page("how-to/step-up.md")


async def test_the_page_does_what_it_says(served: World) -> None:
    table = tomllib.loads(PAGE.block("toml"))["acr_by_amr"]
    assert [rule.acr for rule in Settings(acr_by_amr=table).acr_by_amr] == ["urn:example:mfa", "urn:example:password"]
    names: dict[str, Any] = {}
    exec(PAGE.block("python").replace("https://tokens.example.com", served.issuer.url), names)
    client = await served.client(audiences=(API,), access_token_format=AccessTokenFormat.JWT)

    async def token(acr: str) -> dict[str, str]:
        issued = await served.tokens(client, audience=(API,), acr=acr, auth_time=int(time.time()))
        return {"Authorization": f"Bearer {issued['access_token']}"}

    password, mfa = await token("urn:example:password"), await token("urn:example:mfa")
    async with TestClient(TestServer(names["app"])) as http:
        refused = await http.post("/transfers", headers=password)
        told = PAGE.block("text").splitlines()[1].partition(": ")[2]
        given = refused.headers["WWW-Authenticate"]
        assert (refused.status, given.partition(", DPoP")[0]) == (401, told)
        assert (await http.post("/transfers", headers=mfa)).status == 200
        assert (await http.get("/orders", headers=password)).status == 200
        assert (await http.get("/.well-known/oauth-protected-resource")).status == 200
    await names["guard"].close()


@pytest.mark.parametrize("name", re.findall(r"`([a-z_]+/[a-z_/]+/)`", PAGE.text))
def test_folders_are_there(name: str) -> None:
    assert (ROOT / name).is_dir()
