"""New clients at the console: the wizard asks what is built and explains each choice."""

import re

import pytest

from service.admin import clients
from service.fronts.console.wizard import KINDS
from tests.client_members import form_of
from tests.console import Operator, field_of, text_of


async def test_the_wizard_explains_each_kind(alice: Operator) -> None:
    shown = await alice.get("/console/clients/new")
    for name, kind in KINDS.items():
        assert kind.title in text_of(shown)
        page = text_of(await alice.get("/console/clients/new", kind=name))
        assert all(what in page and why in page for what, why in kind.gets)


WIZARD = [
    ("web", {"redirect_uris": "https://a.example/cb\r\nhttps://b.example/cb", "scopes": "openid read"}),
    (
        "app",
        {"redirect_uris": "com.example.app:/cb", "application_type": "native", "audiences": "https://api.example"},
    ),
    ("device", {"scopes": "openid read", "audiences": "https://api.example"}),
    ("service", {"scopes": "read", "audiences": "https://api.example", "access_token_lifetime": "120"}),
    ("api", {"resources": "https://api.example"}),
]


@pytest.mark.parametrize(("kind", "given"), WIZARD)
async def test_the_wizard_makes_what_it_says(alice: Operator, kind: str, given: dict[str, str]) -> None:
    form = form_of(await alice.get("/console/clients/new", kind=kind)) | {"name": "My Thing", **given}
    shown = await alice.send("/console/clients/new", **form)
    assert shown.heading == "Client created", text_of(shown)
    (client,) = (await clients.list_clients(alice.world.issuer)).rows
    assert re.fullmatch("my-thing-[0-9a-f]{6}", client.client_id)
    assert set(client.grant_types) == set(KINDS[kind].given["grant_types"])
    assert client.auth_method in KINDS[kind].methods
    secret = re.search(r'id="secret">(mm_cs_[A-Za-z0-9_-]{43})<', shown.text)
    assert bool(secret) == (kind not in ("app", "device"))
    assert ("No API" in shown.text or "name no audience" in shown.text) == (kind == "web"), "asked for, and not given"
    if kind in ("app", "device", "service"):
        assert client.audiences == ("https://api.example",)
    if kind == "web":
        assert client.redirect_uris == ("https://a.example/cb", "https://b.example/cb")
        assert client.require_pkce
    if kind == "service" and secret:
        response = await alice.world.post("/token", {"grant_type": "client_credentials"}, client.client_id, secret[1])
        assert (await response.json())["expires_in"] in (119, 120)


async def test_a_secret_is_shown_once_and_never_again(alice: Operator) -> None:
    form = form_of(await alice.get("/console/clients/new", kind="service")) | {"name": "x", "client_id": "job"}
    shown = await alice.send("/console/clients/new", **form)
    secret = re.search(r'id="secret">([^<]*)<', shown.text)
    assert secret
    assert shown.headers["Cache-Control"] == "no-store"
    for path in ("/console/client?id=job", "/console/client/edit?id=job", "/console/audit", "/console/clients"):
        assert secret[1] not in (await alice.get(path)).text


async def test_faults_are_told_beside_their_field(alice: Operator) -> None:
    """What was typed is still there."""
    given = {"name": "Shop", "redirect_uris": "http://shop.example/cb", "scopes": 'quo"te'}
    form = form_of(await alice.get("/console/clients/new", kind="web")) | given
    shown = await alice.send("/console/clients/new", **form)
    assert shown.status == 422
    assert "Nothing was saved." in text_of(shown)
    assert re.search('id="redirect_uris-fault">[^<]*https', shown.text)
    assert 'aria-describedby="redirect_uris-fault redirect_uris-hint" aria-invalid="true"' in shown.text
    assert field_of(shown, "name") == "Shop"
    assert "http://shop.example/cb" in shown.text
    form = form_of(await alice.get("/console/clients/new", kind="service"))
    shown = await alice.send("/console/clients/new", **(form | {"name": "x", "access_token_lifetime": "soon"}))
    assert "must be a whole number" in text_of(shown)
    assert (await clients.list_clients(alice.world.issuer)).rows == []


async def test_a_client_that_is_there_already(alice: Operator) -> None:
    await alice.world.client("web")
    form = form_of(await alice.get("/console/clients/new", kind="api"))
    shown = await alice.send("/console/clients/new", **(form | {"name": "x", "client_id": "web"}))
    assert (shown.status, "there is a client" in text_of(shown)) == (422, True)


async def test_the_wizard_gives_nothing_that_was_not_asked_for(alice: Operator) -> None:
    """Fields that the form does not have are not looked at."""
    form = form_of(await alice.get("/console/clients/new", kind="api")) | {"name": "x", "client_id": "api"}
    await alice.send("/console/clients/new", **form, may_assert_subjects="1", skip_consent="1", generation="9")
    client = await clients.get_client(alice.world.issuer, "api")
    assert (client.may_assert_subjects, client.skip_consent) == (False, False)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
async def test_the_signature_of_id_tokens_is_chosen_with_the_client(alice: Operator, algorithm: str) -> None:
    page = await alice.get("/console/clients/new", kind="web")
    assert "ES256: suggested" in text_of(page)
    form = form_of(page) | {"name": "Shop", "redirect_uris": "https://a.example/cb"}
    assert form["id_token_signed_response_alg"] == "RS256", "what a library takes that is told nothing"
    await alice.send("/console/clients/new", **form | {"id_token_signed_response_alg": algorithm})
    (client,) = (await clients.list_clients(alice.world.issuer)).rows
    assert client.id_token_signed_response_alg == algorithm
