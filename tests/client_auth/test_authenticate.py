"""Which client is it: exactly one method, the registered one, whatever the endpoint."""

from typing import Any

import pytest

from service.client_auth import METHODS, authenticate
from service.client_auth.evidence import EvidenceKind, collect
from service.crypto.passwords import hash_generated
from service.protocol.errors import InvalidClient
from service.protocol.names import ClientAuthMethod
from service.protocol.request import Request
from service.records.client import ClientSecret
from tests.world import SECRET, World, basic, error_of

GRANT = {"grant_type": "client_credentials"}
POST = {"client_id": "app", "client_secret": SECRET}
BASIC = basic("app")["Authorization"]


@pytest.mark.parametrize(
    ("registered", "header", "form", "outcome"),
    [
        pytest.param("client_secret_basic", BASIC, {}, 200, id="Basic, registered for Basic"),
        pytest.param("client_secret_basic", BASIC, {"client_id": "app"}, 200, id="Basic and the same client_id"),
        pytest.param("client_secret_post", None, POST, 200, id="in the body, registered for that"),
        pytest.param("client_secret_basic", None, POST, "invalid_client", id="in the body, registered for Basic"),
        pytest.param("client_secret_post", BASIC, {}, "invalid_client", id="Basic, registered for the body"),
        pytest.param("client_secret_basic", None, {"client_id": "app"}, "invalid_client", id="no secret at all"),
        pytest.param("client_secret_post", None, {"client_id": "app"}, "invalid_client", id="a client_id only"),
        pytest.param("none", BASIC, {}, "invalid_client", id="a public client with a secret"),
        pytest.param("client_secret_basic", None, {}, "invalid_client", id="AU-04 no authentication"),
        pytest.param("client_secret_basic", basic("ghost")["Authorization"], {}, "invalid_client", id="AU-04 unknown"),
        pytest.param("client_secret_basic", "Bearer x", {}, "invalid_client", id="AU-04 unsupported method"),
        pytest.param("client_secret_basic", "Digest x", POST, "invalid_client", id="AU-04 unsupported, and the body"),
        pytest.param("client_secret_basic", BASIC, POST, "invalid_request", id="several methods at once"),
        pytest.param("client_secret_post", BASIC, POST, "invalid_request", id="several, one of them registered"),
        pytest.param("client_secret_basic", BASIC, {"client_secret": SECRET}, "invalid_request", id="two secrets"),
        pytest.param("client_secret_basic", BASIC, {"client_id": "other"}, "invalid_request", id="WM-08 two clients"),
        pytest.param("client_secret_post", None, {"client_secret": SECRET}, "invalid_request", id="a secret of nobody"),
    ],
)
async def test_exactly_the_registered_method(
    world: World, registered: str, header: str | None, form: dict[str, str], outcome: int | str
) -> None:
    """IT-11, IT-12, AU-04, AU-33, WM-06, WM-07; RFC 6749 sections 2.3 and 3.2.1."""
    await world.client(auth_method=ClientAuthMethod(registered))
    headers = {"Authorization": header} if header else {}
    response = await world.http.post("/token", data=GRANT | form, headers=headers)
    if outcome == 200:
        assert response.status == 200
    else:
        assert await error_of(response) == (401 if outcome == "invalid_client" else 400, outcome)


@pytest.mark.parametrize("path", ["/token", "/introspect", "/revoke"])
@pytest.mark.parametrize("header", [basic("app", "wrong")["Authorization"], "Bearer x", "Basic %%%"])
async def test_401_names_the_way_to_authenticate(world: World, path: str, header: str) -> None:
    """IT-11, IT-26, AU-03."""
    await world.client()
    response = await world.http.post(path, data=GRANT | {"token": "x"}, headers={"Authorization": header})
    assert await error_of(response) == (401, "invalid_client")
    assert response.headers["WWW-Authenticate"] == 'Basic realm="mintmark", charset="UTF-8"'
    if "%" in header:
        assert "base64 of client_id:secret" in (await response.json())["error_description"], "what it must be"


@pytest.mark.parametrize("path", ["/token", "/introspect", "/revoke"])
@pytest.mark.parametrize(
    "form",
    [
        pytest.param({}, id="nothing"),
        pytest.param({"client_id": "app"}, id="a client_id alone"),
        pytest.param(POST | {"client_secret": "wrong"}, id="a wrong secret in the form"),
        pytest.param({"client_assertion": "x.y.z", "client_assertion_type": "jwt"}, id="an assertion"),
    ],
)
async def test_there_is_no_challenge_for_what_came_in_the_form(world: World, path: str, form: dict[str, str]) -> None:
    """RFC 6749 5.2: with the Authorization header it must be there; without it, clients take it for the whole answer."""
    await world.client(auth_method=ClientAuthMethod.CLIENT_SECRET_POST)
    response = await world.http.post(path, data=GRANT | {"token": "x"} | form)
    assert await error_of(response) == (401, "invalid_client")
    assert "WWW-Authenticate" not in response.headers
    assert (await response.json())["error_description"]


async def test_unknown_disabled_and_wrong_secret_look_the_same(world: World) -> None:
    """Nobody learns which clients exist."""
    await world.client("known")
    await world.client("disabled", enabled=False)
    await world.client("post", auth_method=ClientAuthMethod.CLIENT_SECRET_POST)
    answers = []
    for client_id, secret in (("ghost", SECRET), ("known", "wrong"), ("disabled", SECRET), ("post", SECRET)):
        response = await world.post("/token", GRANT, client_id, secret)
        answers.append((response.status, await response.text(), response.headers["WWW-Authenticate"]))
    assert len(set(answers)) == 1


# secrets


async def test_while_a_secret_is_being_replaced_both_work(world: World) -> None:
    new = "mm_cs_" + "n" * 43
    client = await world.client(secrets=(ClientSecret(hash_generated(SECRET)), ClientSecret(hash_generated(new))))
    for secret in (SECRET, new):
        assert (await world.post("/token", GRANT, secret=secret)).status == 200
    await world.change(client, secrets=client.secrets[1:])
    assert await error_of(await world.post("/token", GRANT, secret=SECRET)) == (401, "invalid_client")
    assert (await world.post("/token", GRANT, secret=new)).status == 200


async def test_a_secret_that_was_imported_works_and_only_that(world: World) -> None:
    await world.client(secrets=(ClientSecret(await world.issuer.hashing.hash("chosen by people")),))
    assert (await world.post("/token", GRANT, secret="chosen+by+people")).status == 200
    assert (await world.post("/token", GRANT, secret="chosen+by+people")).status == 200, "from memory"
    assert await error_of(await world.post("/token", GRANT, secret="chosen by nobody")) == (401, "invalid_client")


@pytest.mark.parametrize(
    "secret", ["", SECRET.swapcase(), SECRET[:-1], SECRET + "s", "s" * 5000, hash_generated(SECRET)]
)
async def test_no_other_secret_works(world: World, secret: str) -> None:
    await world.client()
    assert await error_of(await world.post("/token", GRANT, secret=secret)) == (401, "invalid_client")


async def test_a_client_without_secrets_cannot_prove_anything(world: World) -> None:
    await world.client(secrets=())
    assert await error_of(await world.token(**GRANT)) == (401, "invalid_client")


# alias


async def test_an_alias_does_wherever_a_client_id_does(world: World) -> None:
    """AU-26."""
    client = await world.client(alias="the-app")
    tokens = await world.tokens(client)
    assert (await world.token("the-app", **GRANT)).status == 200
    assert (await world.post("/token", GRANT | {"client_id": "app"}, "the-app")).status == 200
    assert (await world.post("/token", GRANT | {"client_id": "the-app"}, "app")).status == 200
    assert (await world.refresh(tokens["refresh_token"], "the-app")).status == 200
    assert (await world.redeem(await world.code(client), "the-app")).status == 200
    assert (await world.introspect(tokens["access_token"], "the-app"))["client_id"] == "app"
    assert (await world.revoke(tokens["access_token"], "the-app")).status == 200
    assert not await world.is_active(tokens["access_token"])


@pytest.mark.parametrize(("name", "used"), [("app", False), ("the-app", True)])
async def test_whether_the_alias_was_used_is_known(world: World, name: str, used: bool) -> None:
    """AU-25, AU-27."""
    client = await world.client(alias="the-app")
    found = await authenticate(world.issuer, Request({}, basic(name)["Authorization"]))
    assert (found.client, found.alias_used) == (client, used)


async def test_a_client_without_an_alias_has_none(world: World) -> None:
    """AU-26: null if there is none, and then no name but the client_id works."""
    client = await world.client()
    assert client.alias is None
    assert await error_of(await world.token("the-app", **GRANT)) == (401, "invalid_client")


async def test_an_alias_that_was_taken_away_works_no_more(world: World) -> None:
    client = await world.client(alias="the-app")
    assert (await world.token("the-app", **GRANT)).status == 200
    await world.change(client, alias=None)
    assert await error_of(await world.token("the-app", **GRANT)) == (401, "invalid_client")


# the list


def test_each_method_that_clients_can_be_registered_for_is_in_the_list() -> None:
    assert sorted(METHODS) == sorted(ClientAuthMethod)
    assert all(name == method.name for name, method in METHODS.items())


def _form(**values: Any) -> Request:
    return Request(values, None, "192.0.2.1")


@pytest.mark.parametrize(
    ("request_", "kind"),
    [
        pytest.param(Request({}, BASIC), EvidenceKind.BASIC, id="Basic"),
        pytest.param(_form(**POST), EvidenceKind.POST, id="in the body"),
        pytest.param(_form(client_id="app"), EvidenceKind.CLIENT_ID, id="none"),
        pytest.param(Request({"client_id": "app"}, BASIC), EvidenceKind.BASIC, id="not none as well"),
    ],
)
def test_a_request_has_one_kind_of_evidence(request_: Request, kind: EvidenceKind) -> None:
    assert collect(request_).kind is kind


def test_without_evidence_nothing_is_collected() -> None:
    with pytest.raises(InvalidClient):
        collect(_form())
