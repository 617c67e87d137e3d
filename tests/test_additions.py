"""What CONTRIBUTING promises: what belongs to a list is one file and one line."""

import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import jwt
import pytest
from aiohttp import ClientResponse

from service.client_auth import METHODS
from service.endpoints import ENDPOINTS
from service.endpoints.endpoint import check_paths
from service.grants import GRANT_TYPES
from service.login.channels import CHANNELS
from service.protocol.names import AccessTokenFormat
from service.settings import SettingsError
from service.tokens.binding import KEY_PROOFS
from service.tokens.members import GRANT_MEMBERS
from tests.person import Person
from tests.world import CALLBACK, VERIFIER, World, basic, error_of

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
from service.grants.beginning_grants import fresh_authorization
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
KEY_PROOF = """
from service.protocol.binding import Binding
from service.tokens.binding.key_proof import NO_KEY, KeyProof, Possession

async def _held(request):
    key = request.headers.get("X-Key")
    return Possession(Binding(jkt=key)) if key else NO_KEY

KEY_PROOF = KeyProof(
    name="badge",
    bind=lambda issuer, client, request: _held(request),
    show=lambda issuer, request, access_token: _held(request),
    named=lambda parameters: Binding(jkt=parameters.get("badge", "")),
    metadata=lambda issuer: {"badges_supported": True},
    scheme="DPoP",
    request_headers=("X-Key",),
)
"""
CHANNEL = """
from service.login.channels.channel import Channel
from service.login.granting import given_grant
from service.protocol.browsing import Page, Redirect

async def answer(issuer, interaction, session):
    grant, _ = await given_grant(issuer, interaction, session)
    return Redirect(f"https://heard.example/?{interaction.reference}={grant.subject}:{grant.scope}")

async def refuse(issuer, interaction, error, session):
    return Redirect(f"https://heard.example/?{interaction.reference}={error.error}")

CHANNEL = Channel("letter", answer, refuse)
"""
BEGINNING = """
from service.endpoints.browser_session import browser_of
from service.endpoints.endpoint import BrowserEndpoint, always
from service.login import flow, sessions
from service.protocol.authorization_request import AuthorizationRequest
from service.protocol.browsing import Reply
from service.protocol.names import ResponseMode, ResponseType

async def decide(issuer, visit):
    client = await issuer.store.clients.get("app")
    request = AuthorizationRequest("app", "", False, ResponseType.CODE, ResponseMode.QUERY, scope="read")
    browser, session = browser_of(issuer, visit), await sessions.read(issuer, visit.session)
    what = await flow.start(issuer, client, request, session, browser, channel="letter", reference="r1")
    return Reply(what, browser=browser)

ENDPOINT = BrowserEndpoint(name="begin", paths=always("/begin"), handle=decide)
"""
GRANT_MEMBER = """
from service.protocol.errors import InvalidRequest
from service.tokens.members.grant_member import Described, GrantMember

def _within(_issuer, held, text):
    if not set(text.split()) <= set(held or []):
        raise InvalidRequest("That is too much.")
    return text.split()

def _grant(issuer, client, text):
    return _within(issuer, ["red", "green"], text)

async def _describe(issuer, client, subject, value):
    return [Described(f"See {colour}") for colour in value]

GRANT_MEMBER = GrantMember(
    name="authorization_details",
    grant=_grant,
    narrow=_within,
    describe=_describe,
    metadata=lambda issuer: {"colours_supported": True},
)
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


@pytest.fixture
async def bound(world: World, write: Write, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A service whose clients may bind their tokens to a key, and a public client."""
    monkeypatch.delitem(KEY_PROOFS, "dpop")  # which has the scheme already
    monkeypatch.setitem(KEY_PROOFS, "badge", write("key_proof", KEY_PROOF).KEY_PROOF)
    async with world.having() as other:
        await other.user()
        await other.client(scopes=("openid",), default_scope="openid", access_token_format=AccessTokenFormat.BOTH)
        await other.public_client("phone", scopes=("openid",), default_scope="openid", require_pkce=True)
        yield other


async def _bought(world: World, key: str | None, **form: str) -> ClientResponse:
    client = {"client_id": "phone"} if "refresh_token" in form or "code" in form else {}
    headers = {} if client else basic("app")
    return await world.http.post("/token", data=client | form, headers=headers | ({"X-Key": key} if key else {}))


async def test_a_proof_of_possession(bound: World) -> None:
    """What is bound is said in the response, in the JWT and by introspection, and is worth nothing without the key (P9)."""
    assert (await _discovered(bound))["badges_supported"] is True
    page = await bound.http.options("/token", headers={"Origin": "https://page.example"})
    assert page.headers["Access-Control-Allow-Headers"] == "Authorization, Content-Type, X-Key"
    login = {"grant_type": "password", "username": "alice", "password": "wonderland", "scope": "openid"}
    tokens = await (await _bought(bound, "mine", **login)).json()
    token = tokens["access_token"]
    described = await bound.introspect(token)
    assert (tokens["token_type"], described["token_type"], described["cnf"]) == ("DPoP", "DPoP", {"jkt": "mine"})
    assert jwt.decode(tokens["access_token_jwt"], options={"verify_signature": False})["cnf"] == {"jkt": "mine"}
    tries = (
        ("DPoP", "mine", 200),
        ("DPoP", "other", 401),
        ("DPoP", "", 401),
        ("Bearer", "mine", 401),
        ("Bearer", "", 401),
    )
    for scheme, key, status in tries:
        headers = {"Authorization": f"{scheme} {token}"} | ({"X-Key": key} if key else {})
        assert (await bound.http.get("/userinfo", headers=headers)).status == status, (scheme, key)
    plain = await (await _bought(bound, None, **login)).json()
    assert (plain["token_type"], "cnf" in await bound.introspect(plain["access_token"])) == ("Bearer", False)
    shown = {"Authorization": f"DPoP {plain['access_token']}", "X-Key": "mine"}
    assert (await bound.http.get("/userinfo", headers=shown)).status == 401


async def test_a_refresh_token_of_a_public_client_is_bound_too(bound: World) -> None:
    client = await bound.issuer.store.clients.get("phone")
    assert client
    code = await bound.code(client, verifier=VERIFIER, scope="openid")
    redeemed = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    first = (await (await _bought(bound, "mine", **redeemed)).json())["refresh_token"]
    refresh = {"grant_type": "refresh_token", "refresh_token": first}
    for key in ("other", None):
        assert await error_of(await _bought(bound, key, **refresh)) == (400, "invalid_grant")
    answered = await (await _bought(bound, "mine", **refresh)).read()
    assert await (await _bought(bound, "mine", **refresh)).read() == answered, "the same request within the grace"
    for key in ("other", None):
        assert await error_of(await _bought(bound, key, **refresh)) == (400, "invalid_grant")
    again = refresh | {"refresh_token": json.loads(answered)["refresh_token"]}
    assert (await _bought(bound, "mine", **again)).status == 200, "nobody without the key has ended anything"


async def test_a_code_is_bound_to_the_key_that_its_authorization_request_names(bound: World) -> None:
    client = await bound.issuer.store.clients.get("phone")
    assert client
    person = Person(bound)
    code = (await person.sign_in("phone", scope="openid", badge="mine")).answer["code"]
    redeemed = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    for key in ("other", None):
        assert await error_of(await _bought(bound, key, **redeemed)) == (400, "invalid_grant")
    assert (await _bought(bound, "mine", **redeemed)).status == 200


async def test_a_channel(world: World, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request without a redirect URI: every step as for any other, and another way back to the client."""
    monkeypatch.setitem(CHANNELS, "letter", write("channel", CHANNEL).CHANNEL)
    monkeypatch.setitem(ENDPOINTS, "begin", write("begin", BEGINNING).ENDPOINT)
    async with world.having() as other:
        client = await other.client(response_types=())
        await other.user()
        person = Person(other)
        asked = await person.log_in(await person.get("/begin"))
        assert (await person.agree(asked)).location == "https://heard.example/?r1=alice:read"
        asked = await person.get("/begin")
        denied = await person.submit(asked, decision="deny")
        assert denied.location == "https://heard.example/?r1=access_denied"
        asked = await person.get("/begin")
        await other.change(client, scopes=())
        assert (await person.agree(asked)).status == 400, "the client may not ask for it any more"


async def test_a_member_of_grants(world: World, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked for, agreed to, kept, narrowed, and said: in the token response, in the JWT and by introspection."""
    name, colours = "authorization_details", "red green"
    monkeypatch.setitem(GRANT_MEMBERS, name, write("grant_member", GRANT_MEMBER).GRANT_MEMBER)
    async with world.having() as other:
        assert (await _discovered(other))["colours_supported"] is True
        client = await other.client(scopes=("openid", "read"), access_token_format=AccessTokenFormat.BOTH)
        await other.user()
        person = Person(other)
        asked = await person.log_in(await person.authorize(authorization_details=colours))
        assert "<strong>See red</strong>" in asked.text
        code = (await person.agree(asked)).answer["code"]
        tokens = await (await other.redeem(code, code_verifier=VERIFIER)).json()
        claims = jwt.decode(tokens["access_token_jwt"], options={"verify_signature": False})
        described = await other.introspect(tokens["access_token"])
        assert [one[name] for one in (tokens, claims, described)] == [["red", "green"]] * 3
        again = await person.authorize(authorization_details=colours)
        assert again.action.endswith("/consent"), "of those no consent is remembered"
        refresh = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        assert await error_of(await other.token(**refresh, authorization_details="blue")) == (400, "invalid_request")
        less = await (await other.token(**refresh, authorization_details="red")).json()
        assert (less[name], (await other.introspect(less["access_token"]))[name]) == (["red"], ["red"])
        whole = await (await other.refresh(less["refresh_token"])).json()
        assert whole[name] == ["red", "green"]
        own = await (await other.token(grant_type="client_credentials", authorization_details="red")).json()
        assert (own[name], (await other.introspect(own["access_token"]))[name]) == (["red"], ["red"])
        assert (await person.authorize(client.client_id, authorization_details="blue")).error == "invalid_request"


def test_two_endpoints_at_one_path_are_refused(world: World, write: Write) -> None:
    endpoint = write("echo", ENDPOINT).ENDPOINT
    for taken in (("/echo",), ()):
        others = () if taken else (write("away", PAGE.replace("/away", "/echo")).ENDPOINT,)
        with pytest.raises(ValueError, match="/echo"):
            check_paths((endpoint, *others), world.issuer.settings, taken)
    check_paths((endpoint,), world.issuer.settings, ("/",))
