"""A refresh token that was used a moment ago: what is repeated, what is not, and who hears of it (P2, RFC 9700 4.14)."""

import logging
from hashlib import sha256
from typing import Any

import pytest
from aiohttp import ClientResponse
from msgspec import structs

from service.protocol.binding import UNBOUND, Binding
from service.protocol.credentials import base64url
from service.protocol.names import RefreshRotation
from service.protocol.requested import Granted
from service.records.grant import Grant
from service.store import tokens as store
from service.tokens.authorization import Authorization
from service.tokens.replay import fingerprint_of, key_of
from tests.world import World, error_of

A, B = "https://a.example", "https://b.example"
BOTH = (A, B)
REFUSED = (400, "invalid_grant")


async def _answer(response: ClientResponse) -> dict[str, Any]:
    assert response.status == 200, await response.text()
    body: dict[str, Any] = await response.json()
    return body


# until when


@pytest.mark.parametrize("then", [RefreshRotation.ALWAYS, RefreshRotation.NEVER])
async def test_whoever_uses_the_successor_has_the_answer_and_it_waits_no_longer(
    world: World, then: RefreshRotation
) -> None:
    """Also where the client's refresh tokens are kept from now on."""
    client = await world.client()
    first = await world.tokens(client)
    second = await _answer(await world.refresh(first["refresh_token"]))
    await _answer(await world.refresh(first["refresh_token"]))
    await world.change(client, refresh_rotation=then)
    third = await _answer(await world.refresh(second["refresh_token"]))
    assert await error_of(await world.refresh(first["refresh_token"])) == REFUSED
    for token in (second["access_token"], third["access_token"], third["refresh_token"]):
        assert not await world.is_active(token), "the family has ended"


async def test_revoking_the_successor_ends_the_repeating(world: World) -> None:
    first = await world.tokens(await world.client())
    second = await _answer(await world.refresh(first["refresh_token"]))
    assert (await world.revoke(second["refresh_token"])).status == 200
    assert await error_of(await world.refresh(first["refresh_token"])) == REFUSED


async def test_a_thief_who_always_comes_second_is_seen_and_stopped(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """The client goes on, and so every token that the thief has is one too old."""
    token = (await world.tokens(await world.client()))["refresh_token"]
    stolen = token
    for _ in range(20):
        token = (await _answer(await world.refresh(token)))["refresh_token"]
        assert (await world.refresh(stolen)).status == 200
        stolen = token
    events = [record for record in caplog.records if record.getMessage() == "refresh_token_repeated"]
    assert len(events) == 20
    about = {(event.levelno, event.client_id, event.subject, event.address) for event in events}  # type: ignore[attr-defined]
    assert about == {(logging.WARNING, "app", "alice", "127.0.0.1")}
    assert b'mintmark_security_events_total{event="refresh_token_repeated"} 20.0' in world.issuer.metrics.exposition()


async def test_an_answer_is_repeated_so_many_times_and_then_its_token_is_reused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MOST_REPEATS", 5)
    tokens = await world.tokens(await world.client(audiences=BOTH), audience=BOTH)
    token = tokens["refresh_token"]
    second = await _answer(await world.refresh(token))
    for resource in ({}, {"resource": A}, {}, {"resource": B}, {}):
        assert (await world.refresh(token, **resource)).status == 200
    assert await error_of(await world.refresh(token)) == REFUSED
    assert not await world.is_active(second["access_token"])
    assert not world.key_names(":repeats")


async def test_what_counts_repeats_ends_with_the_answer(world: World) -> None:
    """P4."""
    token = (await world.tokens(await world.client()))["refresh_token"]
    for _ in range(3):
        await world.refresh(token)
    await world.client("other")  # whatever leaves next takes the count along
    (ends_at,) = {end for name, end in world.ends(":reply:").items() if not name.endswith(":repeats")}
    (counter_ends_at,) = world.ends(":repeats").values()
    assert abs(counter_ends_at - ends_at) <= 1


# for whom


def _asking(granted: Granted, binding: Binding = UNBOUND) -> str:
    grant = Grant("app", "alice", scope="read write", audience=BOTH)
    return fingerprint_of(Authorization(grant, granted, binding=binding))


def test_whatever_may_be_asked_for_makes_another_request() -> None:
    """A member of ``Granted`` or ``Binding`` that the fingerprint left out would give one client's answer to another."""
    whole = Granted("read write", BOTH)
    others = [structs.replace(whole, **{name: _other(getattr(whole, name))}) for name in Granted.__struct_fields__]
    bound = [Binding(**{name: "x"}) for name in Binding.__struct_fields__]
    asked = [_asking(whole), *map(_asking, others), *(_asking(one, by) for one in (whole, *others) for by in bound)]
    assert len(set(asked)) == len(asked)
    assert asked[0] == ""
    assert all(len(one.partition(".")[0]) == 22 for one in asked if one and not one.startswith("."))
    assert {key_of(one) for one in asked} == {"", *(one.mark for one in bound)}


def _other(value: str | tuple[str, ...] | None) -> object:
    return {"authorization_details": []} if value is None else value[:1]


def test_the_fingerprint_is_the_one_that_earlier_releases_wrote() -> None:
    """It stands in Redis, and two releases work on it side by side."""
    assert _asking(Granted("read", (A,))) == base64url(sha256(b'["read",["https://a.example"]]').digest()[:16])


@pytest.mark.parametrize(
    ("first", "other", "says"),
    [
        pytest.param({"resource": A}, {"resource": B}, {"aud": [B]}, id="RFC 8707 2.2 another resource"),
        pytest.param({}, {"resource": B}, {"aud": [B]}, id="one of two resources"),
        pytest.param({"resource": A}, {}, {"aud": [A, B]}, id="all resources"),
        pytest.param({"scope": "read"}, {"scope": "write"}, {"scope": "write"}, id="another scope"),
        pytest.param({}, {"scope": "write"}, {"scope": "write"}, id="a narrower scope"),
        pytest.param({"scope": "read"}, {}, {"scope": "read write"}, id="the whole scope"),
    ],
)
async def test_another_request_gets_its_own_access_token_and_the_same_successor(
    world: World, first: dict[str, str], other: dict[str, str], says: dict[str, Any]
) -> None:
    tokens = await world.tokens(await world.openid_client(audiences=BOTH), audience=BOTH)
    one = await _answer(await world.refresh(tokens["refresh_token"], **first))
    two = await _answer(await world.refresh(tokens["refresh_token"], **other))
    again = await _answer(await world.refresh(tokens["refresh_token"], **first))
    assert again == one
    assert two["access_token"] != one["access_token"]
    assert two["refresh_token"] == one["refresh_token"]
    told = await world.introspect(two["access_token"])
    assert told["active"]
    assert says.items() <= told.items()
    if "scope" in says:
        assert two["scope"] == says["scope"]
    assert await world.is_active(one["access_token"])
    assert (await world.refresh(two["refresh_token"])).status == 200


async def test_what_the_grant_may_not_have_is_refused_also_within_the_grace(world: World) -> None:
    tokens = await world.tokens(await world.client(audiences=BOTH), audience=BOTH)
    one = await _answer(await world.refresh(tokens["refresh_token"]))
    assert await error_of(await world.refresh(tokens["refresh_token"], scope="admin")) == (400, "invalid_scope")
    refused = await world.refresh(tokens["refresh_token"], resource="https://c.example")
    assert await error_of(refused) == (400, "invalid_target")
    assert await world.is_active(one["access_token"])


async def test_counted_refreshes_are_not_had_twice_by_asking_otherwise(world: World) -> None:
    """WM-20."""
    client = await world.client(audiences=BOTH, refresh_limit=2)
    tokens = await world.tokens(client, audience=BOTH)
    one = await _answer(await world.refresh(tokens["refresh_token"]))
    assert await error_of(await world.refresh(tokens["refresh_token"], resource=A)) == REFUSED
    assert await world.is_active(one["access_token"]), "which is no sign of theft"
    assert len(world.ends(":access:")) == 2
