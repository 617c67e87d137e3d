"""Where errors of the authorization endpoint are told: on a page of ours, or to the client."""

import asyncio
import re
from html import unescape

import pytest

from service.store.store import make_store
from tests.patience import PATIENCE
from tests.person import Person, usual_request
from tests.world import CALLBACK, settings_for

# errors


@pytest.mark.parametrize(
    "request_",
    [
        {"client_id": "nobody"},
        {"client_id": ""},
        {"client_id": "x" * 300},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": CALLBACK + "#fragment"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": "//evil.example/"},
        {"redirect_uri": CALLBACK + ".evil.example"},
    ],
)
async def test_until_client_and_redirect_uri_hold_an_error_is_a_page(person: Person, request_: dict[str, str]) -> None:
    """Nobody is sent anywhere: an open redirect would be a gift to phishers."""
    shown = await person.get("/authorize", **{k: v for k, v in (usual_request() | request_).items() if v})
    assert (shown.status, shown.location, shown.heading) == (400, "", "Request error")


async def test_a_disabled_client_gets_a_page(person: Person) -> None:
    client = await person.world.issuer.store.clients.read("app")
    assert client is not None
    await person.world.change(client, enabled=False)
    assert (await person.authorize()).heading == "Request error"


async def test_parameters_given_twice_are_refused(person: Person) -> None:
    """RFC 6749 3.1."""
    shown = await person.get("/authorize?client_id=app&client_id=app")
    assert (shown.status, shown.heading) == (400, "Request error")


async def test_errors_carry_state_and_iss_and_nothing_else(person: Person) -> None:
    shown = await person.authorize(response_type="magic", state="a&b=ü")
    assert set(shown.answer) == {"error", "error_description", "state", "iss"}
    assert shown.answer["state"] == "a&b=ü"


async def test_a_post_is_taken(person: Person) -> None:
    """oidcc-ensure-post-request-succeeds."""
    await person.sign_in()
    shown = await person.post("/authorize", usual_request())
    assert "code" in shown.answer


async def test_redis_away_is_told_to_the_client_or_the_person(person: Person) -> None:
    """P7: never a hang, never a wrong error."""
    await person.sign_in()
    nowhere = settings_for("redis://127.0.0.1:1/0", redis_timeout=0.2)
    async with person.world.with_part(store=make_store(nowhere)) as cut_off:
        person.world = cut_off
        for path in ("/authorize?client_id=app", "/login?ticket=x", "/applications", "/logout"):
            shown = await asyncio.wait_for(person.get(path), PATIENCE)
            assert (shown.status, shown.heading) == (503, "Please try again"), path
            assert ('id="way-retry" href=""' in shown.text) == (path in ("/authorize?client_id=app", "/logout")), path


async def test_a_form_that_redis_could_not_take_leads_back_to_its_page(person: Person) -> None:
    """Its URL without the ticket would be a page that is no longer valid."""
    page = await person.authorize()
    nowhere = settings_for("redis://127.0.0.1:1/0", redis_timeout=0.2)
    here = person.world
    async with here.with_part(store=make_store(nowhere)) as cut_off:
        person.world = cut_off
        shown = await person.submit(page, username="alice", password="wonderland")
        assert (shown.status, shown.heading) == (503, "Please try again")
    person.world = here
    way = re.search(r'id="way-continue" href="([^"]+)"', shown.text)
    assert way is not None
    assert (await person.get(unescape(way[1]))).heading == "Sign in"
