"""self_signed_tls_client_auth (RFC 8705 section 2.2): the certificate itself is registered, by value or at a URL."""

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from service.admin import clients
from service.admin.client_input import ClientInput
from service.admin.errors import InvalidInput
from service.app import open_issuer
from service.protocol.names import ClientAuthMethod
from tests.certificates import DAY, PROXIED, Authority, Shown, ask_token, self_signed, small_rsa
from tests.redis_shapes import Shape
from tests.world import World, error_of, in_process, settings_for

MINE, OLD, OTHER = self_signed(), self_signed(), self_signed()
BY_AUTHORITY = Authority().issue()
SAME_KEY = self_signed(key=MINE.key)
EXPIRED = self_signed(begins=-2 * DAY, ends=-DAY)
METHOD = "self_signed_tls_client_auth"
GIVEN = {"client_id": "app", "auth_method": METHOD, "grant_types": ["client_credentials"], "scopes": ["read"]}


@pytest.fixture
async def bank(redis: Shape) -> AsyncIterator[World]:
    settings = settings_for(redis.url, fetch_private_addresses=True, **PROXIED)
    async with open_issuer(settings) as issuer, in_process(issuer) as http:
        yield World(issuer, http, redis)


async def _register(world: World, *shown: Shown, **changes: Any) -> None:
    given = GIVEN | {"jwks": {"keys": [one.jwk for one in shown]}} | changes
    await clients.create_client(world.issuer, ClientInput.read(given))


@pytest.mark.parametrize(
    "shown", [MINE, OLD, BY_AUTHORITY], ids=["one", "another while they change", "made by an authority"]
)
async def test_a_registered_certificate(bank: World, shown: Shown) -> None:
    await _register(bank, MINE, OLD, BY_AUTHORITY)
    assert (await ask_token(bank, shown)).status == 200


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(None, id="none"),
        pytest.param(OTHER, id="of the same name"),
        pytest.param(SAME_KEY, id="of the same key"),
        pytest.param(EXPIRED, id="expired, and registered"),
    ],
)
async def test_another_certificate(bank: World, shown: Shown | None) -> None:
    await _register(bank, MINE, EXPIRED)
    assert await error_of(await ask_token(bank, shown)) == (401, "invalid_client")


async def test_a_key_set_at_a_url_that_changes(bank: World, monkeypatch: pytest.MonkeyPatch) -> None:
    published: dict[str, Any] = {"keys": [MINE.jwk]}
    asked = 0

    async def keys(_: web.Request) -> web.Response:
        nonlocal asked
        asked += 1
        return web.json_response(published)

    application = web.Application()
    application.router.add_get("/jwks", keys)
    async with TestServer(application) as theirs:
        await _register(bank, jwks=None, jwks_uri=str(theirs.make_url("/jwks")))
        for _ in range(3):
            assert (await ask_token(bank, MINE)).status == 200
        assert (await ask_token(bank, OTHER)).status == 401
        assert asked == 1
        monkeypatch.setattr(bank.issuer.client_keys, "_clock", lambda: time.monotonic() + 61)
        published["keys"] = [OTHER.jwk]
        assert (await ask_token(bank, OTHER)).status == 200, "one that is not known makes us look again"
        assert (await ask_token(bank, MINE)).status == 401
        assert asked == 2


async def test_a_key_set_that_is_away_or_nonsense(bank: World) -> None:
    async def nonsense(_: web.Request) -> web.Response:
        faulty: list[Any] = [
            1,
            {},
            {"x5c": 1},
            OTHER.jwk | {"x5c": []},
            OTHER.jwk | {"x5c": ["?"]},
            OTHER.jwk | {"x5c": MINE.jwk["x5c"]},
        ]
        return web.json_response({"keys": [*faulty, OTHER.jwk | {"x5c": [1]}]})

    application = web.Application()
    application.router.add_get("/jwks", nonsense)
    async with TestServer(application) as theirs:
        await _register(bank, jwks=None, jwks_uri=str(theirs.make_url("/jwks")))
        for shown in (MINE, OTHER):
            assert await error_of(await ask_token(bank, shown)) == (401, "invalid_client")
    await bank.client(
        "away", auth_method=ClientAuthMethod.SELF_SIGNED_TLS_CLIENT_AUTH, jwks_uri="http://127.0.0.1:1/jwks"
    )
    assert await error_of(await ask_token(bank, MINE, client_id="away")) == (401, "invalid_client")


def _jwk(**changes: Any) -> dict[str, Any]:
    return {name: value for name, value in (MINE.jwk | changes).items() if value is not None}


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"jwks": None}, "needs jwks with its certificate"),
        ({"jwks": {"keys": [_jwk(x5c=None)]}}, "needs jwks with its certificate"),
        ({"jwks": {"keys": [_jwk(x5c=[])]}}, "x5c must be a list of texts"),
        ({"jwks": {"keys": [_jwk(x5c="MIIB")]}}, "x5c must be a list of texts"),
        ({"jwks": {"keys": [_jwk(x5c=["MIIB"])]}}, "no certificate that can be read"),
        ({"jwks": {"keys": [_jwk(x5c=["?"])]}}, "jwks"),
        ({"jwks": {"keys": [_jwk(x5c=OTHER.jwk["x5c"])]}}, "a certificate of the same key"),
        ({"jwks": {"keys": [self_signed(key=small_rsa()).jwk]}}, "cannot be used"),
    ],
)
async def test_what_cannot_be_registered(bank: World, changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(InvalidInput, match=fault):
        await _register(bank, **changes)


async def test_of_a_chain_the_first_is_kept(bank: World) -> None:
    jwk = MINE.jwk
    await _register(bank, jwks={"keys": [jwk | {"x5c": [*jwk["x5c"], "MIIB"]}]})
    client = await bank.issuer.store.clients.read("app")
    assert client is not None
    assert client.jwks == {"keys": [jwk]}
    assert (await ask_token(bank, MINE)).status == 200


async def test_a_client_registers_itself_where_certificates_get_here(bank: World) -> None:
    metadata = {
        "token_endpoint_auth_method": METHOD,
        "jwks": {"keys": [MINE.jwk]},
        "grant_types": ["authorization_code"],
        "redirect_uris": ["https://app.example/cb"],
        "tls_client_certificate_bound_access_tokens": True,
    }
    async with bank.having(registration="open", **PROXIED) as other:
        made = await (await other.http.post("/register", json=metadata)).json()
        assert {name: made[name] for name in metadata} == metadata
        refused = await other.http.post("/register", json=metadata | {"token_endpoint_auth_method": "tls_client_auth"})
        assert await error_of(refused) == (400, "invalid_client_metadata"), "no authority is trusted here"
    async with bank.having(registration="open") as without:
        assert await error_of(await without.http.post("/register", json=metadata)) == (400, "invalid_client_metadata")
