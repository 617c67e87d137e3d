"""Requests of people whom nobody knows yet: kept by their browser, and where it cannot, within bounds. Whoever floods us with
them pays for it alone.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import pytest

from service.crypto.sealing import RequestSealing
from tests.person import Person, Shown, usual_request
from tests.world import World, settings_for

LONG = "x" * 990
ASKED = {"state": LONG, "nonce": LONG, "login_hint": LONG, "claims": '{"userinfo": {"' + "n" * 500 + '": null}}'}
PROXY = {"trusted_proxies": ("127.0.0.1",), "issuer": "http://127.0.0.1:8080"}


@pytest.fixture
async def person(world: World) -> Person:
    await world.openid_client()
    await world.user()
    return Person(world)


@asynccontextmanager
async def without_keys(world: World, **settings: object) -> AsyncIterator[World]:
    """No key of the settings' to seal with."""
    async with (
        world.with_part(request_sealing=RequestSealing((), world.issuer.randomness)) as keyless,
        keyless.having(**settings) as other,
    ):
        yield other


def bytes_in(world: World) -> int:
    """Everything that Redis holds: names and values."""
    return sum(len(key) + len(repr(entry)) for key, entry in world.redis.dump().items())


@pytest.mark.parametrize("sealed_by", [{"master_key": "m" * 43}, {}], ids=["master key", "key files"])
@pytest.mark.parametrize("method", ["get", "post"])
async def test_an_anonymous_request_costs_redis_nothing(
    person: Person, method: str, sealed_by: dict[str, object]
) -> None:
    """With long parameters, as whoever wants to fill Redis sends them; the page is looked at, and left."""
    sealing = RequestSealing.of(settings_for(person.world.redis.url, **sealed_by), person.world.issuer.randomness)
    async with person.world.with_part(request_sealing=sealing) as world:
        person.world = world
        before = world.redis.dump()
        for number in range(20):
            person.cookies.clear()
            asked = usual_request(**ASKED | {"state": f"{number}{LONG}"[:990]})
            if method == "post":
                await person.get("/applications")  # a POST without our cookie would be asked again by GET
            shown = await (person.post("/authorize", asked) if method == "post" else person.get("/authorize", **asked))
            assert shown.heading == "Sign in"
            assert (await person.get("/login", ticket=shown.form["ticket"])).heading == "Sign in"
        assert world.redis.dump().keys() == before.keys()


async def test_what_it_costs_to_have_tried(person: Person) -> None:
    """Of what was asked nothing is there, only how far it got; by its TTL it ends a minute after the ticket."""
    shown = await person.post("/authorize", usual_request(**ASKED))
    await person.log_in(shown, password="wrong")
    (key,) = person.world.ends("{ticket:")
    assert len(person.world.redis.dump()[key.encode()].value) < 200
    assert 0 < person.world.ends("{ticket:")[key] - person.world.issuer.clock() <= 961


async def test_every_process_and_every_key_opens_what_one_has_sealed(person: Person) -> None:
    """Master keys are rotated: the new one seals, the old one opens still; what neither made is no ticket."""
    randomness, world = person.world.issuer.randomness, person.world
    old, new = b"old" * 20, b"new" * 20
    async with world.with_part(request_sealing=RequestSealing([old], randomness)) as before:
        person.world = before
        shown = await person.authorize()
    for keys, heading in (
        ([old], "Allow The App?"),
        ([new, old], "Allow The App?"),
        ([new], "This page is no longer valid"),
    ):
        async with world.with_part(request_sealing=RequestSealing(keys, randomness)) as after:
            somebody = Person(after, dict(person.cookies))
            assert (await somebody.log_in(shown)).heading == heading
        person.world.expire("{ticket:")


@pytest.mark.parametrize("place", [0, 10, 100, -1])
async def test_a_ticket_that_was_changed_is_none(person: Person, place: int) -> None:
    shown = await person.authorize()
    ticket = list(shown.form["ticket"])
    ticket[place] = "A" if ticket[place] != "A" else "Q"
    assert (await person.get("/login", ticket="".join(ticket))).status == 400


async def test_master_key_or_key_files(world: World) -> None:
    """What all processes of an issuer have; the current master key before older ones, and before files."""
    settings, randomness = world.issuer.settings, world.issuer.randomness
    from_files = RequestSealing.of(settings, randomness)
    assert RequestSealing.of(settings, randomness).unseal(from_files.seal(b"asked")) == b"asked"
    with_key = RequestSealing.of(settings_for(world.redis.url, master_key="m" * 43), randomness)
    assert with_key.unseal(with_key.seal(b"asked")) == b"asked"
    assert with_key.unseal(from_files.seal(b"asked")) is None
    assert RequestSealing((), randomness).seal(b"asked") == ""


# where no browser can keep it


async def test_without_a_key_it_waits_in_redis_sealed_by_its_ticket(person: Person) -> None:
    """P5: neither the hint nor the ticket can be read there; and all of it works as ever."""
    async with without_keys(person.world) as keyless:
        person.world = keyless
        shown = await person.authorize(login_hint="alice@example.com", state="secret-state")
        dump = repr(keyless.redis.dump())
        assert "alice@example.com" not in dump
        assert "secret-state" not in dump
        assert shown.form["ticket"] not in dump
        (key,) = keyless.ends(":request")
        assert 0 < keyless.ends(":request")[key] - keyless.issuer.clock() <= 901
        done = await person.agree(await person.log_in(shown))
        assert done.answer["state"] == "secret-state"
        late = await person.get("/login", ticket=shown.form["ticket"])
        assert "way-again" in late.text, "as long as it is there"


async def test_a_request_too_long_for_a_url_waits_in_redis(person: Person) -> None:
    """Compressed it must not matter what it is, so these are random."""
    state, nonce = (person.world.issuer.randomness(1990).hex() for _ in range(2))
    shown = await person.post("/authorize", usual_request(state=state, nonce=nonce))
    assert shown.form["ticket"].startswith("mm_ti_"), "a credential of its own, as every other"
    done = await person.agree(await person.log_in(shown))
    assert done.answer["state"] == state


async def test_a_flood_from_one_network_hurts_that_network_alone(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made small, to be filled: of one /24 only so much waits, whatever browser it says it is; others go on as ever."""
    monkeypatch.setattr("service.store.waiting.NETWORK_MOST", 20_000)
    async with without_keys(person.world, **PROXY) as keyless:

        async def ask(address: str) -> Shown:
            return await _from(keyless, address)

        answers = [await ask(f"192.0.2.{number}") for number in range(40)]
        refused = [answer for answer in answers if answer.status == 503]
        assert 10 < len(refused) < 35
        assert (refused[0].heading, refused[0].headers["Retry-After"]) == ("Please try again", "60")
        assert "way-" in refused[0].text
        assert (await ask("198.51.100.7")).heading == "Sign in"
        assert (await ask("2001:db8::7")).heading == "Sign in"
        assert bytes_in(keyless) < 80_000
        assert (
            b'mintmark_security_events_total{event="pending_requests_limited"}' in keyless.issuer.metrics.exposition()
        )
        keyless.expire("{waiting}")
        assert (await ask("192.0.2.1")).heading == "Sign in", "the window is over"


async def test_a_browser_has_a_bound_of_its_own(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its neighbour on the same network goes on as ever."""
    monkeypatch.setattr("service.store.waiting.BROWSER_MOST", 4000)
    async with without_keys(person.world) as keyless:
        one, neighbour = Person(keyless), Person(keyless)
        headings = [(await one.authorize(state="s" * 300)).heading for _ in range(20)]
        assert set(headings) == {"Sign in", "Please try again"}
        assert headings == sorted(headings, reverse=True), "once it is full, it stays so"
        assert (await neighbour.authorize(state="s" * 300)).heading == "Sign in"


async def test_in_all_there_is_a_bound_too(person: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    """Raced, from many networks: the counters are one script's."""
    monkeypatch.setattr("service.store.waiting.EVERYBODY_MOST", 20_000)
    async with without_keys(person.world, **PROXY) as keyless:
        answers = await asyncio.gather(*(_from(keyless, f"10.{number}.0.1") for number in range(100)))
        (total,) = [
            int(node.admin.get("mm:{waiting}:everybody") or 0)
            for node in keyless.redis.primaries()
            if node.admin.dbsize()
        ]
        assert 15_000 < total <= 20_000
        assert 0 < sum(answer.status == 200 for answer in answers) < 60
        assert all(end > 0 for end in keyless.ends("{waiting}").values())


async def test_who_cancels_has_an_answer_though_there_is_no_room(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten thousand requests cancelled leave no more than their share behind; and nobody waits for an answer."""
    monkeypatch.setattr("service.store.waiting.BROWSER_MOST", 1000)
    for _ in range(10):
        shown = await person.authorize()
        assert (await person.submit(shown, cancel="1")).error == "access_denied"
    assert len(person.world.key_names("{ticket:")) < 5


async def _from(world: World, address: str) -> Shown:
    """A request of a new browser at this address; what it sees in the end."""
    person = _Elsewhere(world, address=address)
    return await person.authorize(state="s" * 300)


class _Elsewhere(Person):
    """A person behind a proxy that says where they are."""

    def __init__(self, world: World, address: str) -> None:
        super().__init__(world)
        self.address = address

    async def get(self, path: str, **query: str) -> Shown:
        url = f"{path}?{urlencode(query)}" if query else path
        for _ in range(5):
            cookies = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            headers = {"Cookie": cookies, "X-Forwarded-For": self.address}
            self.world.http.session.cookie_jar.clear()
            response = await self.world.http.get(url, headers=headers, allow_redirects=False)
            self._keep_cookies(response.headers.getall("Set-Cookie", []))
            url = response.headers.get("Location", "")
            if not url.startswith("/"):
                return Shown(response.status, await response.text(), url, response.headers)
        raise AssertionError(path)
