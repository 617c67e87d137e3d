"""The page for devices (RFC 8628 sections 3.3 and 5): a code is entered, confirmed, and allowed as every other request."""

import asyncio

import pytest

from service.login import user_codes
from tests.devices import begun, confirm, connect, device_client, enter, polled
from tests.person import Person
from tests.polling import DENIED, PENDING, REFUSED
from tests.world import World, error_of

FORM, CONFIRM, DONE = "Connect a device", "Connect The TV?", "Your device is connected"


@pytest.fixture
async def person(world: World) -> Person:
    await device_client(world)
    await world.user()
    return Person(world)


async def answered(person: Person, device_code: str) -> tuple[int, str]:
    return await error_of(await polled(person.world, device_code))


# the whole way


async def test_a_client_that_lost_the_grant_type_asks_nothing_more(person: Person) -> None:
    device = await begun(person.world)
    shown = await person.log_in(await confirm(person, device["user_code"]))
    client = await person.world.issuer.store.clients.read("tv")
    assert client is not None
    await person.world.change(client, grant_types=("refresh_token",))
    person.world.issuer.store.clients.forget(["tv"])
    assert (await person.agree(shown)).status == 400
    assert (await enter(person, device["user_code"])).heading == FORM


async def test_a_device_is_connected(person: Person) -> None:
    device = await begun(person.world, scope="openid read")
    shown = await enter(person, device["user_code"])
    assert shown.heading == CONFIRM
    assert device["user_code"] in shown.text
    assert "device-warning" in shown.text
    assert await answered(person, device["device_code"]) == PENDING
    shown = await person.submit(shown, decision="continue")
    shown = await person.agree(await person.log_in(shown))
    assert shown.heading == DONE
    tokens = await (await polled(person.world, device["device_code"])).json()
    assert {"access_token", "refresh_token", "id_token"} <= tokens.keys()
    (listed,) = (await person.world.issuer.store.grants.list_of_user("alice")).grants
    assert listed.grant.grant_type == "urn:ietf:params:oauth:grant-type:device_code"


async def test_the_code_of_a_link_is_filled_in_and_confirmed_all_the_same(person: Person) -> None:
    """Section 5.4: opening a link connects nothing, and tells nobody anything."""
    device = await begun(person.world)
    shown = await person.get("/device", user_code=device["user_code"])
    assert (shown.heading, shown.form["user_code"]) == (FORM, device["user_code"])
    assert "The TV" not in shown.text
    assert (await person.submit(shown)).heading == CONFIRM
    assert await answered(person, device["device_code"]) == PENDING


async def test_what_a_form_holds_confirms_nothing_in_a_link(person: Person) -> None:
    """Links are opened by what reads ahead, and by whoever is sent one."""
    device = await begun(person.world)
    shown = await enter(person, device["user_code"])
    assert shown.heading == CONFIRM
    for decision in ("", "continue", "deny"):
        assert (await person.get("/device", **shown.form | {"decision": decision})).heading == FORM
    assert await answered(person, device["device_code"]) == PENDING


async def test_who_is_signed_in_confirms_and_agrees_again(person: Person) -> None:
    """Anybody can begin in the name of a public client: an old yes is none for another device."""
    for _ in range(2):
        device = await begun(person.world)
        assert (await connect(person, device["user_code"])).heading == DONE
    device = await begun(person.world)
    shown = await confirm(person, device["user_code"])
    assert shown.action.endswith("/consent")


async def test_a_confirmation_sent_twice_is_answered_once(person: Person) -> None:
    client = await person.world.issuer.store.clients.get("tv")
    assert client
    await person.world.change(client, skip_consent=True)
    device = await begun(person.world)
    shown = await enter(person, device["user_code"])
    first, second = await asyncio.gather(*(person.submit(shown, decision="continue") for _ in range(2)))
    assert (first.status, first.text[:200]) == (second.status, second.text[:200])


# no


async def test_who_did_not_start_it_says_so(person: Person) -> None:
    device = await begun(person.world)
    shown = await person.submit(await enter(person, device["user_code"]), decision="deny")
    assert shown.heading == "Nothing was connected"
    assert await answered(person, device["device_code"]) == DENIED
    assert (await enter(person, device["user_code"])).heading == FORM


@pytest.mark.parametrize("where", ["login", "consent"])
async def test_a_no_on_the_way_is_one_for_the_device(person: Person, where: str) -> None:
    device = await begun(person.world)
    shown = await confirm(person, device["user_code"])
    if where == "login":
        shown = await person.submit(shown, cancel="1")
    else:
        shown = await person.submit(await person.log_in(shown), decision="deny")
    assert shown.heading == "Nothing was connected"
    assert await answered(person, device["device_code"]) == DENIED


async def test_what_has_expired_meanwhile_is_over(person: Person) -> None:
    device = await begun(person.world)
    shown = await person.log_in(await confirm(person, device["user_code"]))
    person.world.expire(":polled:")
    shown = await person.agree(shown)
    assert (shown.status, shown.heading) == (200, "This request is over")


async def test_who_took_too_long_to_sign_in_enters_the_code_again(person: Person) -> None:
    device = await begun(person.world, scope="openid")
    shown = await confirm(person, device["user_code"])
    now = person.world
    async with now.with_part(clock=lambda: now.issuer.clock() + 901) as later:
        person.world = later
        shown = await person.submit(shown, username="alice", password="wonderland")
        assert (shown.status, 'id="way-device" href="/device"' in shown.text) == (400, True)
    person.world = now
    assert (await enter(person, device["user_code"])).heading == CONFIRM


async def test_an_acr_that_nobody_can_reach_ends_it(person: Person) -> None:
    device = await begun(person.world, scope="openid", acr_values="urn:none")
    shown = await connect(person, device["user_code"])
    assert shown.heading == DONE, "a wish, not a condition"


async def test_of_two_people_with_one_code_the_first_counts(person: Person) -> None:
    await person.world.user("bob")
    other = Person(person.world)
    device = await begun(person.world)
    first = await person.log_in(await confirm(person, device["user_code"]))
    second = await other.log_in(await confirm(other, device["user_code"]), "bob")
    assert (await person.agree(first)).heading == DONE
    assert (await other.agree(second)).heading == "This request is over"
    assert (await polled(person.world, device["device_code"])).status == 200
    assert not (await person.world.issuer.store.grants.list_of_user("bob")).grants


# forms of others


async def test_a_form_of_another_browser_changes_nothing(person: Person) -> None:
    """Neither a code nor a confirmation can be sent from another site."""
    device = await begun(person.world)
    shown = await enter(person, device["user_code"])
    other = Person(person.world)
    for form in (
        shown.form,
        shown.form | {"decision": "continue"},
        shown.form | {"decision": "deny"},
        {"user_code": device["user_code"]},
    ):
        again = await other.post("/device", form)
        assert again.heading == FORM
    assert await answered(person, device["device_code"]) == PENDING


async def test_a_confirmation_is_for_one_code(person: Person) -> None:
    """It cannot be used to try others: what was not found was not confirmed."""
    first, second = await begun(person.world), await begun(person.world)
    shown = await enter(person, first["user_code"])
    shown = await person.submit(shown, user_code=second["user_code"], decision="continue")
    assert shown.heading == FORM


async def test_a_client_that_was_disabled_meanwhile_is_not_shown(person: Person) -> None:
    device = await begun(person.world)
    client = await person.world.issuer.store.clients.get("tv")
    assert client
    await person.world.change(client, enabled=False)
    shown = await enter(person, device["user_code"])
    assert (shown.heading, "unknown" in shown.text or "wrong" in shown.text) == (FORM, True)


# guessing


@pytest.mark.parametrize("code", ["", "AAAA-AAAA", "B", "BCDF-GHJK" * 10])
async def test_what_is_no_code_is_not_looked_for(person: Person, code: str) -> None:
    shown = await enter(person, code)
    assert (shown.status, shown.heading) == (200, FORM)
    assert not person.world.key_names("failures")


async def test_guessing_is_slow_in_one_browser(person: Person) -> None:
    device = await begun(person.world)
    for _ in range(6):
        assert (await enter(person, "BBBB-BBBB")).status == 200
    shown = await enter(person, device["user_code"])
    assert (shown.status, shown.heading) == (429, FORM), "also for the right one"
    other = Person(person.world)
    assert (await enter(other, device["user_code"])).heading == CONFIRM


@pytest.mark.parametrize("signs_in", [False, True])
async def test_a_right_code_forgives_no_wrong_one(person: Person, signs_in: bool) -> None:
    """Who guesses can have one at any time, of a device of their own."""
    if signs_in:
        await connect(person, (await begun(person.world))["user_code"])
    own = await begun(person.world)
    for _ in range(2):
        for _ in range(3):
            assert (await enter(person, "BBBB-BBBB")).status == 200
        shown = await enter(person, own["user_code"])
    assert (shown.status, shown.heading) == (429, FORM)


async def test_ten_thousand_guesses_from_one_network_find_nothing(person: Person) -> None:
    """New browsers all the time: the network is blocked, however many arrive at once."""
    async with person.world.having(address_failures_allowed=20) as world:
        await begun(world)
        tried = 0
        store = world.issuer.store.user_codes
        find_step = store.find_step

        def counted(code: str):  # type: ignore[no-untyped-def]
            nonlocal tried
            tried += 1
            return find_step(code)

        store.find_step = counted  # type: ignore[method-assign]
        found = await asyncio.gather(*(_guess(world, number) for number in range(10_000)), return_exceptions=True)
        del store.find_step
        refused = [one for one in found if isinstance(one, Exception)]
        assert len(refused) >= 9_900
        assert tried <= 200, "the others were not even looked for"


async def _guess(world: World, number: int) -> str:
    browser = f"mm_br_{number:043d}"
    return await user_codes.find(world.issuer, "BBBBBBBB", browser, "192.0.2.1", None)


async def test_too_many_from_everywhere_let_only_people_in_who_have_signed_in(person: Person) -> None:
    """Strangers can keep nobody from connecting a device."""
    async with person.world.having(user_code_failures_allowed_anywhere=10) as world:
        person.world = world
        device = await begun(world)
        for number in range(12):
            with_address = f"198.51.{number}.1"
            try:
                await user_codes.find(world.issuer, "BBBBBBBB", f"mm_br_{number}", with_address, None)
            except user_codes.MustSignInFirstError:
                assert number > 10
        shown = await enter(person, device["user_code"])
        assert shown.action.endswith("/login")
        shown = await person.log_in(shown)
        assert (shown.heading, shown.form["user_code"]) == (FORM, device["user_code"])
        assert (await person.submit(shown)).heading == CONFIRM


async def test_another_client_cannot_poll_for_it(person: Person) -> None:
    await device_client(person.world, "other")
    device = await begun(person.world)
    await connect(person, device["user_code"])
    assert await error_of(await polled(person.world, device["device_code"], "other")) == REFUSED
    assert (await polled(person.world, device["device_code"])).status == 200
