"""The events login, logged_in, logged_out: a hook may keep out whose password was right, and hears who comes and goes."""

from collections.abc import AsyncIterator

import pytest

from service.admin.hooks import sample
from service.protocol.names import HookEvent
from tests.hooks.receiver import Receiver, delivered, hooked, saying
from tests.person import Person
from tests.redis_shapes import Shape
from tests.world import World, error_of


@pytest.fixture
async def world(redis: Shape, receiver: Receiver) -> AsyncIterator[World]:
    receiver.answers["login"] = {"allow": True}
    events = ["login", "logged_in", "logged_out"]
    async with hooked(redis, {"door": {"url": receiver.url, "events": events}}) as made:
        await made.user()
        await made.openid_client()
        yield made


async def test_somebody_whom_a_hook_refuses_gets_no_session(world: World, receiver: Receiver) -> None:
    """IRIS AfterAuthenticate, ValidateUser: access_denied with the hook's text for the client, and no session."""
    receiver.answers["login"] = {"allow": False, "message": "Contractors may not sign in at night."}
    answer = (await Person(world).sign_in()).answer
    assert (answer["error"], answer["error_description"]) == ("access_denied", "Contractors may not sign in at night.")
    assert not world.key_names("{session:")
    await delivered(world)
    assert receiver.of("logged_in") == []


async def test_a_wrong_password_reaches_no_hook(world: World, receiver: Receiver) -> None:
    person = Person(world)
    await person.log_in(await person.authorize(), password="wrong")
    assert (await world.token(grant_type="password", username="alice", password="wrong")).status == 400
    assert receiver.heard == []


async def test_a_door_that_is_broken_stays_shut(world: World, receiver: Receiver) -> None:
    """P7: a page that says so, no session; and the way in again when the hook is back."""
    receiver.turn = saying(500)
    shown = await Person(world).sign_in()
    assert (shown.status, shown.error) == (503, "temporarily_unavailable")
    assert not world.key_names("{session:")
    receiver.turn = None
    assert "code" in (await Person(world).sign_in()).answer


async def test_who_is_kept_out_of_a_browser_is_kept_out_of_the_password_grant(world: World, receiver: Receiver) -> None:
    """IT-03: there is no way round."""
    receiver.answers["login"] = {"allow": False, "message": "No."}
    refused = await world.token(grant_type="password", username="alice", password="wonderland")
    assert await error_of(refused) == (400, "invalid_grant")
    assert receiver.of("login")[0]["how"] == "password"
    receiver.turn = saying(500)
    refused = await world.token(grant_type="password", username="alice", password="wonderland")
    assert refused.status == 503
    receiver.turn, receiver.answers["login"] = None, {"allow": True}
    assert (await world.token(grant_type="password", username="alice", password="wonderland")).status == 200


async def test_coming_and_going_is_told(world: World, receiver: Receiver) -> None:
    """IRIS OnLogoutAccessToken; the same session id in both."""
    person = Person(world)
    await person.sign_in()
    page = await person.get("/logout")
    await person.submit(page, decision="logout")
    assert await delivered(world) == 2
    (came,), (went,) = receiver.of("logged_in"), receiver.of("logged_out")
    assert (came["subject"], came["username"], came["address"]) == ("alice", "alice", "127.0.0.1")
    assert came["client_id"] == receiver.of("login")[0]["client_id"] == "app"
    assert (came["renewed"], came["session_id"]) == (False, went["session_id"])
    assert (went["subject"], went["grants_ended"]) == ("alice", 1)
    assert await delivered(world) == 0
    heard = {"login": receiver.of("login")[0], "logged_in": came, "logged_out": went}
    for event, facts in heard.items():
        assert sample(HookEvent(event)).keys() == facts.keys() | {"test"}, "`mintmark hook test` sends the same members"


async def test_a_session_that_is_used_again_is_no_login(world: World, receiver: Receiver) -> None:
    person = Person(world)
    await person.sign_in()
    await person.sign_in()
    assert len(receiver.of("login")) == 1
