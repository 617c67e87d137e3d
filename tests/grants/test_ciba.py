"""grant_type=urn:openid:params:grant-type:ciba: polls of the right client, of others, too early, too late and many at once."""

import asyncio
from collections import Counter

import pytest

from service.protocol.names import DeliveryMode, GrantTypeName
from tests.assertions import JWKS
from tests.backchannel import approvals, ask, asked, backchannel_client, decide, notification_token, poll, poll_at_last
from tests.dpop import Prover
from tests.person import Person
from tests.world import World, basic, error_of

AT_ONCE, ROUNDS = 25, 8


@pytest.fixture
async def person(world: World) -> Person:
    await backchannel_client(world)
    await world.user()
    return Person(world)


async def _allowed(person: Person, **request: str) -> str:
    auth_req_id = await asked(person.world, **request)
    await decide(person, "allow")
    return auth_req_id


@pytest.mark.parametrize(
    "auth_req_id", ["", "x", "ä", "mm_bc_" + "x" * 65, "mm_dc_" + "x" * 65, "mm_ac_" + "x" * 65, "mm_bc_" + "x" * 64]
)
async def test_what_was_never_a_request_is_refused(person: Person, auth_req_id: str) -> None:
    error = "invalid_request" if not auth_req_id else "invalid_grant"
    error = (
        "expired_token" if auth_req_id == "mm_bc_" + "x" * 65 else error
    )  # which cannot be told from one that is over
    assert await error_of(await poll(person.world, auth_req_id)) == (400, error)


async def test_another_clients_request_is_not_told_of(person: Person) -> None:
    """Neither whether it waits nor whether it was allowed; and the attempt costs its client nothing."""
    await backchannel_client(person.world, "other")
    auth_req_id = await asked(person.world)
    assert await error_of(await poll(person.world, auth_req_id, "other")) == (400, "invalid_grant")
    await decide(person, "allow")
    assert await error_of(await poll(person.world, auth_req_id, "other")) == (400, "invalid_grant")
    assert (await poll(person.world, auth_req_id)).status == 200


async def test_polling_too_fast_is_slowed_down_and_tells_nothing(person: Person) -> None:
    """Not even that the request was allowed meanwhile; each poll within the interval lengthens it."""
    auth_req_id = await asked(person.world)
    assert await error_of(await poll(person.world, auth_req_id)) == (400, "authorization_pending")
    await decide(person, "allow")
    for seconds in (10, 15, 20):
        assert await error_of(await poll(person.world, auth_req_id)) == (400, "slow_down")
        [ends] = person.world.ends(":pause").values()
        assert 0 < ends - person.world.issuer.clock() <= seconds
    assert (await poll_at_last(person.world, auth_req_id)).status == 200


async def test_a_second_use_ends_the_grant(person: Person) -> None:
    auth_req_id = await _allowed(person)
    tokens = await (await poll(person.world, auth_req_id)).json()
    assert await error_of(await poll_at_last(person.world, auth_req_id)) == (400, "invalid_grant")
    assert not await person.world.is_active(tokens["access_token"], "bank")


async def test_a_second_use_within_the_interval_is_refused_and_ends_nothing(person: Person) -> None:
    """A client that polls twice at once is no thief, and has nothing to wait for."""
    auth_req_id = await _allowed(person)
    tokens = await (await poll(person.world, auth_req_id)).json()
    assert await error_of(await poll(person.world, auth_req_id)) == (400, "invalid_grant")
    assert await person.world.is_active(tokens["access_token"], "bank")


async def test_a_request_that_is_over_is_expired(person: Person) -> None:
    auth_req_id = await asked(person.world)
    person.world.expire(":polled:")
    assert await error_of(await poll(person.world, auth_req_id)) == (400, "expired_token")


async def test_the_id_token_is_about_the_user_for_the_client(person: Person) -> None:
    tokens = await (await poll(person.world, await _allowed(person))).json()
    keyring = person.world.issuer.keyring
    assert keyring
    claims = await keyring.verify(tokens["id_token"])
    assert claims
    assert (claims["sub"], claims["aud"]) == ("alice", "bank")
    assert {"at_hash", "auth_time", "acr"} <= claims.keys()
    assert not [name for name in claims if name.startswith("urn:openid")], "those are for tokens that are delivered"


async def test_revoking_the_user_between_yes_and_poll_ends_it(person: Person) -> None:
    auth_req_id = await _allowed(person)
    assert await person.world.issuer.store.grants.revoke_user("alice") == 1
    assert await error_of(await poll(person.world, auth_req_id)) == (400, "invalid_grant")


async def test_signing_out_at_the_device_that_decided_ends_nothing(person: Person) -> None:
    auth_req_id = await _allowed(person)
    shown = await person.get("/logout")
    assert (await person.submit(shown, decision="logout")).heading == "You are signed out"
    assert (await poll(person.world, auth_req_id)).status == 200


async def test_a_client_that_gets_its_tokens_delivered_cannot_poll(person: Person) -> None:
    async with person.world.having(backchannel_delivery_modes=("poll", "push")) as world:
        push = {"backchannel_token_delivery_mode": DeliveryMode.PUSH}
        push_uri = {"backchannel_client_notification_endpoint": "https://bank.example/cb"}
        await backchannel_client(world, "pushed", **push, **push_uri)
        response = await ask(world, "pushed", client_notification_token=notification_token())
        body = await response.json()
        assert body.keys() == {"auth_req_id", "expires_in"}, "no interval"
        assert await error_of(await poll(world, body["auth_req_id"], "pushed")) == (400, "unauthorized_client")


async def test_tokens_are_bound_to_the_key_that_polls(person: Person) -> None:
    """RFC 9449; and with dpop_jkt in the request nobody else can poll for them (P9)."""
    world, prover, other = person.world, Prover(), Prover()
    auth_req_id = await _allowed(person, dpop_jkt=prover.jkt)
    form = {"grant_type": GrantTypeName.CIBA.value, "auth_req_id": auth_req_id}
    for headers in ({}, other.headers()):
        world.expire(":pause")
        refused = await world.http.post("/token", data=form, headers=basic("bank") | headers)
        assert await error_of(refused) == (400, "invalid_grant")
    world.expire(":pause")
    response = await world.http.post("/token", data=form, headers=basic("bank") | prover.headers())
    tokens = await response.json()
    assert (response.status, tokens["token_type"]) == (200, "DPoP")
    assert (await world.introspect(tokens["access_token"], "bank"))["cnf"] == {"jkt": prover.jkt}


async def test_authorization_details_are_shown_and_granted(person: Person) -> None:
    """RFC 9396: what was allowed is in the token response and in introspection."""
    types = {"payment": {"title": "Pay {amount}"}}
    async with person.world.having(authorization_details_types=types) as world:
        person.world = world
        await backchannel_client(world, authorization_details_types=("payment",))
        details = '[{"type":"payment","amount":"5.00"}]'
        auth_req_id = await asked(world, authorization_details=details)
        assert (await decide(person, "allow")).heading == "Allowed", "asked once"
        tokens = await (await poll(world, auth_req_id)).json()
        assert tokens["authorization_details"] == [{"type": "payment", "amount": "5.00"}]


async def test_a_client_with_a_signing_key_polls_like_any_other(person: Person) -> None:
    await backchannel_client(person.world, jwks=JWKS, backchannel_authentication_request_signing_alg="ES256")
    assert await error_of(await ask(person.world)) == (400, "invalid_request")


# at once


@pytest.mark.slow
async def test_of_many_polls_one_gets_the_tokens(any_world: World) -> None:
    """P1: on each shape of Redis, hundreds of polls at once after the yes; whoever got tokens got the same."""
    await backchannel_client(any_world)
    await any_world.user()
    person = Person(any_world)
    for _ in range(ROUNDS):
        auth_req_id = await _allowed(person)
        responses = await asyncio.gather(*(poll(any_world, auth_req_id) for _ in range(AT_ONCE)))
        outcomes = Counter([(await each.json()).get("error", "tokens") for each in responses])
        assert outcomes["tokens"] == 1
        assert outcomes.keys() <= {"tokens", "slow_down", "invalid_grant"}
        [bought] = [body for each in responses if "access_token" in (body := await each.json())]
        assert await any_world.is_active(bought["access_token"], "bank"), "who polls too often ends nothing"


@pytest.mark.slow
async def test_a_yes_that_races_with_polls_and_a_no_is_lost_by_nobody(any_world: World) -> None:
    """Whatever comes first: the client hears of one decision, and tokens come at most once."""
    await backchannel_client(any_world)
    await any_world.user()
    person = Person(any_world)
    heard = Counter[str]()
    for turn in range(ROUNDS * 2):
        auth_req_id = await asked(any_world)
        shown = await approvals(person)
        words = ("allow", "deny") if turn % 2 else ("deny", "allow")
        pages, polls = await asyncio.gather(
            asyncio.gather(*(decide(person, word, shown) for word in words)),
            asyncio.gather(*(poll(any_world, auth_req_id) for _ in range(AT_ONCE))),
        )
        said = {page.heading for page in pages} - {"This page is no longer valid"}
        assert len(said) == 1
        errors = [(await each.json()).get("error", "tokens") for each in polls]
        if "tokens" not in errors:
            last = await poll_at_last(any_world, auth_req_id)
            errors.append((await last.json()).get("error", "tokens"))
        assert errors.count("tokens") == (1 if said == {"Allowed"} else 0), errors
        heard.update(errors)
    assert heard["tokens"] + heard["access_denied"] >= ROUNDS * 2
