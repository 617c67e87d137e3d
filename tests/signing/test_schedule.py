"""When which key signs: a table over time, and what must hold at every moment."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from service.protocol.names import SigningAlgorithm
from service.records.signing_key import KeySet, SigningKey
from service.signing import schedule
from service.signing.schedule import LONGEST_TOKEN, REMEMBERED, SETTLING, SLACK, State, Wanted

ES256, RS256 = SigningAlgorithm.ES256, SigningAlgorithm.RS256
AHEAD, LIFETIME = 360, 1000


def key(kid: str, signs_from: int, signs_until: int = 0, algorithm: SigningAlgorithm = ES256) -> SigningKey:
    return SigningKey(kid, algorithm, {}, "", "", 0, signs_from, signs_until)


def due(keys: tuple[SigningKey, ...], now: int, **options: Any) -> list[Wanted]:
    given = {"lifetime": LIFETIME, "published_ahead": AHEAD, **options}
    return schedule.due(KeySet(keys), (ES256,), now, **given)


def test_the_first_key_signs_at_once() -> None:
    assert due((), 50) == [Wanted(ES256, 50)]


def test_a_further_algorithm_waits_until_every_process_has_seen_its_key() -> None:
    assert due((key("r", 0, algorithm=RS256),), 50) == [Wanted(ES256, 50 + SETTLING)]


def test_the_next_key_is_made_that_long_before_it_signs() -> None:
    keys = (key("a", 0),)
    assert due(keys, LIFETIME - AHEAD - 1) == []
    assert due(keys, LIFETIME - AHEAD) == [Wanted(ES256, LIFETIME)]
    assert due(keys, 10 * LIFETIME, lifetime=0) == [], "0: only by hand"
    waiting = schedule.added(keys, key("b", LIFETIME))
    assert due(waiting, LIFETIME - 1) == [], "the next one waits already"


def test_a_key_s_life() -> None:
    """Next, active, retired but published, remembered, forgotten."""
    first, second = schedule.added((key("a", 100),), key("b", 200))
    assert (first.signs_until, second.signs_until) == (200, 0)
    moments = (99, 100, 199, 200, 200 + LONGEST_TOKEN + SLACK - 1, 200 + LONGEST_TOKEN + SLACK)
    assert [schedule.state(first, now) for now in moments] == [
        *(State.NEXT, State.ACTIVE, State.ACTIVE, State.RETIRED, State.RETIRED, State.REMEMBERED)
    ]
    end = 200 + LONGEST_TOKEN + SLACK + REMEMBERED
    assert schedule.remembered((first, second), end - 1) == (first, second)
    assert schedule.remembered((first, second), end) == (second,)
    assert schedule.published((first, second), end - 1) == [second]


def test_an_emergency_during_a_rotation_ends_the_old_key_when_the_new_one_begins() -> None:
    """What the emergency overtook would have begun later, and has signed nothing."""
    rotating = schedule.added((key("old", 0), key("r", 0, algorithm=RS256)), key("next", 360))
    keys = schedule.added(rotating, key("new", 115))
    assert keys == (key("old", 0, 115), key("r", 0, algorithm=RS256), key("new", 115))
    for now in (114, 115, 359, 360, 361):
        active = [one for one in keys if one.algorithm is ES256 and schedule.state(one, now) is State.ACTIVE]
        assert active == [schedule.signing(keys, ES256, now)], now
    assert schedule.added(keys, key("again", 120))[0] == key("old", 0, 115), "what has an end keeps it"


def test_whoever_is_left_signs_when_a_key_is_retired() -> None:
    old, waiting, other = key("old", 0, 360), key("next", 360), key("r", 0, algorithm=RS256)
    keys = (old, other, waiting)
    assert schedule.without(keys, waiting, 100) == (key("old", 0), other), "the one before goes on"
    assert schedule.without(keys, old, 100) == (other, key("next", 100)), "the one behind begins"
    assert schedule.without((key("a", 0, 50), key("b", 50)), key("b", 50), 100) is None, (
        "a retired one does not sign again"
    )
    assert schedule.without((key("a", 0), other), key("a", 0), 100) is None


def test_before_the_first_key_is_due_it_signs_all_the_same() -> None:
    assert schedule.signing((key("a", 100),), ES256, 50) == key("a", 100)
    assert schedule.signing((), ES256, 50) is None


@settings(max_examples=200)
@given(st.lists(st.integers(min_value=1, max_value=5000), min_size=1, max_size=60), st.sampled_from([0, 500, 90_000]))
def test_at_every_moment_one_key_signs_and_everybody_has_seen_it(pauses: list[int], lifetime: int) -> None:
    """Whenever processes look: one key signs, was published long enough before, and stays as long as a token of it lives."""
    now, keys, counter = 0, KeySet(), 0
    published_at: dict[str, int] = {}
    signed_at: dict[str, int] = {}
    for pause in pauses:
        now += pause
        keys = KeySet(schedule.remembered(keys.keys, now))
        for wanted in schedule.due(keys, (ES256,), now, lifetime=lifetime, published_ahead=AHEAD):
            counter += 1
            keys = KeySet(schedule.added(keys.keys, key(f"k{counter}", wanted.signs_from)))
        visible = {one.kid for one in schedule.published(keys.keys, now)}
        for kid in visible:
            published_at.setdefault(kid, now)
        active = [one for one in keys.keys if schedule.state(one, now) is State.ACTIVE]
        assert len(active) == 1
        signing = schedule.signing(keys.keys, ES256, now)
        assert signing == active[0]
        first = signing.kid == "k1"
        assert first or now - published_at[signing.kid] >= AHEAD
        signed_at[signing.kid] = now
        for kid, last in signed_at.items():
            assert kid in visible or now - last >= LONGEST_TOKEN
