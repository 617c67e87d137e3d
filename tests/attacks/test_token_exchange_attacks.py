"""Everything that is wrong with a token exchange: each is refused with its registered error, and costs nobody anything."""

import time
from typing import Any

import jwt
import pytest

from service.admin import trusts
from service.admin.trusts import TrustInput
from service.crypto.key_material import generate
from service.observe.events import Event
from service.protocol.names import ClientAuthMethod, SigningAlgorithm
from tests.assertions import ISSUER, JWKS, Signer, types_but
from tests.exchanging import (
    ACCESS,
    EXCHANGE,
    ID,
    ID_JAG,
    JWT,
    ORDERS,
    REFRESH,
    STOCK,
    acting,
    app,
    exchange,
    exchanged,
    orders,
)
from tests.world import CALLBACK, VERIFIER, World, error_of

PARTNER = "https://partner.example"
Held = dict[str, Any]


@pytest.fixture
async def shop(world: World) -> tuple[World, Held]:
    """The application's tokens, a service that may exchange them, one that may not, and an issuer that is trusted."""
    client = await app(world)
    await orders(world)
    await world.client("stranger", grant_types=("client_credentials", EXCHANGE))
    await trust(world)
    held = await world.tokens(client, audience=(ORDERS,), scope="openid read")
    return world, held | {"other": (await world.tokens(client, scope="openid read"))["access_token"]}


async def trust(world: World, **members: Any) -> None:
    given = {"issuer": PARTNER, "jwks": JWKS, "uses": ["token-exchange"], "scopes": ["read"]}
    await trusts.add_trust(world.issuer, TrustInput.read(given | members))


def partner(headers: dict[str, Any] | None = None, **claims: Any) -> str:
    return Signer().sign(headers, **{"iss": PARTNER, "sub": "carol", "exp": int(time.time()) + 600, **claims})


def chain(length: int, of: Held | None = None) -> dict[str, Any]:
    act: dict[str, Any] = {"sub": "first", **(of or {})}
    for _ in range(length - 1):
        act = {"sub": "next", **(of or {}), "act": act}
    return act


def deep(levels: int) -> list[Any]:
    made: list[Any] = []
    for _ in range(levels):
        made = [made]
    return made


INVALID, TARGET, SCOPE = "invalid_request", "invalid_target", "invalid_scope"
REFUSED: dict[str, tuple[str, dict[str, str], str]] = {
    # widening
    "more scope than the token has": ("app", {"scope": "read write"}, SCOPE),
    "an audience that the token has not": ("app", {"audience": STOCK}, TARGET),
    "a resource that the policy has not": ("orders", {"resource": "https://bank.example"}, TARGET),
    "one audience of two": ("orders", {"audience": STOCK, "resource": "https://bank.example"}, TARGET),
    "an audience that is no name": ("orders", {"audience": "x" * 5000}, TARGET),
    "details that the grant has not": (
        "app",
        {"authorization_details": '[{"type": "payment"}]'},
        "invalid_authorization_details",
    ),
    "an ID token of another client": ("app", {"requested_token_type": ID, "audience": "orders"}, TARGET),
    "an ID token without openid": (
        "orders",
        {"requested_token_type": ID},
        INVALID,
    ),
    # types
    "an ID token as access token": ("app", {"subject_token": "=id_token"}, INVALID),
    "an ID token as any JWT": (
        "app",
        {"subject_token": "=id_token", "subject_token_type": JWT},
        INVALID,
    ),
    "a refresh token as access token": ("app", {"subject_token": "=refresh_token"}, INVALID),
    "an access token as refresh token": ("app", {"subject_token_type": REFRESH}, INVALID),
    "an opaque token as JWT": ("app", {"subject_token_type": JWT}, INVALID),
    "an ID-JAG as subject": ("app", {"subject_token_type": ID_JAG}, INVALID),
    "SAML": ("app", {"subject_token_type": ACCESS.replace("access_token", "saml2")}, INVALID),
    "an unknown type": ("app", {"subject_token_type": "x"}, INVALID),
    "a refresh token is asked for": ("app", {"requested_token_type": REFRESH}, INVALID),
    "an authorization code": ("app", {"subject_token": "mm_ac_" + "x" * 65}, INVALID),
    "nothing that is known": ("app", {"subject_token": "mm_at_" + "x" * 65}, INVALID),
    "a huge token": ("app", {"subject_token": "x" * 20_000}, INVALID),
    "a huge JWT": ("app", {"subject_token": f"{'x' * 9000}.x.x", "subject_token_type": JWT}, INVALID),
    # whose
    "a token that is for another service": ("orders", {"subject_token": "=other"}, INVALID),
    "a token that does not concern the client": ("stranger", {}, INVALID),
    "another client's refresh token": (
        "orders",
        {"subject_token": "=refresh_token", "subject_token_type": REFRESH},
        INVALID,
    ),
    "another client's ID token": (
        "orders",
        {"subject_token": "=id_token", "subject_token_type": ID},
        INVALID,
    ),
    # actors
    "an actor without its type": ("app", {"actor_token": "=access_token"}, INVALID),
    "a type without its actor": ("app", {"actor_token_type": ACCESS}, INVALID),
    "another client's token as actor": (
        "orders",
        {"actor_token": "=access_token", "actor_token_type": ACCESS},
        INVALID,
    ),
    "a dead actor": ("app", {"actor_token": "mm_at_" + "x" * 65, "actor_token_type": ACCESS}, INVALID),
    # other servers
    "a grant for a server that is not named": (
        "app",
        {
            "subject_token": "=id_token",
            "subject_token_type": ID,
            "requested_token_type": ID_JAG,
            "audience": "https://chat.example",
        },
        TARGET,
    ),
    "a grant for no server": (
        "app",
        {"subject_token": "=id_token", "subject_token_type": ID, "requested_token_type": ID_JAG},
        INVALID,
    ),
}


@pytest.mark.parametrize(("client_id", "form", "error"), REFUSED.values(), ids=list(REFUSED))
async def test_each_is_refused_and_nothing_is_lost(
    shop: tuple[World, Held], client_id: str, form: dict[str, str], error: str
) -> None:
    """What begins with = is one of the tokens that the application has."""
    world, held = shop
    before = world.key_names(":access:")
    asked = {"subject_token": "=access_token", "subject_token_type": ACCESS} | form
    asked = {name: held[value[1:]] if value[0] == "=" else value for name, value in asked.items()}
    response = await world.token(client_id, grant_type=EXCHANGE, **asked)
    assert await error_of(response) == (400, error), await response.text()
    assert world.key_names(":access:") == before, "nothing was issued"
    assert (await exchanged(world, "app", held["access_token"]))["scope"] == "openid read"


FOREIGN: dict[str, tuple[str, str]] = {
    "of an issuer that is not trusted": (JWT, partner(iss="https://other.example")),
    "by a key that is not the issuer's": (
        JWT,
        Signer(generate(SigningAlgorithm.ES256, 0)).sign(iss=PARTNER, sub="carol"),
    ),
    "for another audience": (JWT, partner(aud="https://other.example")),
    "over": (JWT, partner(exp=int(time.time()) - 60)),
    "without an end": (JWT, partner(exp=None)),
    "not good yet": (JWT, partner(nbf=int(time.time()) + 600)),
    "without a subject": (JWT, partner(sub=None)),
    "about nobody that could be": (JWT, partner(sub="a" * 256)),
    "a logout token": (JWT, partner({"typ": "logout+jwt"}, events={})),
    "a logout token that says nothing": (
        ID,
        partner(events={"http://schemas.openid.net/event/backchannel-logout": {}}),
    ),
    "an ID token as access token": (ACCESS, partner()),
    "an access token as ID token": (ID, partner({"typ": "at+jwt"})),
    **{f"a {typ}": (JWT, partner({"typ": typ})) for typ in types_but("at+jwt", "application/at+jwt")},
    "bound to a key": (JWT, partner(cnf={"jkt": "x" * 43})),
    "a chain of nine actors": (JWT, partner(act=chain(9))),
    "a chain of a thousand actors": (JWT, partner(act=chain(150))),
    "an actor with something deep": (JWT, partner(act={"sub": "x", "more": deep(400)})),
    "one who may act with something deep": (JWT, partner(may_act={"sub": "app", "more": deep(400)})),
    "an end that never comes": (JWT, partner(exp=10**300)),
    "a huge actor": (JWT, partner(act={"sub": "x" * 3000})),
    "a client of ours that acts": (JWT, partner(act={"sub": "app", "client_id": "app", "iss": ISSUER})),
    "a client of ours that acted": (JWT, partner(act={"sub": "bot", "act": {"sub": "app", "iss": ISSUER}})),
    "an actor that is none": (JWT, partner(act="bob")),
    "an actor inside that is none": (JWT, partner(act={"sub": "bob", "act": {"name": "x"}})),
    "another one who may act": (JWT, partner(may_act={"sub": "bob"})),
    "a client of another issuer that may act": (JWT, partner(may_act={"sub": "app", "iss": "https://other.example"})),
    "one who may act by what nobody knows": (JWT, partner(may_act={"sub": "app", "role": "admin"})),
    "one who may act that is no object": (JWT, partner(may_act=["app"])),
    "a scope that is no text": (JWT, partner(scope=["read"])),
}


@pytest.mark.parametrize(("token_type", "token"), FOREIGN.values(), ids=list(FOREIGN))
async def test_jwts_of_other_issuers(shop: tuple[World, Held], token_type: str, token: str) -> None:
    world, _ = shop
    wanted = (400, SCOPE if "scope" in token else INVALID)
    response = await exchange(world, "app", token, token_type, scope="read")
    assert await error_of(response) in (wanted, (400, SCOPE)), await response.text()
    assert not (await world.issuer.store.grants.list_of_user("carol")).grants


async def test_a_user_who_is_disabled_gets_no_token_for_one(shop: tuple[World, Held]) -> None:
    """RFC 8693 section 2.2.2: invalid_request is the error for tokens that cannot be accepted, for whatever reason."""
    world, _ = shop
    await world.user("carol")
    await world.set_enabled("carol", enabled=False)
    response = await exchange(world, "app", partner(), JWT, scope="read")
    said = await response.json()
    assert (response.status, said["error"]) == (400, "invalid_request")
    assert said["error_description"] == "The user of subject_token gets no tokens here."


async def test_a_chain_of_a_thousand_is_refused_as_it_comes(shop: tuple[World, Held]) -> None:
    """Whoever may sign for the issuer sends what no parser takes."""
    world, _ = shop
    signer = Signer()
    deep = '{"sub":"x","act":' * 1000 + '{"sub":"x"}' + "}" * 1000
    claims = signer.claims(iss=PARTNER, sub="carol")
    token = jwt.api_jws.encode(
        (str(claims).replace("'", '"')[:-1] + f', "act": {deep}}}').encode(), signer.key, "ES256"
    )
    response = await exchange(world, "app", token, JWT, scope="read")
    assert await error_of(response) == (400, INVALID)


async def test_what_an_issuer_is_trusted_for(shop: tuple[World, Held]) -> None:
    world, _ = shop
    body = await exchanged(world, "app", partner(act=chain(8)), JWT, scope="read")
    said = await world.introspect(body["access_token"])
    assert (said["sub"], said["act"], said["scope"]) == ("carol", chain(8, {"iss": PARTNER}), "read")
    assert "refresh_token" not in body
    assert body["expires_in"] <= 600
    assert await error_of(await exchange(world, "app", partner(), JWT, scope="write")) == (400, SCOPE), "the trust's"
    more = await exchange(world, "app", partner(scope="other"), JWT, scope="read")
    assert await error_of(more) == (400, SCOPE), "the token's own"
    await trust(world, subject_claim="email", subject_prefix="partner:")
    mapped = await exchanged(world, "app", partner(email="carol@partner.example"), JWT, scope="read")
    assert (await world.introspect(mapped["access_token"]))["sub"] == "partner:carol@partner.example"
    assert await error_of(await exchange(world, "app", partner(), JWT, scope="read")) == (400, INVALID)
    for limits in ({"clients": ["other"]}, {"uses": ["jwt-bearer"]}, {"uses": ["id-jag"]}, {"subjects": ["dave"]}):
        await trust(world, **limits)
        assert await error_of(await exchange(world, "app", partner(), JWT, scope="read")) == (400, INVALID)


async def test_nobody_becomes_a_user_who_signed_in_here_by_them(shop: tuple[World, Held]) -> None:
    world, _ = shop
    await trust(world, scopes=["read", "openid"])
    asked = {"requested_token_type": ID, "scope": "openid"}
    assert await error_of(await exchange(world, "app", partner(), JWT, **asked)) == (400, INVALID)


async def test_who_may_act_may(shop: tuple[World, Held]) -> None:
    world, _ = shop
    for may_act in ({"sub": "app"}, {"client_id": "app"}, {"sub": "app", "iss": world.issuer.url}):
        body = await exchanged(world, "app", partner(may_act=may_act), JWT, scope="read")
        assert (await world.introspect(body["access_token"]))["may_act"] == may_act
    actor = await acting(world, "app")
    assert (await exchange(world, "app", partner(may_act={"sub": "app"}), JWT, scope="read", **actor)).status == 200
    foreign = {"actor_token": partner(sub="bot"), "actor_token_type": JWT}
    named = partner(may_act={"sub": "bot", "iss": PARTNER})
    body = await exchanged(world, "app", named, JWT, scope="read", **foreign)
    assert (await world.introspect(body["access_token"]))["act"] == {"iss": PARTNER, "sub": "bot"}
    again = await exchange(world, "app", body["access_token"])
    assert await error_of(again) == (400, INVALID), "it may not act itself, and may_act goes on"


async def test_no_chain_grows_without_end(shop: tuple[World, Held]) -> None:
    """By number of actors, and by number of exchanges."""
    world, held = shop
    actor, token = await acting(world, "app"), held["access_token"]
    for _ in range(8):
        token = (await exchanged(world, "app", token, **actor))["access_token"]
    refused = await exchange(world, "app", token, **actor)
    assert "act for each other" in (await refused.json())["error_description"]
    for _ in range(7):
        token = (await exchanged(world, "app", token))["access_token"]
    refused = await exchange(world, "app", token)
    assert (refused.status, "others already" in await refused.text()) == (400, True)
    assert await world.is_active(token)


PUBLIC: dict[str, tuple[dict[str, Any], dict[str, str], tuple[int, str]]] = {
    "without a policy": ({}, {}, (400, "unauthorized_client")),
    "for something else": ({"exchange_audiences": (STOCK,)}, {}, (400, TARGET)),
    "for a foreign server": (
        {"exchange_audiences": (STOCK,), "exchange_issuers": ("https://chat.example",)},
        {"requested_token_type": ID_JAG, "audience": "https://chat.example"},
        (400, "unauthorized_client"),
    ),
}


@pytest.mark.parametrize(("policy", "form", "error"), PUBLIC.values(), ids=list(PUBLIC))
async def test_public_clients(
    shop: tuple[World, Held], policy: dict[str, Any], form: dict[str, str], error: tuple[int, str]
) -> None:
    world, _ = shop
    grant_types = ("authorization_code", EXCHANGE)
    phone = await world.public_client(
        "phone", audiences=(ORDERS,), grant_types=grant_types, exchange_from=("app",), **policy
    )
    code = await world.code(phone, audience=(ORDERS,), verifier=VERIFIER)
    redeemed = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "client_id": "phone"}
    own = await (await world.post("/token", redeemed | {"code_verifier": VERIFIER}, None)).json()
    asked = {"grant_type": EXCHANGE, "subject_token_type": ACCESS, "subject_token": own["access_token"]}
    asked |= {"client_id": "phone"}
    assert await error_of(await world.post("/token", asked | form, None)) == error
    if policy:
        allowed = await world.post("/token", asked | {"audience": STOCK}, None)
        assert allowed.status == 200, await allowed.text()


async def test_who_is_not_registered_for_it(world: World) -> None:
    await world.client("app")
    assert await error_of(await exchange(world, "app", "x")) == (400, "unauthorized_client")


async def test_an_id_jag_is_no_client_assertion(shop: tuple[World, Held], caplog: pytest.LogCaptureFixture) -> None:
    world, held = shop
    caplog.set_level("INFO")
    client = await world.issuer.store.clients.get("app")
    assert client
    await world.change(client, auth_method=ClientAuthMethod.PRIVATE_KEY_JWT, secrets=(), jwks=JWKS)
    world.issuer.store.clients.forget(["app"])
    asked = {"grant_type": EXCHANGE, "subject_token": held["access_token"], "subject_token_type": ACCESS}
    assert (await world.post("/token", asked | Signer().form(), None)).status == 200
    assertion = Signer().sign({"typ": "oauth-id-jag+jwt"})
    proof = Signer().form() | {"client_assertion": assertion}
    assert await error_of(await world.post("/token", asked | proof, None)) == (401, "invalid_client")
    proof = Signer().form()
    assert (await world.post("/token", asked | proof, None)).status == 200
    before = world.key_names(":access:")
    assert caplog.messages.count(Event.TOKEN_EXCHANGED) == 2
    assert await error_of(await world.post("/token", asked | proof, None)) == (401, "invalid_client"), "it counts once"
    assert caplog.messages.count(Event.TOKEN_EXCHANGED) == 2, "nothing is told of what did not happen"
    assert world.key_names(":access:") == before, "what came of it was taken back"
    assert await world.is_active(held["access_token"], "orders"), "and nothing else"
