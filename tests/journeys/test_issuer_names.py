"""The issuer is a name, kept letter by letter; URLs are built on it, and all of them lead somewhere."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest

from mintmark_guard import Guard, Refused
from service.app import open_issuer
from tests.guarded import bearer
from tests.redis_shapes import Shape
from tests.server_process import free_port
from tests.world import CALLBACK, World, in_process, settings_for

API = "https://api.example"

ISSUERS = [
    "http://127.0.0.1:8080",
    "http://127.0.0.1:8080/",
    "http://localhost:8080/tenant",
    "http://localhost:8080/tenant/",
    "http://[::1]:8080/a/b/",
    "http://LocalHost:8080/Tenant/",
    "http://127.0.0.1:8080/caf%C3%A9/",
]


@pytest.mark.parametrize("issuer", ISSUERS)
async def test_every_url_in_discovery_leads_somewhere(world: World, issuer: str) -> None:
    """OpenID Connect Discovery 4.1 and RFC 8414 3.1: a slash at its end goes before something is added."""
    path = urlsplit(issuer).path.rstrip("/")
    async with world.having(issuer=issuer, registration="open") as named:
        documents = []
        for place in (f"{path}/.well-known/openid-configuration", f"/.well-known/oauth-authorization-server{path}"):
            response = await named.http.get(place)
            assert response.status == 200, place
            documents.append(await response.json())
        assert documents[0] == documents[1]
        assert documents[0]["issuer"] == issuer
        urls = {name: url for name, url in documents[0].items() if name.endswith(("_endpoint", "jwks_uri"))}
        for name, url in urls.items():
            parts = urlsplit(url)
            assert url.startswith(issuer.rstrip("/") + "/"), name
            assert "//" not in parts.path, name
            assert (await named.http.get(url.removeprefix(f"{parts.scheme}://{parts.netloc}"))).status != 404, name


@pytest.mark.parametrize("issuer", ISSUERS)
async def test_what_is_issued_names_the_issuer_as_it_is_written(world: World, issuer: str) -> None:
    changes: dict[str, Any] = {"issuer": issuer, "resource_tokens": {API: {"format": "jwt"}}}
    async with world.having(**changes) as named:
        client = await named.openid_client(audiences=(API,))
        response = await named.redeem(await named.code(client, scope="openid read", audience=(API,)))
        tokens = await response.json()
        assert response.status == 200, tokens
        for name in ("id_token", "access_token"):
            assert jwt.decode(tokens[name], options={"verify_signature": False})["iss"] == issuer, name
        assert (await named.introspect(tokens["access_token"]))["iss"] == issuer
        refused = await named.http.get(
            urlsplit(issuer).path.rstrip("/") + "/authorize",
            params={
                "client_id": "app",
                "redirect_uri": CALLBACK,
                "response_type": "code",
                "scope": "openid",
                "prompt": "none",
            },
            allow_redirects=False,
        )
        assert parse_qs(urlsplit(refused.headers["Location"]).query)["iss"] == [issuer]


@pytest.mark.parametrize("ending", ["", "/", "/tenant", "/tenant/"])
async def test_the_guard_compares_the_name_and_finds_the_document(redis: Shape, ending: str) -> None:
    port = free_port()
    name = f"http://127.0.0.1:{port}{ending}"
    settings = settings_for(redis.url, issuer=name, resource_tokens={API: {"format": "jwt"}})
    async with open_issuer(settings) as issuer, in_process(issuer, port=port) as http:
        world = World(issuer, http, redis)
        client = await world.client(audiences=(API,))
        token = (await world.tokens(client, scope="read", audience=(API,)))["access_token"]
        guard, other = (
            Guard(name, API),
            Guard(f"{name}/" if not ending.endswith("/") else name[:-1], API),
        )
        assert (await guard.check(**bearer(token))).claims["iss"] == name
        with pytest.raises(Refused):  # a name that differs by a slash is another issuer's
            await other.check(**bearer(token))
        await guard.close()
        await other.close()
