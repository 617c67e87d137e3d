"""Certificate-bound access tokens (RFC 8705 section 3): issued, refreshed, shown, introspected; and stolen."""

from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from aiohttp import ClientResponse

from service.admin.client_input import ClientInput
from service.admin.errors import InvalidInput
from service.crypto.client_certificates import thumbprint
from service.protocol.names import AccessTokenFormat
from service.records.client import Client
from tests.assertions import JWKS, Signer, proof
from tests.certificates import DAY, PROXIED, Shown, ask, ask_token, self_signed
from tests.dpop import TOKEN_URL, Prover
from tests.world import CALLBACK, VERIFIER, World, basic, error_of

MINE, OTHER, EXPIRED = self_signed(), self_signed(), self_signed(begins=-2 * DAY, ends=-DAY)
CNF = {"x5t#S256": thumbprint(MINE.der)}
BOUND: dict[str, Any] = {"tls_client_certificate_bound_access_tokens": True}


@pytest.fixture
async def bank(world: World) -> AsyncIterator[World]:
    async with world.having(**PROXIED) as there:
        yield there


async def _redeem(world: World, client: Client, shown: Shown | None, **code: Any) -> ClientResponse:
    code = {"verifier": VERIFIER, **code}
    form = {"grant_type": "authorization_code", "code": await world.code(client, **code), "redirect_uri": CALLBACK}
    form |= {"client_id": client.client_id, "code_verifier": VERIFIER}
    headers = {} if client.public else basic(client.client_id)
    return await ask(world, "/token", shown, headers, **form)


async def _tokens(world: World, client: Client, shown: Shown | None = MINE, **code: Any) -> dict[str, Any]:
    answered = await _redeem(world, client, shown, **code)
    body: dict[str, Any] = await answered.json()
    assert answered.status == 200, body
    return body


async def _refresh(world: World, client: Client, token: str, shown: Shown | None) -> ClientResponse:
    form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": client.client_id}
    return await ask(world, "/token", shown, {} if client.public else basic(client.client_id), **form)


async def _userinfo(world: World, token: str, shown: Shown | None, scheme: str = "Bearer") -> ClientResponse:
    headers = {"Authorization": f"{scheme} {token}", **(shown.headers if shown else {})}
    return await world.http.get("/userinfo", headers=headers)


def _claims(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    found: dict[str, Any] = orjson.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return found


@pytest.mark.parametrize("public", [False, True])
async def test_a_token_names_the_certificate(bank: World, public: bool) -> None:
    make = bank.public_client if public else bank.client
    client = await make("phone", **BOUND)
    tokens = await _tokens(bank, client)
    assert tokens["token_type"] == "Bearer", "RFC 8705 has no token type of its own"
    await bank.client("api", introspect=True, resources=("https://api.example",))
    introspected = await bank.introspect(tokens["access_token"], "phone") if not public else None
    if introspected:
        assert (introspected["cnf"], introspected["token_type"]) == (CNF, "Bearer")


@pytest.mark.parametrize("form", [AccessTokenFormat.JWT, AccessTokenFormat.BOTH, AccessTokenFormat.STATELESS])
async def test_a_jwt_names_it_too(bank: World, form: AccessTokenFormat) -> None:
    await bank.client(access_token_format=form, **BOUND)
    tokens = await (await ask(bank, "/token", MINE, basic("app"), grant_type="client_credentials")).json()
    token = tokens.get("access_token_jwt", tokens["access_token"])
    assert _claims(token)["cnf"] == CNF
    assert (await bank.introspect(token))["cnf"] == CNF


@pytest.mark.parametrize("shown", [None, EXPIRED], ids=["none", "expired"])
async def test_who_shows_no_good_certificate_gets_no_token(bank: World, shown: Shown | None) -> None:
    """And loses nothing: the code is as good as before."""
    client = await bank.client(**BOUND)
    code = await bank.code(client, verifier=VERIFIER)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    assert await error_of(await ask(bank, "/token", shown, basic("app"), **form)) == (400, "invalid_request")
    assert (await ask(bank, "/token", MINE, basic("app"), **form)).status == 200


async def test_a_client_that_does_not_ask_gets_a_bearer_token(bank: World) -> None:
    client = await bank.client()
    for shown in (MINE, EXPIRED, None):
        tokens = await _tokens(bank, client, shown)
        assert "cnf" not in await bank.introspect(tokens["access_token"])
        assert (await _refresh(bank, client, tokens["refresh_token"], OTHER)).status == 200


async def test_at_userinfo_a_stolen_token_is_worth_nothing(bank: World) -> None:
    await bank.user()
    client = await bank.openid_client(**BOUND)
    token = (await _tokens(bank, client, scope="openid"))["access_token"]
    assert (await _userinfo(bank, token, MINE)).status == 200
    for shown in (None, OTHER, EXPIRED, self_signed(key=MINE.key)):
        refused = await _userinfo(bank, token, shown)
        assert await error_of(refused) == (401, "invalid_token")
        assert refused.headers["WWW-Authenticate"].startswith('Bearer realm="mintmark", error="invalid_token"')
    assert await error_of(await _userinfo(bank, token, MINE, "DPoP")) == (401, "invalid_dpop_proof")
    unbound = (await _tokens(bank, await bank.openid_client("plain"), scope="openid"))["access_token"]
    for shown in (None, OTHER, EXPIRED):
        assert (await _userinfo(bank, unbound, shown)).status == 200, (
            "which certificate is shown beside it does not matter"
        )


async def test_the_refresh_token_of_a_public_client_is_bound(bank: World) -> None:
    """RFC 8705 section 4."""
    client = await bank.public_client(**BOUND)
    token = (await _tokens(bank, client))["refresh_token"]
    for shown, error in ((None, "invalid_request"), (EXPIRED, "invalid_request"), (OTHER, "invalid_grant")):
        assert await error_of(await _refresh(bank, client, token, shown)) == (400, error)
    refreshed = await (await _refresh(bank, client, token, MINE)).json()
    again = await _refresh(bank, client, token, MINE)
    assert (await again.json()) == refreshed, "the same request, repeated (P2)"
    assert await error_of(await _refresh(bank, client, token, OTHER)) == (400, "invalid_grant")
    assert (await _refresh(bank, client, refreshed["refresh_token"], MINE)).status == 200, "nothing was lost by it"


async def test_a_confidential_client_may_change_its_certificate(bank: World) -> None:
    client = await bank.client(introspect=True, **BOUND)
    tokens = await _tokens(bank, client)
    refreshed = await (await _refresh(bank, client, tokens["refresh_token"], OTHER)).json()
    assert (await bank.introspect(refreshed["access_token"]))["cnf"] == {"x5t#S256": thumbprint(OTHER.der)}
    assert (await bank.introspect(tokens["access_token"]))["cnf"] == CNF, "what was issued stays bound to the first"


@pytest.mark.parametrize("grant_type", ["client_credentials", "password"])
async def test_every_grant_type_binds(bank: World, grant_type: str) -> None:
    await bank.user()
    await bank.client(**BOUND)
    form = {"grant_type": grant_type, "username": "alice", "password": "wonderland"}
    assert await error_of(await ask(bank, "/token", None, basic("app"), **form)) == (400, "invalid_request")
    tokens = await (await ask(bank, "/token", MINE, basic("app"), **form)).json()
    assert (await bank.introspect(tokens["access_token"]))["cnf"] == CNF


async def test_a_token_may_be_bound_to_both_and_needs_both(bank: World) -> None:
    """RFC 9449 and RFC 8705 side by side: a proof and a certificate."""
    await bank.user()
    client = await bank.openid_client(dpop_bound_access_tokens=True, **BOUND)
    prover, code = Prover(), await bank.code(client, scope="openid", verifier=VERIFIER)
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    assert (await ask(bank, "/token", None, basic("app") | prover.headers(), **form)).status == 400
    assert (await ask(bank, "/token", MINE, basic("app"), **form)).status == 400
    tokens = await (await ask(bank, "/token", MINE, basic("app") | prover.headers(), **form)).json()
    token = tokens["access_token"]
    assert tokens["token_type"] == "DPoP"
    assert (await bank.introspect(token))["cnf"] == {"jkt": prover.jkt} | CNF
    for headers, status in (
        (prover.with_token(token) | MINE.headers, 200),
        (prover.with_token(token), 401),
        (prover.with_token(token) | OTHER.headers, 401),
        (Prover().with_token(token) | MINE.headers, 401),
        ({"Authorization": f"Bearer {token}"} | MINE.headers, 401),
    ):
        assert (await bank.http.get("/userinfo", headers=headers)).status == status


async def test_certificate_and_client_authentication_are_one(bank: World) -> None:
    await bank.client("self", auth_method="self_signed_tls_client_auth", secrets=(), jwks={"keys": [MINE.jwk]}, **BOUND)
    tokens = await (await ask_token(bank, MINE, client_id="self")).json()
    asked = await ask(bank, "/introspect", MINE, client_id="self", token=tokens["access_token"])
    assert (await asked.json())["cnf"] == CNF


async def test_a_proof_and_an_assertion_may_name_the_place_where_certificates_are_asked_for(bank: World) -> None:
    """RFC 9449 4.3 and RFC 8705 5: the URL that the client was told to call."""
    place = "https://mtls.example:8443/token"
    async with bank.having(mtls_url="https://mtls.example:8443", assertion_audience="endpoint", **PROXIED) as other:
        await other.client(dpop_bound_access_tokens=True, **BOUND)
        for url, status in ((place, 200), (TOKEN_URL, 200), ("https://mtls.example:8443/par", 400)):
            headers = basic("app") | Prover().headers(url=url)
            assert (await ask(other, "/token", MINE, headers, grant_type="client_credentials")).status == status
        await other.client("asserting", auth_method="private_key_jwt", secrets=(), jwks=JWKS)
        form = {"grant_type": "client_credentials", **proof(Signer(subject="asserting").sign(aud=place))}
        assert (await ask(other, "/token", None, None, **form)).status == 200
    headers = basic("app") | Prover().headers(url=place)
    assert (await ask(bank, "/token", MINE, headers, grant_type="client_credentials")).status == 400


async def test_the_authorization_endpoint_hands_out_no_token_that_nothing_binds(bank: World) -> None:
    client = await bank.openid_client(**BOUND)
    for response_type, status in (("token id_token", 303), ("code", 303)):
        query = {"client_id": client.client_id, "redirect_uri": CALLBACK, "scope": "openid", "nonce": "n"}
        answered = await bank.http.get(
            "/authorize", params=query | {"response_type": response_type}, allow_redirects=False
        )
        assert answered.status == status
        assert ("unauthorized_client" in answered.headers["Location"]) == (response_type != "code")
    given = {"client_id": "new", "grant_types": ["authorization_code"], "redirect_uris": [CALLBACK]}
    with pytest.raises(InvalidInput, match="cannot bind"):
        ClientInput.read(given | {"response_types": ["id_token token"]} | BOUND)


async def test_discovery_says_so(bank: World) -> None:
    async with bank.having(
        mtls_url="https://mtls.example:8443/auth/", issuer="http://127.0.0.1:8080/auth", **PROXIED
    ) as other:
        document = await (await other.http.get("/.well-known/openid-configuration")).json()
    assert document["tls_client_certificate_bound_access_tokens"] is True
    aliases = document["mtls_endpoint_aliases"]
    assert aliases["token_endpoint"] == "https://mtls.example:8443/auth/token"
    assert {"introspection_endpoint", "revocation_endpoint", "userinfo_endpoint"} <= set(aliases)
    assert not {"authorization_endpoint", "end_session_endpoint", "jwks_uri"} & set(aliases), "browsers go there"
    assert all(
        document[name].replace("http://127.0.0.1:8080", "https://mtls.example:8443") == url
        for name, url in aliases.items()
    )
