"""P8: how many Redis round trips, one after the other, each request costs. Counted on the wire, not timed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from service.admin import trusts
from service.admin.trusts import TrustInput
from service.app import open_issuer
from service.protocol.names import ClientAuthMethod, GrantTypeName
from tests import exchanging, redis_shapes
from tests.assertions import JWKS, Signer, proof
from tests.certificates import PROXIED, Authority, ask, ask_token, self_signed
from tests.cutting_proxy import CuttingProxy
from tests.dpop import Prover
from tests.person import usual_request
from tests.workloads import Platform, trust, workload
from tests.world import CALLBACK, World, basic, in_process, settings_for

PARTNER, JWT_BEARER = "https://partner.example", GrantTypeName.JWT_BEARER.value


@pytest.fixture
async def world(proxy: CuttingProxy, redis: redis_shapes.Shape) -> AsyncIterator[World]:
    async with (
        open_issuer(settings_for(proxy.url), listen=False) as issuer,
        in_process(issuer) as http,
    ):
        yield World(issuer, http, redis)


REQUESTS = {
    "client_credentials": 1,
    "introspection of an access token": 1,
    "introspection of a refresh token": 1,
    "introspection of an unknown token": 1,
    "introspection of no token": 0,
    "revocation of an access token": 1,
    "revocation of a refresh token": 1,
    "authorization_code": 2,
    "authorization_code, replayed": 2,
    "refresh_token": 2,
    "refresh_token, repeated": 1,
    "refresh_token, reused": 2,
    "refresh_token, not rotated": 2,
    "password": 2,
    "pushed authorization request": 1,
    "wrong client secret": 1,
    "metadata": 0,
}


@pytest.mark.parametrize(("what", "trips"), REQUESTS.items(), ids=list(REQUESTS))
async def test_round_trips(world: World, proxy: CuttingProxy, what: str, trips: int) -> None:
    client = await world.client(
        refresh_grace=0 if "reused" in what else None, refresh_rotation="never" if "not rotated" in what else None
    )
    await world.user()
    tokens = await world.tokens(client)
    code = await world.code(client)
    await world.issuer.store.clients.get("app")
    if "replayed" in what:
        await world.redeem(code)
    if "repeated" in what or "reused" in what:
        await world.refresh(tokens["refresh_token"])
    before = proxy.round_trips
    match what.partition(",")[0]:
        case "client_credentials":
            response = await world.token(grant_type="client_credentials")
        case "introspection of an access token":
            response = await world.post("/introspect", {"token": tokens["access_token"]})
        case "introspection of a refresh token":
            response = await world.post("/introspect", {"token": tokens["refresh_token"]})
        case "introspection of an unknown token":
            response = await world.post("/introspect", {"token": "mm_at_" + "x" * 65})
        case "introspection of no token":
            response = await world.post("/introspect", {"token": "something else"})
        case "revocation of an access token":
            response = await world.revoke(tokens["access_token"])
        case "revocation of a refresh token":
            response = await world.revoke(tokens["refresh_token"])
        case "authorization_code":
            response = await world.redeem(code)
        case "refresh_token":
            response = await world.refresh(tokens["refresh_token"])
        case "password":
            response = await world.token(grant_type="password", username="alice", password="wonderland")
        case "pushed authorization request":
            response = await world.post("/par", usual_request(scope="read"))
        case "wrong client secret":
            response = await world.post("/token", {"grant_type": "client_credentials"}, "app", "wrong")
        case _:
            response = await world.http.get("/.well-known/oauth-authorization-server")
    expected = {"authorization_code, replayed": 400, "refresh_token, reused": 400, "wrong client secret": 401}
    expected |= {"pushed authorization request": 201}
    assert response.status == expected.get(what, 200), await response.text()
    assert proxy.round_trips - before == trips


WITH_ASSERTION = {
    "client_credentials": 1,
    "introspection": 1,
    "authorization_code": 2,
    "refresh_token": 2,
    "revocation": 2,
    "pushed authorization request": 1,
}
"""Revocation has to know first that the assertion is new: what is revoked cannot be taken back."""


@pytest.mark.parametrize(("what", "trips"), WITH_ASSERTION.items(), ids=list(WITH_ASSERTION))
async def test_an_assertion_counts_once_at_no_further_trip(
    world: World, proxy: CuttingProxy, what: str, trips: int
) -> None:
    """Whether its ``jti`` was used before is asked together with what there is to ask anyway."""
    client = await world.client()
    tokens, code = await world.tokens(client), await world.code(client)
    await world.change(client, auth_method=ClientAuthMethod.PRIVATE_KEY_JWT, secrets=(), jwks=JWKS)
    world.issuer.store.clients.forget(["app"])
    await world.issuer.store.clients.get("app")
    path, form = {
        "client_credentials": ("/token", {"grant_type": what}),
        "introspection": ("/introspect", {"token": tokens["access_token"]}),
        "authorization_code": ("/token", {"grant_type": what, "code": code, "redirect_uri": CALLBACK}),
        "refresh_token": ("/token", {"grant_type": what, "refresh_token": tokens["refresh_token"]}),
        "revocation": ("/revoke", {"token": tokens["access_token"]}),
        "pushed authorization request": ("/par", usual_request(scope="read")),
    }[what]
    before = proxy.round_trips
    response = await world.post(path, form | Signer().form(), None)
    assert response.status in (200, 201), await response.text()
    assert proxy.round_trips - before == trips


@pytest.mark.parametrize("path", ["/token", "/introspect"])
async def test_a_token_of_a_platform_costs_one_trip_more(world: World, proxy: CuttingProxy, path: str) -> None:
    """For the trusted issuer; the token itself is remembered nowhere (docs/how-to/workloads.md)."""
    platform = Platform()
    await trust(world, platform)
    await workload(world, platform)
    world.issuer.store.clients.forget(["billing"])
    await world.issuer.store.clients.get("billing")
    token = "mm_at_" + "g" * 22 + "s" * 43
    form = {"client_id": "billing", "grant_type": "client_credentials", "token": token}
    before = proxy.round_trips
    response = await world.post(path, form | proof(platform.service_account_token()), None)
    assert response.status == 200, await response.text()
    assert proxy.round_trips - before == 2


WITH_PROOF = {"client_credentials": 1, "authorization_code": 2, "refresh_token": 2, "userinfo": 2, "par": 1}
"""UserInfo asks for the user after the token, with a proof or without."""


@pytest.mark.parametrize(("what", "trips"), WITH_PROOF.items(), ids=list(WITH_PROOF))
async def test_a_proof_of_a_key_counts_once_at_no_further_trip(
    world: World, proxy: CuttingProxy, what: str, trips: int
) -> None:
    prover = Prover()
    await world.user()
    client = await world.client(scopes=("openid",), default_scope="openid")
    code = await world.code(client, scope="openid")
    form = {
        "grant_type": "authorization_code",
        "code": await world.code(client, scope="openid"),
        "redirect_uri": CALLBACK,
    }
    bought = await world.http.post("/token", data=form, headers=basic("app") | prover.headers())
    tokens = await bought.json()
    await world.issuer.store.clients.get("app")
    before = proxy.round_trips
    if what == "userinfo":
        response = await world.http.get("/userinfo", headers=prover.with_token(tokens["access_token"]))
    else:
        path, form = {
            "client_credentials": ("/token", {"grant_type": what}),
            "authorization_code": ("/token", {"grant_type": what, "code": code, "redirect_uri": CALLBACK}),
            "refresh_token": ("/token", {"grant_type": what, "refresh_token": tokens["refresh_token"]}),
            "par": ("/par", usual_request("app")),
        }[what]
        headers = basic("app") | prover.headers(url=f"http://127.0.0.1:8080{path}")
        response = await world.http.post(path, data=form, headers=headers)
    assert response.status in (200, 201), await response.text()
    assert proxy.round_trips - before == trips


WITH_CERTIFICATE = WITH_PROOF | {"introspection": 1, "client_credentials, by its subject": 1}


@pytest.mark.parametrize(("what", "trips"), WITH_CERTIFICATE.items(), ids=list(WITH_CERTIFICATE))
async def test_a_certificate_authenticates_and_binds_at_no_trip(
    proxy: CuttingProxy, redis: redis_shapes.Shape, tmp_path: Path, what: str, trips: int
) -> None:
    """RFC 8705: self-signed, or of an authority; what it proves stands in the request itself."""
    authority = Authority("Ours")
    shown = authority.issue() if "subject" in what else self_signed()
    settings = settings_for(proxy.url, client_ca_file=authority.file(tmp_path), **PROXIED)
    async with open_issuer(settings, listen=False) as issuer, in_process(issuer) as http:
        world = World(issuer, http, redis)
        await world.user()
        named = {"tls_client_auth_subject_dn": "CN=billing,O=Bank,C=DE"} if "subject" in what else {}
        client = await world.client(
            auth_method=ClientAuthMethod.TLS_CLIENT_AUTH if named else ClientAuthMethod.SELF_SIGNED_TLS_CLIENT_AUTH,
            jwks=None if named else {"keys": [shown.jwk]},
            secrets=(),
            scopes=("openid",),
            default_scope="openid",
            tls_client_certificate_bound_access_tokens=True,
            **named,
        )
        codes = [await world.code(client, scope="openid") for _ in range(2)]
        redeeming = {"grant_type": "authorization_code", "redirect_uri": CALLBACK}
        tokens = await (await ask_token(world, shown, code=codes[0], **redeeming)).json()
        assert (await world.issuer.store.clients.get("app"), "access_token" in tokens) == (client, True)
        before = proxy.round_trips
        if what == "userinfo":
            headers = shown.headers | {"Authorization": f"Bearer {tokens['access_token']}"}
            response = await world.http.get("/userinfo", headers=headers)
        else:
            path, form = {
                "authorization_code": ("/token", redeeming | {"code": codes[1]}),
                "refresh_token": ("/token", {"grant_type": what, "refresh_token": tokens["refresh_token"]}),
                "introspection": ("/introspect", {"token": tokens["access_token"]}),
                "par": ("/par", usual_request("app")),
            }.get(what, ("/token", {"grant_type": "client_credentials"}))
            response = await ask(world, path, shown, None, **{"client_id": "app", **form})
        assert response.status in (200, 201), await response.text()
        assert proxy.round_trips - before == trips


@pytest.mark.parametrize("what", ["authorization_code", "refresh_token"])
async def test_a_proof_in_the_name_of_a_public_client_costs_one_trip(
    world: World, proxy: CuttingProxy, what: str
) -> None:
    """It is asked about once the code or refresh token is opened: anybody can send proofs in such a name (two without)."""
    prover = Prover()
    await world.user()
    client = await world.public_client(scopes=("openid",), default_scope="openid")
    forms = [
        {"grant_type": "authorization_code", "code": await world.code(client), "redirect_uri": CALLBACK},
        {"grant_type": "authorization_code", "code": await world.code(client), "redirect_uri": CALLBACK},
    ]
    sent = {"client_id": "phone"}
    bought = await world.http.post("/token", data=sent | forms[0], headers=prover.headers())
    tokens = await bought.json()
    if what == "refresh_token":
        forms[1] = {"grant_type": what, "refresh_token": tokens["refresh_token"]}
    before = proxy.round_trips
    response = await world.http.post("/token", data=sent | forms[1], headers=prover.headers())
    assert response.status == 200, await response.text()
    assert proxy.round_trips - before == 3


EXCHANGES = {
    "access token": 2,
    "access token, with an actor": 2,
    "refresh token": 2,
    "ID token": 2,
    "JWT of a trusted issuer": 2,
    "JWT of a trusted issuer, with an actor": 2,
    "access token, whose user the new one tells of": 3,
    "ID-JAG": 1,
    "ID-JAG, redeemed": 2,
}


@pytest.mark.parametrize(("what", "trips"), EXCHANGES.items(), ids=list(EXCHANGES))
async def test_token_exchange(world: World, proxy: CuttingProxy, what: str, trips: int) -> None:
    """What is looked at, and what is written: two, whatever is exchanged (the page of promises says where there is a third)."""
    await world.user()
    grant_types = ("authorization_code", "client_credentials", "refresh_token", exchanging.EXCHANGE, JWT_BEARER)
    client = await exchanging.app(world, grant_types=grant_types, exchange_issuers=("https://chat.example",))
    if "tells of" in what:
        await exchanging.orders(world, access_token_claims=("department",))
    given = {"issuer": PARTNER, "jwks": JWKS, "uses": ["token-exchange", "id-jag"]}
    await trusts.add_trust(world.issuer, TrustInput.read(given))
    held = await world.tokens(client, scope="openid read", audience=(exchanging.ORDERS,))
    foreign = Signer().sign(iss=PARTNER, sub="carol")
    tokens = {
        "access token": (held["access_token"], exchanging.ACCESS),
        "refresh token": (held["refresh_token"], exchanging.REFRESH),
        "ID token": (held["id_token"], exchanging.ID),
        "ID-JAG": (held["id_token"], exchanging.ID),
    }
    text, kind = tokens.get(what.partition(",")[0], (foreign, exchanging.JWT))
    form = {"grant_type": exchanging.EXCHANGE, "subject_token": text, "subject_token_type": str(kind)}
    form |= await exchanging.acting(world, "app") if "an actor" in what else {}
    if what == "ID-JAG":
        form |= {"requested_token_type": exchanging.ID_JAG, "audience": "https://chat.example"}
    if what == "ID-JAG, redeemed":
        jag = Signer().sign({"typ": "oauth-id-jag+jwt"}, iss=PARTNER, sub="carol", client_id="app", scope="read")
        form = {"grant_type": JWT_BEARER, "assertion": jag}
    for name in ("app", "orders"):
        await world.issuer.store.clients.get(name)
    before = proxy.round_trips
    response = await world.post("/token", form, "orders" if "tells of" in what else "app")
    assert response.status == 200, await response.text()
    assert proxy.round_trips - before == trips
