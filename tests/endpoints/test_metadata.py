"""Authorization server metadata (RFC 8414): derived, so that it cannot lie."""

from typing import Any

import pytest

from service.client_auth import METHODS
from service.endpoints.metadata import metadata
from service.grants import GRANT_TYPES
from service.settings import load
from tests.world import World

PATH = "/.well-known/oauth-authorization-server"


async def test_the_document(world: World) -> None:
    """RFC 8414 section 2."""
    response = await world.http.get(PATH)
    assert (response.status, response.headers["Content-Type"]) == (200, "application/json")
    assert await response.json() == {
        "issuer": "http://127.0.0.1:8080",
        "token_endpoint": "http://127.0.0.1:8080/token",
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "introspection_endpoint": "http://127.0.0.1:8080/introspect",
        "introspection_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "revocation_endpoint": "http://127.0.0.1:8080/revoke",
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
        "grant_types_supported": ["authorization_code", "client_credentials", "password", "refresh_token"],
        "response_types_supported": [],
        "code_challenge_methods_supported": ["S256"],
    }


async def test_every_endpoint_in_it_is_there(world: World) -> None:
    """Each answers as an OAuth endpoint does, not with 404."""
    document = await (await world.http.get(PATH)).json()
    for name, url in document.items():
        if name.endswith("_endpoint"):
            response = await world.http.post(
                url.removeprefix(document["issuer"]), data={"token": "x", "grant_type": "x"}
            )
            assert (response.status, (await response.json())["error"]) == (401, "invalid_client"), name


def test_it_is_derived_from_the_registries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(GRANT_TYPES, "urn:example:new", GRANT_TYPES["password"])
    monkeypatch.delitem(GRANT_TYPES, "client_credentials")
    document = metadata(load())
    assert document["grant_types_supported"] == [*GRANT_TYPES]
    assert document["token_endpoint_auth_methods_supported"] == [method.NAME for method in METHODS]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        pytest.param(
            {"scopes": {"write": "Write", "read": "Read"}}, {"scopes_supported": ["read", "write"]}, id="scopes"
        ),
        pytest.param(
            {"token_paths": ("/oauth/token", "/token")},
            {"token_endpoint": "http://127.0.0.1:8080/oauth/token"},
            id="the first token path",
        ),
        pytest.param(
            {"issuer": "https://mint.example"},
            {"issuer": "https://mint.example", "revocation_endpoint": "https://mint.example/revoke"},
            id="another issuer",
        ),
    ],
)
def test_settings_show_in_it(settings: dict[str, Any], expected: dict[str, Any]) -> None:
    document = metadata(load(**settings))
    assert {name: document[name] for name in expected} == expected


@pytest.mark.parametrize(("method", "status"), [("GET", 200), ("HEAD", 200), ("POST", 405), ("DELETE", 405)])
async def test_it_is_read_only(world: World, method: str, status: int) -> None:
    response = await world.http.request(method, PATH)
    assert response.status == status
    if status == 405:
        assert response.headers["Allow"] == "GET, HEAD"
        assert (await response.json())["error"] == "invalid_request"


async def test_it_may_be_cached_for_a_while(world: World) -> None:
    assert (await world.http.get(PATH)).headers["Cache-Control"] == "public, max-age=300"
