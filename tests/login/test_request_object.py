"""Signed authorization requests, by value and by reference (OpenID Connect Core 6, RFC 9101)."""

import time
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from service.crypto.key_material import generate, public_jwk
from service.login.request_object import parameters_of
from service.protocol.errors import InvalidRequestObject
from service.protocol.names import ResponseType, SigningAlgorithm
from service.protocol.request_objects import PARAMETERS
from service.records.client import Client
from service.tokens.members import GRANT_MEMBERS
from tests.forging import hs256
from tests.person import Person, Shown, usual_request
from tests.world import CALLBACK, World

RS256, ES256 = SigningAlgorithm.RS256, SigningAlgorithm.ES256
KEYS = {algorithm: generate(algorithm, 2048) for algorithm in (RS256, ES256)}
JWKS = {"keys": [public_jwk(key, algorithm) for algorithm, key in KEYS.items()]}


@pytest.fixture
async def person(world: World) -> Person:
    await world.openid_client(jwks=JWKS, skip_consent=True)
    await world.user()
    person = Person(world)
    await person.sign_in()
    return person


def signed(algorithm: SigningAlgorithm = RS256, **claims: Any) -> str:
    told = {"iss": "app", "aud": "http://127.0.0.1:8080", "exp": int(time.time()) + 60, **claims}
    kid = public_jwk(KEYS[algorithm], algorithm)["kid"]
    return jwt.encode(told, KEYS[algorithm], algorithm.value, headers={"kid": kid})


async def ask(person: Person, request: str, **outer: str) -> Shown:
    return await person.authorize(request=request, **outer)


@pytest.mark.parametrize("algorithm", [RS256, ES256])
async def test_what_is_signed_wins(person: Person, algorithm: SigningAlgorithm) -> None:
    """Core 6.1: parameters of the object supersede those outside; the others count, too."""
    shown = await ask(person, signed(algorithm, state="inside", max_age=10_000), state="outside")
    assert (shown.answer["state"], "code" in shown.answer) == ("inside", True)


async def test_a_redirect_uri_inside_wins(person: Person) -> None:
    """oidcc-ensure-request-object-with-redirect-uri."""
    shown = await ask(person, signed(redirect_uri=CALLBACK), redirect_uri="https://evil.example/")
    assert shown.location.startswith(CALLBACK)
    shown = await ask(person, signed(redirect_uri="https://evil.example/"))
    assert (shown.location, shown.heading) == ("", "Request error")


async def test_claims_may_be_json_inside(person: Person) -> None:
    shown = await ask(person, signed(claims={"id_token": {"acr": {"essential": True, "value": "9"}}}))
    assert shown.error == "unmet_authentication_requirements"


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        ("x", "invalid_request_object"),
        ("x" * 5_000, "invalid_request_object"),
        ("a.b.c", "invalid_request_object"),
        (jwt.encode({"state": "x"}, None, "none"), "invalid_request_object"),  # type: ignore[arg-type]
        (hs256({"state": "x"}, b"secret"), "invalid_request_object"),
        (signed(exp=1), "invalid_request_object"),
        (signed(iss="other"), "invalid_request_object"),
        (signed(aud="https://other.example"), "invalid_request_object"),
        (signed(client_id="other"), "invalid_request_object"),
        (signed(request="x"), "invalid_request_object"),
        (signed(request_uri="https://x.example"), "invalid_request_object"),
        (signed(state="a\x00b"), "invalid_request_object"),
        (signed(state=True), "invalid_request_object"),
        (jwt.encode({"iss": "app"}, generate(ES256, 0), "ES256"), "invalid_request_object"),
    ],
)
async def test_a_bad_object_is_refused_never_ignored(person: Person, request_: str, error: str) -> None:
    """oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported, and forgeries."""
    shown = await ask(person, request_)
    assert shown.error == error
    assert "code" not in shown.answer


@pytest.mark.parametrize("value", [True, False, None, 1, [True, None], {"deep": [{}]}, ["x" * 2_000]], ids=repr)
async def test_a_claim_without_a_definition_is_ignored(person: Person, value: object) -> None:
    """RFC 6749 section 3.1, whatever its type: clients put claims of their own into what they sign."""
    claims: dict[str, Any] = {"https://app.example/is_beta": value}
    shown = await ask(person, signed(state="inside", **claims))
    assert (shown.answer["state"], "code" in shown.answer) == ("inside", True)


@pytest.mark.parametrize("name", sorted(PARAMETERS | GRANT_MEMBERS.keys()))
def test_a_parameter_is_no_truth_value(name: str) -> None:
    client = Client("app")
    for value in (True, None):
        with pytest.raises(InvalidRequestObject):
            parameters_of(client, {name: value})


@pytest.mark.parametrize(
    ("outside", "inside", "error"),
    [
        ("code", "code id_token", "invalid_request"),
        ("code id_token", "code", "invalid_request"),
        ("id_token code", "code id_token", ""),
        ("code", "code", ""),
    ],
)
async def test_the_response_type_is_the_same_inside(person: Person, outside: str, inside: str, error: str) -> None:
    """Core 6.1: it stands outside so that it is a request of OAuth 2.0, and must match the one inside."""
    client = await person.world.issuer.store.clients.read("app")
    assert client is not None
    await person.world.change(client, response_types=(ResponseType.CODE, ResponseType.CODE_ID_TOKEN))
    shown = await ask(person, signed(response_type=inside), response_type=outside)
    assert (shown.error, "code" in shown.answer) == (error, not error)


async def test_it_may_be_required(person: Person) -> None:
    """RFC 9101 section 10.5, 6.3: then only what is signed counts."""
    client = await person.world.issuer.store.clients.read("app")
    assert client is not None
    await person.world.change(client, require_signed_request_object=True)
    assert (await person.authorize()).error == "invalid_request"
    inner: dict[str, Any] = usual_request()
    shown = await ask(person, signed(**{**inner, "state": "inside"}), state="outside", scope="openid email")
    assert shown.answer["state"] == "inside"
    del inner["state"]
    assert "state" not in (await ask(person, signed(**inner), state="outside")).answer


async def test_it_may_be_off(person: Person) -> None:
    async with person.world.having(request_objects="off") as other:
        person.world = other
        assert (await ask(person, signed())).error == "request_not_supported"
        assert (await person.authorize(request_uri="https://x.example")).error == "request_uri_not_supported"


async def test_a_client_may_be_held_to_one_algorithm(person: Person) -> None:
    client = await person.world.issuer.store.clients.read("app")
    assert client is not None
    await person.world.change(client, request_object_signing_alg="ES256")
    assert (await ask(person, signed(RS256))).error == "invalid_request_object"
    assert "code" in (await ask(person, signed(ES256))).answer


# by reference


@pytest.fixture
async def document() -> AsyncIterator[tuple[str, list[str]]]:
    """A URL, and what is there."""
    content = [""]

    async def get(_: web.Request) -> web.Response:
        return web.Response(text=content[0])

    app = web.Application()
    app.router.add_get("/request", get)
    async with TestServer(app) as server:
        yield f"http://127.0.0.1:{server.port}/request", content


async def test_a_registered_request_uri_is_fetched(person: Person, document: tuple[str, list[str]]) -> None:
    """oidcc-request-uri-signed-rs256: registered with a fragment, which only tells versions apart."""
    uri, content = document
    content[0] = signed(state="inside")
    client = await person.world.issuer.store.clients.read("app")
    assert client is not None
    await person.world.change(client, request_uris=(uri + "#v1",))
    async with person.world.having(fetch_private_addresses=True) as other:
        http_client = type(other.issuer.http_client)(other.issuer.settings)
        async with other.with_part(http_client=http_client) as able:
            person.world = able
            assert (await person.authorize(request_uri=uri + "#v1")).answer["state"] == "inside"
            assert (await person.authorize(request_uri=uri)).error == "invalid_request_uri", "another string"
            assert (await person.authorize(request_uri=uri + "#v1", request="x")).error == "invalid_request"
            content[0] = "<html>"
            assert (await person.authorize(request_uri=uri + "#v1")).error == "invalid_request_object"
        await http_client.close()


async def test_our_own_network_is_not_asked(person: Person, document: tuple[str, list[str]]) -> None:
    uri, content = document
    content[0] = signed()
    client = await person.world.issuer.store.clients.read("app")
    assert client is not None
    await person.world.change(client, request_uris=(uri,))
    assert (await person.authorize(request_uri=uri)).error == "invalid_request_uri"
