"""Pages of the console where something is wrong: Redis, a form, what nobody foresaw."""

import re

import pytest
from aiohttp.test_utils import TestClient, TestServer

from service.app import open_issuer
from service.fronts.health import Health
from service.fronts.operators import make_application
from tests.console import TOKENS, Operator, text_of
from tests.cutting_proxy import CuttingProxy
from tests.world import World, settings_for

# when things are down


async def test_redis_down_is_a_page_that_says_so(world: World) -> None:
    """P7: 503 with Retry-After on every page, within the timeout; and all is well once it is back."""
    async with CuttingProxy(world.redis.nodes[0].host, world.redis.nodes[0].port) as proxy:
        settings = settings_for(proxy.url, admin_tokens=TOKENS, admin_port=0)
        async with (
            open_issuer(settings, listen=False) as issuer,
            TestClient(TestServer(make_application(issuer, Health(issuer)))) as http,
        ):
            proxy.shorten(issuer.store.connection.address)
            operator = Operator(world, http)
            await operator.sign_in()
            csrf = await operator.csrf()
            proxy.refuse()
            proxy.drop()
            for path in ("/console", "/console/clients", "/console/numbers", "/console/client?id=x"):
                shown = await operator.get(path)
                assert (shown.status, shown.heading) == (503, "Redis cannot be reached")
                assert shown.headers["Retry-After"] == "1"
            assert (await operator.send("/console/users/new", csrf=csrf, username="x")).status == 503
            assert (await Operator(world, http).sign_in()).status == 503
            assert (await http.get("/console/sign-in")).status == 200
            proxy.heal()
            assert (await operator.get("/console")).heading == "Dashboard"


async def test_what_nobody_foresaw_is_a_number(
    alice: Operator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(alice.world.issuer.store.trusted_issuers.__class__, "list_page", lambda *_: 1 / 0)
    shown = await alice.get("/console/trusts")
    assert (shown.status, shown.heading) == (500, "Something went wrong")
    number = re.search('class="number">([0-9a-f]{16})<', shown.text)
    assert number
    assert "ZeroDivisionError" not in shown.text
    assert number[1] in str([record.__dict__.get("incident") for record in caplog.records])


async def test_a_form_that_is_too_large(alice: Operator) -> None:
    shown = await alice.post("/console/inspector", token="x" * 70_000)
    assert (shown.status, shown.heading) == (413, "That request cannot be answered")


async def test_an_error_that_does_not_exist_is_said_to_be_none(alice: Operator) -> None:
    shown = await alice.get("/console/refused", error="invalid_grnat", client="shop")
    assert shown.status == 422
    assert "there is no such error; there are access_denied" in text_of(shown)
    assert 'value="invalid_grnat"' in shown.text, "what was typed is still there"


@pytest.mark.parametrize("name", ["", "  ", "x" * 300])
async def test_what_can_name_nothing_is_not_found(alice: Operator, name: str) -> None:
    for path, member in (("client", "id"), ("client/edit", "id"), ("client/act", "id"), ("client/rotate", "id")):
        assert (await alice.get(f"/console/{path}", **{member: name, "act": "disable"})).status == 404
    for path, member in (("user", "name"), ("user/claims", "name"), ("user/act", "name"), ("user/password", "name")):
        assert (await alice.get(f"/console/{path}", **{member: name, "act": "disable"})).status == 404
    for path, member in (("grant", "id"), ("grants", "client"), ("trusts/remove", "issuer")):
        assert (await alice.get(f"/console/{path}", **{member: name})).status == 404
