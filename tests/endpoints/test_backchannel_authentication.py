"""Backchannel authentication requests: what is taken, and what is refused by which of the errors of CIBA Core section 13."""

import time

import pytest

from service.protocol.names import ClientAuthMethod, DeliveryMode, GrantTypeName
from tests.backchannel import (
    PATH,
    approvals,
    ask,
    asked,
    backchannel_client,
    decide,
    notification_token,
    poll,
    references,
)
from tests.person import Person
from tests.world import World, error_of

ISSUER = "http://127.0.0.1:8080"


@pytest.fixture
async def person(world: World) -> Person:
    await backchannel_client(world)
    await world.openid_client()
    await world.user()
    return Person(world)


async def test_the_answer_is_that_of_section_7_3(person: Person) -> None:
    response = await ask(person.world)
    body = await response.json()
    assert (response.status, response.headers["Cache-Control"]) == (200, "no-store")
    assert (body.keys(), body["expires_in"], body["interval"]) == ({"auth_req_id", "expires_in", "interval"}, 120, 5)
    assert body["auth_req_id"].startswith("mm_bc_")
    assert all(character.isalnum() or character in "_-" for character in body["auth_req_id"])


@pytest.mark.parametrize(
    ("given", "lifetime"), [("", 120), ("30", 30), ("900", 900), ("901", 900), ("9999999999", 900), ("1", 10)]
)
async def test_the_client_says_how_long_it_waits(person: Person, given: str, lifetime: int) -> None:
    body = await (await ask(person.world, requested_expiry=given)).json()
    assert body["expires_in"] == lifetime
    [ends] = person.world.ends(":polled:").values()
    assert abs(ends - time.time() - lifetime) <= 2


REFUSED: list[tuple[dict[str, str], str]] = [
    # whom it means
    ({"login_hint": ""}, "invalid_request"),
    ({"login_hint": "alice", "id_token_hint": "x.y.z"}, "invalid_request"),
    ({"login_hint": "alice", "login_hint_token": "x.y.z"}, "invalid_request"),
    ({"login_hint": "", "id_token_hint": "x.y.z", "login_hint_token": "x.y.z"}, "invalid_request"),
    ({"login_hint": "nobody"}, "unknown_user_id"),
    ({"login_hint": "a" * 256}, "invalid_request"),
    ({"login_hint": "", "id_token_hint": "x.y.z"}, "invalid_request"),
    ({"login_hint": "", "id_token_hint": "x" * 16_400}, "invalid_request"),
    ({"login_hint": "", "login_hint_token": "x.y.z"}, "invalid_request"),
    # what it asks for
    ({"scope": ""}, "invalid_request"),
    ({"scope": "read"}, "invalid_scope"),
    ({"scope": "openid everything"}, "invalid_scope"),
    ({"scope": "openid " + "x" * 5000}, "invalid_request"),
    ({"resource": "https://api.example"}, "invalid_target"),
    ({"authorization_details": '[{"type":"payment"}]'}, "invalid_authorization_details"),
    ({"acr_values": "x" * 1001}, "invalid_request"),
    # what both devices show
    ({"binding_message": "x" * 129}, "invalid_binding_message"),
    ({"binding_message": "pay\u202e1000"}, "invalid_binding_message"),
    ({"binding_message": "a\nb"}, "invalid_binding_message"),
    ({"binding_message": "\u200b"}, "invalid_binding_message"),
    ({"binding_message": "\x1b[2J"}, "invalid_binding_message"),
    # how long
    ({"requested_expiry": "0"}, "invalid_request"),
    ({"requested_expiry": "-5"}, "invalid_request"),
    ({"requested_expiry": "1e3"}, "invalid_request"),
    ({"requested_expiry": "soon"}, "invalid_request"),
    ({"requested_expiry": "١٢"}, "invalid_request"),
    ({"requested_expiry": "1" * 11}, "invalid_request"),
    # the rest
    ({"user_code": "x" * 256}, "invalid_request"),
    ({"request": "x.y.z"}, "invalid_request"),
    ({"client_id": "app"}, "unauthorized_client"),
]


@pytest.mark.parametrize(("request_", "error"), REFUSED)
async def test_it_learns_at_once_what_is_wrong(person: Person, request_: dict[str, str], error: str) -> None:
    assert await error_of(await ask(person.world, **request_)) == (400, error)
    assert not person.world.key_names(":polled:")
    assert not person.world.key_names(":approvals")


async def test_the_audience_may_be_named_by_the_other_parameter(person: Person) -> None:
    """As everywhere with ``audience_parameter``: it was passed over, and the token was for everything."""
    apis = ("https://api.example", "https://bank.example")
    async with person.world.having(audience_parameter=True) as world:
        person.world = world
        await backchannel_client(world, audiences=apis)
        auth_req_id = await asked(world, audience=apis[1])
        await decide(person, "allow")
        tokens = await (await poll(world, auth_req_id)).json()
        assert (await world.introspect(tokens["access_token"], "bank"))["aud"] == [apis[1]]
        assert await error_of(await ask(world, audience="https://else.example")) == (400, "invalid_target")


async def test_a_message_of_any_script_is_taken(person: Person) -> None:
    """As the conformance suite sends it: an emoji, and a word in another script."""
    message = "1234 \U0001f44d\U0001f3ff 品川 Lor"
    await asked(person.world, binding_message=message)
    assert message in (await approvals(person)).text


async def test_who_the_client_is_comes_first(person: Person) -> None:
    world = person.world
    assert await error_of(await world.post(PATH, {"scope": "openid"}, "bank", "wrong")) == (401, "invalid_client")
    assert await error_of(await world.post(PATH, {"scope": "openid"}, None)) == (401, "invalid_client")
    assert await error_of(await ask(world, "app")) == (400, "unauthorized_client")
    grant_types = (GrantTypeName.CIBA.value,)
    await world.openid_client("phone", auth_method=ClientAuthMethod.NONE, secrets=(), grant_types=grant_types)
    refused = await world.post(PATH, {"scope": "openid", "login_hint": "alice", "client_id": "phone"}, None)
    assert await error_of(refused) == (400, "unauthorized_client")
    got = await world.http.get(PATH)
    assert (got.status, got.headers["Allow"]) == (405, "POST")


# how the client is notified


@pytest.mark.parametrize(
    ("token", "is_taken"),
    [
        *((token, False) for token in ("", "short", "x" * 21, "x" * 1025, "with blank" * 3, "ä" * 30)),
        *((token, True) for token in ("x" * 22, "x" * 1024, "mF_9.B5f-4.1JqM~+/aaaa==")),
    ],
)
async def test_a_client_that_is_notified_names_a_token_for_that(person: Person, token: str, is_taken: bool) -> None:
    endpoint = "https://bank.example/cb"
    mode = DeliveryMode.PING
    await backchannel_client(
        person.world, backchannel_token_delivery_mode=mode, backchannel_client_notification_endpoint=endpoint
    )
    response = await ask(person.world, client_notification_token=token)
    assert response.status == (200 if is_taken else 400)
    if not is_taken:
        assert (await response.json())["error"] == "invalid_request"


async def test_a_mode_that_is_not_offered_is_refused(person: Person) -> None:
    await backchannel_client(
        person.world,
        backchannel_token_delivery_mode=DeliveryMode.PUSH,
        backchannel_client_notification_endpoint="https://bank.example/cb",
    )
    response = await ask(person.world, client_notification_token=notification_token())
    assert await error_of(response) == (400, "unauthorized_client")


# bounds


async def test_a_client_cannot_flood_a_user(person: Person) -> None:
    """So many wait at once; another client, and another user, have room of their own."""
    async with person.world.having(backchannel_waiting_most=3) as world:
        await world.user("bob", "builder-of-things")
        await backchannel_client(world, "other")
        for _ in range(3):
            await asked(world)
        assert await error_of(await ask(world)) == (403, "access_denied")
        assert (await ask(world, "other")).status == 200
        assert (await ask(world, login_hint="bob")).status == 200
        assert len(references(await approvals(Person(world)))) == 4


async def test_what_waits_is_sealed_and_ends(person: Person) -> None:
    """P4, P5: neither what is asked, nor what can be polled with, can be read in Redis; all of it has an end."""
    auth_req_id = await asked(person.world, binding_message="a-message-to-look-for")
    await poll(person.world, auth_req_id)
    held = b""
    for node in person.world.redis.primaries():
        for key in node.admin.scan_iter("*"):
            held += key + (node.admin.get(key) or b"" if node.admin.type(key) == b"string" else b"")
    assert b":polled:" in held
    assert not [text for text in (auth_req_id, "a-message-to-look-for") if text.encode() in held]
    for part in (":polled:", ":approvals"):
        assert all(ends > 0 for ends in person.world.ends(part).values())


async def test_discovery_names_it(world: World) -> None:
    document = await (await world.http.get("/.well-known/openid-configuration")).json()
    assert document["backchannel_authentication_endpoint"] == f"{ISSUER}{PATH}"
    assert document["backchannel_token_delivery_modes_supported"] == ["poll", "ping"]
    assert {"PS256", "ES256"} <= set(document["backchannel_authentication_request_signing_alg_values_supported"])
    assert "none" not in document["backchannel_authentication_request_signing_alg_values_supported"]
    assert document["backchannel_user_code_parameter_supported"] is True
    assert GrantTypeName.CIBA in document["grant_types_supported"]
    async with world.having(backchannel_delivery_modes=()) as off:
        document = await (await off.http.get("/.well-known/openid-configuration")).json()
        assert not [name for name in document if name.startswith("backchannel_auth")]
        assert GrantTypeName.CIBA not in document["grant_types_supported"]
        assert (await off.post(PATH, {}, None)).status == 404
        assert (await off.http.get("/approvals")).status == 404
