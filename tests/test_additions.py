"""What CONTRIBUTING promises: an endpoint, grant type or method of client authentication is one file and one line."""

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from service.client_auth import METHODS
from service.endpoints import ENDPOINTS
from service.endpoints.endpoint import check_paths
from service.grants import GRANT_TYPES
from service.settings import SettingsError
from tests.world import World, error_of

ENDPOINT = """
from service.endpoints.endpoint import MachineEndpoint, always
from service.protocol.decision import answer

async def decide(issuer, request):
    return answer(request.required("word").encode())

ENDPOINT = MachineEndpoint(
    name="echo",
    paths=always("/echo"),
    metadata=lambda issuer: {"echo_endpoint": issuer.url_of("/echo")},
    handle=decide,
)
"""
PAGE = """
from service.endpoints.endpoint import BrowserEndpoint, always
from service.protocol.browsing import Redirect, Reply

async def decide(issuer, visit):
    return Reply(Redirect("https://elsewhere.example/"))

ENDPOINT = BrowserEndpoint(name="away", paths=always("/away"), handle=decide)
"""
GRANT_TYPE = """
from service.grants.fresh import fresh_authorization
from service.grants.grant_type import GrantType

async def authorize(issuer, token_request):
    subject = token_request.request.required("guest")
    return fresh_authorization(issuer, token_request.client, "urn:example:guest", token_request.requested, subject)

GRANT_TYPE = GrantType("urn:example:guest", authorize)
"""
METHOD = """
from service.client_auth.evidence import EvidenceKind
from service.client_auth.method import HOLDS, Method

async def verify(issuer, client, evidence):
    return HOLDS if evidence.request.headers.get("X-Badge") == client.client_id else None

METHOD = Method(name="badge", accepts=frozenset({EvidenceKind.CLIENT_ID}), verify=verify, has_secret=False)
"""

Write = Callable[[str, str], ModuleType]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Writes a file of a package that nothing else knows, and imports it."""
    package = tmp_path / "throw_away"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))

    def written(name: str, text: str) -> ModuleType:
        (package / f"{name}.py").write_text(text)
        return import_module(f"throw_away.{name}")

    yield written
    for name in [name for name in sys.modules if name.partition(".")[0] == "throw_away"]:
        del sys.modules[name]


async def _discovered(world: World) -> dict[str, Any]:
    document: dict[str, Any] = await (await world.http.get("/.well-known/oauth-authorization-server")).json()
    return document


async def test_an_endpoint_for_machines(world: World, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Route, discovery, CORS, refusal label, metric label and reserved path follow from its value."""
    monkeypatch.setitem(ENDPOINTS, "echo", write("echo", ENDPOINT).ENDPOINT)
    async with world.having(cors_origins=("https://page.example",), issuer="http://127.0.0.1:8080/below") as other:
        assert (await _discovered(other))["echo_endpoint"] == "http://127.0.0.1:8080/below/echo"
        for path in ("/echo", "/below/echo"):
            page = {"Origin": "https://page.example"}
            answered = await other.http.post(path, data={"word": "hello"}, headers=page)
            assert (answered.status, await answered.read()) == (200, b"hello")
            assert answered.headers["Access-Control-Allow-Origin"] == "https://page.example"
        assert await error_of(await other.http.post("/echo", data={"other": "x"})) == (400, "invalid_request")
        assert (await other.http.get("/echo")).headers["Allow"] == "POST"
        metrics = await (await other.http.get("/metrics")).text()
        assert 'mintmark_refusals_total{endpoint="echo",error="invalid_request"' in metrics
        assert 'mintmark_request_duration_seconds_count{endpoint="echo"' in metrics
    with pytest.raises(SettingsError, match="token_paths: /echo: there is something else"):
        async with world.having(token_paths=("/token", "/echo")):
            pass


async def test_an_endpoint_for_browsers(world: World, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ENDPOINTS, "away", write("away", PAGE).ENDPOINT)
    async with world.having() as other:
        sent = await other.http.get("/away", allow_redirects=False)
        assert (sent.status, sent.headers["Location"]) == (303, "https://elsewhere.example/")
        assert (await other.http.get("/away/", allow_redirects=False)).headers["Location"] == "/away"


async def test_a_grant_type(world: World, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(GRANT_TYPES, "urn:example:guest", write("guest", GRANT_TYPE).GRANT_TYPE)
    async with world.having() as other:
        assert "urn:example:guest" in (await _discovered(other))["grant_types_supported"]
        await other.client(grant_types=("urn:example:guest",))
        tokens = await (await other.token(grant_type="urn:example:guest", guest="bob", scope="write")).json()
        assert tokens["scope"] == "write"
        assert (await other.introspect(tokens["access_token"]))["sub"] == "bob"


async def test_a_method_of_client_authentication(world: World, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METHODS, "badge", write("badge", METHOD).METHOD)
    async with world.having() as other:
        assert "badge" in (await _discovered(other))["token_endpoint_auth_methods_supported"]
        await other.client(auth_method="badge", secrets=())
        form = {"grant_type": "client_credentials", "client_id": "app"}
        assert (await other.http.post("/token", data=form, headers={"X-Badge": "app"})).status == 200
        refused = await other.http.post("/token", data=form, headers={"X-Badge": "other"})
        assert await error_of(refused) == (401, "invalid_client")


def test_two_endpoints_at_one_path_are_refused(world: World, write: Write) -> None:
    endpoint = write("echo", ENDPOINT).ENDPOINT
    for taken in (("/echo",), ()):
        others = () if taken else (write("away", PAGE.replace("/away", "/echo")).ENDPOINT,)
        with pytest.raises(ValueError, match="/echo"):
            check_paths((endpoint, *others), world.issuer.settings, taken)
    check_paths((endpoint,), world.issuer.settings, ("/",))
