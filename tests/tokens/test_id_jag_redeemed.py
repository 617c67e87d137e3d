"""Identity assertion grants (draft-ietf-oauth-identity-assertion-authz-grant): redeemed here."""

import asyncio
import json
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from aiohttp import ClientResponse

from service.admin import trusts
from service.admin.trusts import TrustInput
from service.protocol.names import GrantTypeName
from tests.assertions import ISSUER, JWKS, Signer
from tests.dpop import Prover
from tests.exchanging import ORDERS
from tests.moments import FromNow, settled
from tests.world import World, basic, error_of

GRANT = GrantTypeName.JWT_BEARER.value
LOGIN, CHAT, API = "https://login.example", "https://chat.example", "https://api.chat.example"
TYP = {"typ": "oauth-id-jag+jwt"}


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
