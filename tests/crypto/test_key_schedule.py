"""When which key signs: a table over time, and what must hold at every moment."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from service.crypto import key_schedule
from service.crypto.key_schedule import LONGEST_TOKEN, REMEMBERED, SETTLING, SLACK, KeyState, Wanted
from service.protocol.names import SigningAlgorithm
from service.records.signing_key import KeySet, SigningKey

ES256, RS256 = SigningAlgorithm.ES256, SigningAlgorithm.RS256
AHEAD, LIFETIME = 360, 1000


def key(kid: str, signs_from: int, signs_until: int = 0, algorithm: SigningAlgorithm = ES256) -> SigningKey:
    return SigningKey(kid, algorithm, {}, "", "", 0, signs_from, signs_until)


def due(keys: tuple[SigningKey, ...], now: int, **options: Any) -> list[Wanted]:
    given = {"lifetime": LIFETIME, "published_ahead": AHEAD, **options}
    return key_schedule.due(KeySet(keys), (ES256,), now, **given)


def test_the_first_key_signs_at_once() -> None:
    assert due((), 50) == [Wanted(ES256, 50)]


def test_a_further_algorithm_waits_until_every_process_has_seen_its_key() -> None:
    assert due((key("r", 0, algorithm=RS256),), 50) == [Wanted(ES256, 50 + SETTLING)]


def test_the_next_key_is_made_that_long_before_it_signs() -> None:
    keys = (key("a", 0),)
    assert due(keys, LIFETIME - AHEAD - 1) == []
    assert due(keys, LIFETIME - AHEAD) == [Wanted(ES256, LIFETIME)]
    assert due(keys, 10 * LIFETIME, lifetime=0) == [], "0: only by hand"
    waiting = key_schedule.added(keys, key("b", LIFETIME))
    assert due(waiting, LIFETIME - 1) == [], "the next one waits already"


def test_a_key_s_life() -> None:
    """Next, active, retired but published, remembered, forgotten."""
    first, second = key_schedule.added((key("a", 100),), key("b", 200))
    assert (first.signs_until, second.signs_until) == (200, 0)
    moments = (99, 100, 199, 200, 200 + LONGEST_TOKEN + SLACK - 1, 200 + LONGEST_TOKEN + SLACK)
    assert [key_schedule.state(first, now) for now in moments] == [
        *(KeyState.NEXT, KeyState.ACTIVE, KeyState.ACTIVE, KeyState.RETIRED, KeyState.RETIRED, KeyState.REMEMBERED)
    ]
    end = 200 + LONGEST_TOKEN + SLACK + REMEMBERED
    assert key_schedule.remembered((first, second), end - 1) == (first, second)
    assert key_schedule.remembered((first, second), end) == (second,)
    assert key_schedule.published((first, second), end - 1) == [second]


def test_an_emergency_during_a_rotation_ends_the_old_key_when_the_new_one_begins() -> None:
    """What the emergency overtook would have begun later, and has signed nothing."""
    rotating = key_schedule.added((key("old", 0), key("r", 0, algorithm=RS256)), key("next", 360))
    keys = key_schedule.added(rotating, key("new", 115))
    assert keys == (key("old", 0, 115), key("r", 0, algorithm=RS256), key("new", 115))
    for now in (114, 115, 359, 360, 361):
        active = [one for one in keys if one.algorithm == ES256 and key_schedule.state(one, now) is KeyState.ACTIVE]
        assert active == [key_schedule.signing(keys, ES256, now)], now
    assert key_schedule.added(keys, key("again", 120))[0] == key("old", 0, 115), "what has an end keeps it"


def test_whoever_is_left_signs_when_a_key_is_retired() -> None:
    old, waiting, other = key("old", 0, 360), key("next", 360), key("r", 0, algorithm=RS256)
    keys = (old, other, waiting)
    assert key_schedule.without(keys, waiting, 100) == (key("old", 0), other), "the one before goes on"
    assert key_schedule.without(keys, old, 100) == (other, key("next", 100)), "the one behind begins"
    assert key_schedule.without((key("a", 0, 50), key("b", 50)), key("b", 50), 100) is None, (
        "a retired one does not sign again"
    )
    assert key_schedule.without((key("a", 0), other), key("a", 0), 100) is None


def test_before_the_first_key_is_due_it_signs_all_the_same() -> None:
    assert key_schedule.signing((key("a", 100),), ES256, 50) == key("a", 100)
    assert key_schedule.signing((), ES256, 50) is None


@settings(max_examples=200)
@given(st.lists(st.integers(min_value=1, max_value=5000), min_size=1, max_size=60), st.sampled_from([0, 500, 90_000]))
def test_at_every_moment_one_key_signs_and_everybody_has_seen_it(pauses: list[int], lifetime: int) -> None:
    """Whenever processes look: one key signs, was published long enough before, and stays as long as a token of it lives."""
    now, keys, counter = 0, KeySet(), 0
    published_at: dict[str, int] = {}
    signed_at: dict[str, int] = {}
    for pause in pauses:
        now += pause
        keys = KeySet(key_schedule.remembered(keys.keys, now))
        for wanted in key_schedule.due(keys, (ES256,), now, lifetime=lifetime, published_ahead=AHEAD):
            counter += 1
            keys = KeySet(key_schedule.added(keys.keys, key(f"k{counter}", wanted.signs_from)))
        visible = {one.kid for one in key_schedule.published(keys.keys, now)}
        for kid in visible:
            published_at.setdefault(kid, now)
        active = [one for one in keys.keys if key_schedule.state(one, now) is KeyState.ACTIVE]
        assert len(active) == 1
        signing = key_schedule.signing(keys.keys, ES256, now)
        assert signing == active[0]
        first = signing.kid == "k1"
        assert first or now - published_at[signing.kid] >= AHEAD
        signed_at[signing.kid] = now
        for kid, last in signed_at.items():
            assert kid in visible or now - last >= LONGEST_TOKEN
