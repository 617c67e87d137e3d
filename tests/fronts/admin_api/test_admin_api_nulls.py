"""null in the admin API: for every member as if it were left out; in a change the default (RFC 7396)."""

from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from service.admin.client_input import ClientInput
from service.app import open_issuer
from service.fronts.health import Health
from service.fronts.operators import make_application
from tests.operators import TOKEN, TOKENS
from tests.world import CALLBACK, World, settings_for

NEEDED = {"client_id", "grant_types", "redirect_uris"}
MEMBERS = sorted(set(ClientInput.model_fields) - NEEDED)
OWN = {"client_id", "client_secret", "created_at", "etag", "generation", "secrets"}
APP = {"grant_types": ["authorization_code", "refresh_token"], "redirect_uris": [CALLBACK], "scopes": ["read", "write"]}
SAID: dict[str, Any] = {
    "name": "Shop",
    "description": "Sells",
    "scopes": ["read"],
    "default_scope": "read",
    "contacts": ["a@shop.example"],
    "access_token_lifetime": 60,
    "logo_uri": "https://shop.example/l.png",
    "require_pkce": True,
    "properties": [{"name": "tier", "value": 1, "in_introspection": None}],
}


async def test_null_says_nothing(world: World) -> None:
    settings = settings_for(world.redis.url, admin_port=0, admin_tokens=TOKENS)
    async with (
        open_issuer(settings) as issuer,
        TestClient(TestServer(make_application(issuer, Health(issuer)))) as port,
    ):

        async def ask(method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
            headers = {"Authorization": f"Bearer {TOKEN}"} | ({} if method == "POST" else {"If-Match": "*"})
            response = await port.request(method, f"/admin/v1{path}", json=body, headers=headers)
            told: dict[str, Any] = await response.json()
            assert response.status in (200, 201), told
            return {name: value for name, value in told.items() if name not in OWN}

        needed = {name: APP[name] for name in ("grant_types", "redirect_uris")}
        bare = await ask("POST", "/clients", {"client_id": "bare", **needed})
        for number, members in enumerate([*([one] for one in MEMBERS), MEMBERS]):
            body = {"client_id": f"app{number}", **needed, **dict.fromkeys(members)}
            assert await ask("POST", "/clients", body) == bare, members
        said = await ask("POST", "/clients", {"client_id": "said", **needed, **SAID})
        assert said["contacts"] == SAID["contacts"]
        assert await ask("PUT", "/clients/said", needed | dict.fromkeys(MEMBERS)) == bare
        await ask("PATCH", "/clients/said", SAID)
        assert (await ask("PATCH", "/clients/said", {"contacts": None}))["contacts"] == []
        assert await ask("PATCH", "/clients/said", dict.fromkeys(MEMBERS)) == bare


@pytest.mark.usefixtures("world")
async def test_what_is_needed_is_needed() -> None:
    with pytest.raises(Exception, match="client_id"):
        ClientInput.read({"client_id": None, **APP})
    given = ClientInput.read({"client_id": "app", **APP, "contacts": None})
    assert (given.contacts, "contacts" in given.model_fields_set) == ((), True)
