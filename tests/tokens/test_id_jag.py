"""Identity assertion grants (draft-ietf-oauth-identity-assertion-authz-grant): given for another server, redeemed here."""

import asyncio
import json
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import jwt
import pytest
from aiohttp import ClientResponse

from service.admin import trusts
from service.admin.trusts import TrustInput
from service.endpoints import ENDPOINTS
from service.endpoints.metadata import discovery
from service.protocol.names import GrantTypeName
from tests.assertions import ISSUER, JWKS, Signer
from tests.dpop import Prover
from tests.exchanging import ID, ID_JAG, JWT, ORDERS, REFRESH, acting, app, exchange, exchanged
from tests.moments import FromNow, settled
from tests.world import World, basic, error_of

GRANT = GrantTypeName.JWT_BEARER.value
LOGIN, CHAT, API = "https://login.example", "https://chat.example", "https://api.chat.example"
TYP = {"typ": "oauth-id-jag+jwt"}


# given


@pytest.fixture
async def login(world: World) -> tuple[World, dict[str, Any]]:
    """The server at which users sign in, and what a client has of one."""
    return world, await signed_in(world)


async def signed_in(world: World, scope: str = "openid", audience: tuple[str, ...] = (ORDERS,)) -> dict[str, Any]:
    client = await app(world, exchange_issuers=(f"{CHAT}#chat-app", "https://other.example"))
    return await world.tokens(client, audience=audience, scope=scope, acr="2", amr=("pwd", "otp"))


@pytest.mark.parametrize(
    ("token", "kind", "scope", "audience"),
    [
        ("id_token", ID, "openid", (ORDERS,)),
        ("refresh_token", REFRESH, "openid read", (ORDERS, API)),
        ("refresh_token", REFRESH, "openid read", ()),
    ],
    ids=["an ID token", "a refresh token", "a refresh token of a grant without resources"],
)
async def test_one_is_given_for_another_server(
    world: World, token: str, kind: str, scope: str, audience: tuple[str, ...]
) -> None:
    held = await signed_in(world, scope, audience)
    asked = {"requested_token_type": ID_JAG, "audience": CHAT, "resource": API, "scope": "read"}
    body = await exchanged(world, "app", held[token], kind, **asked)
    assert (body["issued_token_type"], body["token_type"], body["scope"]) == (ID_JAG, "N_A", "read")
    assert 0 < body["expires_in"] <= 300
    assert jwt.get_unverified_header(body["access_token"])["typ"] == "oauth-id-jag+jwt"
    assert world.issuer.keyring
    claims = await world.issuer.keyring.verify(body["access_token"], typ="oauth-id-jag+jwt")
    assert claims
    lasts = claims.pop("exp") - claims.pop("iat")
    assert (lasts <= 300, len(claims.pop("jti"))) == (True, 22)
    assert claims.pop("auth_time") <= time.time()
    assert claims == {
        **{"iss": ISSUER, "sub": "alice", "aud": CHAT, "client_id": "chat-app", "resource": API, "scope": "read"},
        **{"acr": "2", "amr": ["pwd", "otp"]},
    }
    plain = await exchanged(
        world, "app", held[token], kind, requested_token_type=ID_JAG, audience="https://other.example"
    )
    told = jwt.decode(plain["access_token"], options={"verify_signature": False})
    assert (told["client_id"], "scope" in told, "resource" in told) == ("app", False, False)


REFUSED: dict[str, tuple[str, str, dict[str, str], str]] = {
    "another server": ("id_token", ID, {"audience": "https://bank.example"}, "invalid_target"),
    "two servers": ("id_token", ID, {"audience": f"{CHAT}#chat-app"}, "invalid_target"),
    "an access token": ("access_token", "access", {}, "invalid_request"),
    "too much scope": ("id_token", ID, {"scope": "admin"}, "invalid_scope"),
    "a resource that is no URI": ("id_token", ID, {"resource": "nothing"}, "invalid_target"),
    "a resource with a fragment": ("id_token", ID, {"resource": f"{API}#x"}, "invalid_target"),
    "a huge resource": ("id_token", ID, {"resource": f"{API}/{'x' * 300}"}, "invalid_target"),
    "details": ("id_token", ID, {"authorization_details": '[{"type":"x"}]'}, "invalid_authorization_details"),
}


@pytest.mark.parametrize(("token", "kind", "form", "error"), REFUSED.values(), ids=list(REFUSED))
async def test_what_none_is_given_for(
    login: tuple[World, dict[str, Any]], token: str, kind: str, form: dict[str, str], error: str
) -> None:
    world, held = login
    kind = ID.replace("id_token", "access_token") if kind == "access" else kind
    asked = {"requested_token_type": ID_JAG, "audience": CHAT} | form
    assert await error_of(await exchange(world, "app", held[token], kind, **asked)) == (400, error)


async def test_of_a_refresh_token_one_is_within_what_the_user_granted(world: World) -> None:
    """As a refresh is (section 4.3.3), and whatever the client itself may have."""
    asked = {"requested_token_type": ID_JAG, "audience": CHAT}
    held = await signed_in(world, "openid read")
    for more, error in (
        ({"scope": "write"}, "invalid_scope"),
        ({"scope": "read write"}, "invalid_scope"),
        ({"resource": API}, "invalid_target"),
    ):
        assert await error_of(await exchange(world, "app", held["refresh_token"], REFRESH, **asked, **more)) == (
            400,
            error,
        )
        assert (await exchange(world, "app", held["id_token"], ID, **asked, **more)).status == 200
    own = await exchanged(world, "app", held["refresh_token"], REFRESH, **asked, scope="read", resource=ORDERS)
    assert jwt.decode(own["access_token"], options={"verify_signature": False})["resource"] == ORDERS
    anonymous = (await signed_in(world, "read"))["refresh_token"]
    refused = await exchange(world, "app", anonymous, REFRESH, **asked)
    assert await error_of(refused) == (400, "invalid_request"), "no ID token would come of it"


async def test_one_audience_and_no_actor(login: tuple[World, dict[str, Any]]) -> None:
    world, held = login
    asked = {"requested_token_type": ID_JAG, "audience": CHAT}
    acted = await exchange(world, "app", held["id_token"], ID, **asked, **await acting(world, "app"))
    assert await error_of(acted) == (400, "invalid_request")
    pairs = [("grant_type", GrantTypeName.TOKEN_EXCHANGE), ("subject_token", held["id_token"])]
    pairs += [("subject_token_type", ID), ("requested_token_type", ID_JAG)]
    two = [("audience", CHAT), ("audience", "https://other.example")]
    assert await error_of(await world.form("/token", [*pairs, *two])) == (400, "invalid_request")
    await world.client("stranger", grant_types=(GrantTypeName.TOKEN_EXCHANGE,), exchange_issuers=(CHAT,))
    for kind in (ID, REFRESH):
        name = "id_token" if kind == ID else "refresh_token"
        stolen = await exchange(world, "stranger", held[name], kind, **asked)
        assert await error_of(stolen) == (400, "invalid_request")


async def test_identity_chaining_gives_a_plain_grant(login: tuple[World, dict[str, Any]]) -> None:
    """draft-ietf-oauth-identity-chaining: of an access token, too, and with who acts."""
    world, held = login
    asked = {"requested_token_type": JWT, "audience": CHAT, **await acting(world, "app")}
    body = await exchanged(world, "app", held["access_token"], **asked)
    assert (body["issued_token_type"], body["token_type"]) == (JWT, "N_A")
    assert jwt.get_unverified_header(body["access_token"])["typ"] == "authorization-grant+jwt"
    claims = jwt.decode(body["access_token"], options={"verify_signature": False})
    assert (claims["aud"], claims["act"]) == (CHAT, {"sub": "app", "client_id": "app"})
    assert not await world.is_active(body["access_token"]), "it is no access token here"


async def test_identity_chaining_passes_on_no_more_than_the_token_allows(login: tuple[World, dict[str, Any]]) -> None:
    world, held = login
    asked = {"requested_token_type": JWT, "audience": CHAT}
    refused = await exchange(world, "app", held["access_token"], **asked, scope="read")
    assert await error_of(refused) == (400, "invalid_scope"), "of the client, and not of the token"
    assert (await exchanged(world, "app", held["access_token"], **asked, scope="openid"))["scope"] == "openid"


async def test_who_may_act_alone_is_not_lost_on_the_way(login: tuple[World, dict[str, Any]]) -> None:
    """The grant for the other server does not say it, so that anybody could act there."""
    world, _ = login
    given = {"issuer": LOGIN, "jwks": JWKS, "uses": ["token-exchange"]}
    await trusts.add_trust(world.issuer, TrustInput.read(given))
    may_act = {"sub": "app", "iss": ISSUER}
    token = Signer().sign(iss=LOGIN, sub="u-1", may_act=may_act)
    own = (await exchanged(world, "app", token, JWT, scope="read"))["access_token"]
    refused = await exchange(world, "app", own, requested_token_type=JWT, audience=CHAT)
    assert await error_of(refused) == (400, "invalid_request")


async def test_no_grant_is_about_a_client(login: tuple[World, dict[str, Any]]) -> None:
    """At the other server its client_id could be the name of a user."""
    world, _ = login
    own = (await acting(world, "app"))["actor_token"]
    refused = await exchange(world, "app", own, requested_token_type=JWT, audience=CHAT)
    assert await error_of(refused) == (400, "invalid_request")


async def test_discovery_names_both(world: World) -> None:
    document = discovery(world.issuer, ENDPOINTS.values() if isinstance(ENDPOINTS, dict) else ENDPOINTS)
    assert document["identity_chaining_requested_token_types_supported"] == [ID_JAG, JWT]
    assert document["authorization_grant_profiles_supported"] == ["urn:ietf:params:oauth:grant-profile:id-jag"]


# redeemed


async def chat(world: World, **members: Any) -> None:
    """The server of the API: an issuer is trusted, and a client redeems what it brings."""
    await world.client(
        "app",
        grant_types=(GRANT, "refresh_token"),
        audiences=(API, ORDERS),
        authorization_details_types=("payment",),
    )
    given = {"issuer": LOGIN, "jwks": JWKS, "uses": ["id-jag"]} | members
    await trusts.add_trust(world.issuer, TrustInput.read(given))


def id_jag(headers: dict[str, Any] | None = None, **claims: Any) -> str:
    usual = {"iss": LOGIN, "sub": "u-1", "client_id": "app", "scope": "read", "resource": API}
    return Signer().sign(TYP | (headers or {}), **(usual | settled(claims)))


async def redeem(world: World, assertion: str, **form: str) -> ClientResponse:
    return await world.token(grant_type=GRANT, assertion=assertion, **form)


async def test_one_is_redeemed(world: World) -> None:
    await chat(world)
    body = await (await redeem(world, id_jag(act={"sub": "bot"}))).json()
    assert (body["scope"], body["resource"], "refresh_token" in body) == ("read", API, False)
    said = await world.introspect(body["access_token"])
    assert (said["sub"], said["aud"], said["act"]) == ("u-1", [API], {"iss": LOGIN, "sub": "bot"})
    async with world.having(jwt_bearer_refresh=True) as other:
        again = await (await redeem(other, id_jag())).json()
        assert "refresh_token" not in again, "it would outlive what its issuer says"
    await chat(world, subject_claim="email", subject_prefix="acme:", scopes=["read"])
    mapped = await (await redeem(world, id_jag(email="u@acme.example"))).json()
    assert (await world.introspect(mapped["access_token"]))["sub"] == "acme:u@acme.example"


async def test_less_can_be_asked_for(world: World) -> None:
    await chat(world)
    both = id_jag(scope="read write", resource=[API, ORDERS])
    body = await (await redeem(world, both, scope="read", resource=ORDERS)).json()
    said = await world.introspect(body["access_token"])
    assert (said["scope"], said["aud"], body["resource"]) == ("read", [ORDERS], ORDERS)
    open_one = await (await redeem(world, id_jag(scope=None, resource=None), scope="write")).json()
    assert (open_one["scope"], open_one["resource"]) == ("write", [API, ORDERS])


TYPES = {"payment": {"json_schema": {"required": ["amount"]}}, "of-others": {}}
HERE: dict[str, Any] = {"type": "payment", "amount": "5.00", "locations": [API]}
ELSEWHERE: dict[str, Any] = {"type": "payment", "amount": "9.00", "locations": [ORDERS]}


async def test_it_brings_the_details_that_it_names(world: World) -> None:
    """Section 4.4.1: those that the client may have and that concern the resource, and the response says which."""
    async with world.having(authorization_details_types=TYPES) as bank:
        await chat(bank)
        body = await (await redeem(bank, id_jag(authorization_details=[HERE, ELSEWHERE], act={"sub": "bot"}))).json()
        assert body["authorization_details"] == [HERE]
        said = await bank.introspect(body["access_token"])
        assert (said["authorization_details"], said["act"]["sub"]) == ([HERE], "bot")
        for details in ([{"type": "admin"}], [{"type": "of-others"}], [{"type": "payment"}], [HERE, {"type": "admin"}]):
            refused = await redeem(bank, id_jag(authorization_details=details))
            assert await error_of(refused) == (400, "invalid_authorization_details")


async def test_an_issuer_that_is_trusted_for_scopes_grants_no_details(world: World) -> None:
    async with world.having(authorization_details_types=TYPES) as bank:
        await chat(bank, scopes=["read"], uses=["id-jag", "jwt-bearer"])
        plain = partial(Signer().sign, iss=LOGIN, sub="u-1")
        named = await redeem(bank, id_jag(authorization_details=[HERE]))
        assert await error_of(named) == (400, "invalid_authorization_details")
        asked = await redeem(bank, plain(), scope="read", authorization_details=json.dumps([HERE]))
        assert await error_of(asked) == (400, "invalid_authorization_details")
        assert (await redeem(bank, plain(), scope="read")).status == 200


BAD: dict[str, tuple[Callable[[], str], dict[str, str], str]] = {
    "for another client": (partial(id_jag, client_id="other"), {}, "invalid_grant"),
    "for no client": (partial(id_jag, client_id=None), {}, "invalid_grant"),
    "for another server": (partial(id_jag, aud="https://other.example"), {}, "invalid_grant"),
    "for several servers": (partial(id_jag, aud=[ISSUER, "https://other.example"]), {}, "invalid_grant"),
    "for the token endpoint": (partial(id_jag, aud=f"{ISSUER}/token"), {}, "invalid_grant"),
    "of an issuer that is not trusted": (partial(id_jag, iss="https://other.example"), {}, "invalid_grant"),
    "of this service itself": (partial(id_jag, iss=ISSUER), {}, "invalid_grant"),
    "without jti": (partial(id_jag, jti=None), {}, "invalid_grant"),
    "without iat": (partial(id_jag, iat=None), {}, "invalid_grant"),
    "without exp": (partial(id_jag, exp=None), {}, "invalid_grant"),
    "over": (partial(id_jag, exp=FromNow(-60)), {}, "invalid_grant"),
    "for too long": (partial(id_jag, exp=FromNow(86400)), {}, "invalid_grant"),
    "of another type": (partial(id_jag, {"typ": "at+jwt"}), {}, "invalid_grant"),
    "an ID token": (partial(id_jag, {"typ": "JWT"}), {}, "invalid_grant"),
    "a logout token": (partial(id_jag, {"typ": "logout+jwt"}), {}, "invalid_grant"),
    "bound to a key": (partial(id_jag, cnf={"jkt": "x" * 43}), {}, "invalid_grant"),
    "bound in an unknown way": (partial(id_jag, cnf={"kid": "x"}), {}, "invalid_grant"),
    "scope that is no text": (partial(id_jag, scope=["read"]), {}, "invalid_grant"),
    "an empty scope": (partial(id_jag, scope=""), {"scope": "read"}, "invalid_grant"),
    "no resource of many": (partial(id_jag, resource=[]), {"resource": API}, "invalid_grant"),
    "an empty resource": (partial(id_jag, resource=""), {"resource": API}, "invalid_grant"),
    "resource that is no text": (partial(id_jag, resource={"a": 1}), {}, "invalid_grant"),
    "more scope than it names": (id_jag, {"scope": "write"}, "invalid_scope"),
    "another resource": (id_jag, {"resource": ORDERS}, "invalid_target"),
    "a resource that is unknown": (partial(id_jag, resource="https://bank.example"), {}, "invalid_target"),
    "scope that the client may not have": (partial(id_jag, scope="admin"), {}, "invalid_scope"),
    "details beside it": (id_jag, {"authorization_details": '[{"type":"x"}]'}, "invalid_authorization_details"),
    "details that are text": (partial(id_jag, authorization_details="nonsense"), {}, "invalid_grant"),
    "details that are one object": (partial(id_jag, authorization_details={"type": "payment"}), {}, "invalid_grant"),
    "no details of many": (partial(id_jag, authorization_details=[]), {}, "invalid_grant"),
    "details without a type": (partial(id_jag, authorization_details=[{"actions": ["pay"]}]), {}, "invalid_grant"),
    "details of an unknown type": (
        partial(id_jag, authorization_details=[{"type": "payment"}]),
        {},
        "invalid_authorization_details",
    ),
    "an actor with something deep": (
        partial(id_jag, act={"sub": "a", "x": [[[[[[[[[[[[[[[]]]]]]]]]]]]]]]}),
        {},
        "invalid_grant",
    ),
    "a client of ours that acts": (partial(id_jag, act={"sub": "app", "iss": ISSUER}), {}, "invalid_grant"),
    "too many actors": (partial(id_jag, act={"sub": "a", "act": {"act": {}}}), {}, "invalid_grant"),
}


@pytest.mark.parametrize(("assertion", "form", "error"), BAD.values(), ids=list(BAD))
async def test_what_is_not_redeemed(
    world: World, assertion: Callable[[], str], form: dict[str, str], error: str
) -> None:
    await chat(world)
    assert await error_of(await redeem(world, assertion(), **form)) == (400, error)
    assert not world.key_names(":access:")


async def test_trust_is_for_what_it_says(world: World) -> None:
    await chat(world, uses=["jwt-bearer", "token-exchange"])
    assert await error_of(await redeem(world, id_jag())) == (400, "invalid_grant")
    await chat(world)
    plain = Signer().sign(iss=LOGIN, sub="u-1")
    assert await error_of(await redeem(world, plain)) == (400, "invalid_grant"), "assertions are something else"
    await chat(world, clients=["other"])
    assert await error_of(await redeem(world, id_jag())) == (400, "invalid_grant")


async def test_a_public_client_redeems_none(world: World) -> None:
    await chat(world)
    await world.public_client("phone", grant_types=(GRANT,))
    form = {"grant_type": GRANT, "assertion": id_jag(client_id="phone"), "client_id": "phone"}
    assert await error_of(await world.post("/token", form, None)) == (400, "unauthorized_client")


async def test_who_holds_the_key_redeems_a_bound_one(world: World) -> None:
    await chat(world)
    prover = Prover()
    form = {"grant_type": GRANT, "assertion": id_jag(cnf={"jkt": prover.jkt})}
    response = await world.http.post("/token", data=form, headers=basic("app") | prover.headers())
    body = await response.json()
    assert (response.status, body["token_type"]) == (200, "DPoP")


async def test_it_counts_once(any_world: World) -> None:
    """Raced: what was begun for the others is taken back."""
    await chat(any_world)
    for turn in range(20):
        assertion = id_jag(jti=f"jag-{turn}", sub=f"u-{turn}")
        answers = [error.status for error in await asyncio.gather(*(redeem(any_world, assertion) for _ in range(10)))]
        assert sorted(answers) == [200] + [400] * 9
        assert len((await any_world.issuer.store.grants.list_of_user(f"u-{turn}")).grants) == 1


async def test_a_mistake_that_can_be_corrected_uses_none_up(world: World) -> None:
    await chat(world)
    assertion = id_jag(jti="once")
    assert await error_of(await redeem(world, assertion, scope="zzz")) == (400, "invalid_scope")
    assert (await redeem(world, assertion)).status == 200
