"""What scripts do with a user's index of grants, and with those that count together."""

import random

import pytest

from tests import redis_shapes
from tests.store.acts import FOR_EVER, GONE, Acts

TEN_YEARS = 315_360_000


@pytest.fixture
def acts(redis: redis_shapes.Shape) -> Acts:
    return Acts(redis.nodes[0].admin)


def index(acts: Acts, grant: str, ends: int | None, most: int = 0, counts_until: int | None = None) -> object:
    return acts(
        "index_grant",
        grant_id=grant,
        grant_ends=0 if ends is None else acts.at(ends),
        most=most,
        counts_until="" if counts_until is None else acts.at(counts_until),
    )


def add(acts: Acts, name: str, **scores: float) -> None:
    acts.server.zadd(f"mm:{{x}}:{name}", scores)


def test_an_index_ends_with_the_last_of_its_grants(acts: Acts) -> None:
    assert index(acts, "a", 100) == "indexed"
    assert (acts.scores("user_grants"), acts.ends("user_grants")) == ({"a": 100}, 100)
    index(acts, "b", 60)
    assert (acts.scores("user_grants"), acts.ends("user_grants")) == ({"b": 60, "a": 100}, 100)
    index(acts, "b", 300)
    assert acts.ends("user_grants") == 300
    index(acts, "a", 50)  # never earlier
    assert acts.scores("user_grants") == {"a": 100, "b": 300}
    assert acts.names() == {"user_grants"}


def test_a_grant_for_ever_keeps_the_index_until_it_gets_an_end(acts: Acts) -> None:
    index(acts, "a", 100)
    index(acts, "b", None)
    assert (acts.scores("user_grants"), acts.ends("user_grants")) == ({"a": 100, "b": float("inf")}, FOR_EVER)
    index(acts, "a", 200)
    assert acts.ends("user_grants") == FOR_EVER
    index(acts, "b", 150)
    assert (acts.scores("user_grants"), acts.ends("user_grants")) == ({"b": 150, "a": 200}, 200)


def test_what_is_sent_again_after_the_grant_has_gone_on_changes_nothing(acts: Acts) -> None:
    """Else a grant for ever would have an end in the index, and nothing would find it there once that is over."""
    index(acts, "a", None, most=3)
    index(acts, "b", 200, most=3)
    for grant in ("a", "b"):
        given = {"grant_id": grant, "grant_ends": acts.at(100), "most": 3, "known": "sent_again"}
        assert acts("index_grant", kin="other_kin", other_kin="kin", **given) == "indexed"
    assert acts.scores("user_grants") == {"a": float("inf"), "b": 200}
    assert set(acts.scores("kin")) == {"a", "b"}
    assert acts.scores("other_kin") == {}


def test_with_a_new_grant_those_that_are_over_leave(acts: Acts) -> None:
    add(acts, "user_grants", old=acts.at(-10), now=acts.at(5))
    index(acts, "now", 20)
    assert set(acts.scores("user_grants")) == {"old", "now"}
    index(acts, "new", 20)
    assert set(acts.scores("user_grants")) == {"now", "new"}


def test_a_disabled_user_gets_nothing(acts: Acts) -> None:
    acts.put("user_disabled", "1")
    assert index(acts, "a", 100, most=2) == "disabled"
    assert acts.names() == {"user_disabled"}


def test_more_than_there_may_be_are_named_to_be_ended(acts: Acts) -> None:
    for grant, ends in (("a", 100), ("b", 200), ("c", 300)):
        assert index(acts, grant, ends, most=3) == "indexed"
    assert (acts.scores("kin"), acts.ends("kin")) == ({"a": 100, "b": 200, "c": 300}, 300)
    assert index(acts, "d", 400, most=3) == ["indexed", "a"]
    assert index(acts, "b", 500, most=3) == "indexed"  # it lives on
    assert index(acts, "e", 600, most=3) == ["indexed", "c"]
    assert index(acts, "f", 700, most=1) == ["indexed", "d", "b", "e"]
    kin = acts.scores("kin")
    assert kin.pop("f") == 700
    assert all(-acts.now - 5 <= score <= -acts.now for score in kin.values())


def test_the_newest_stays_though_it_ends_first(acts: Acts) -> None:
    index(acts, "a", 500, most=2)
    index(acts, "b", 400, most=2)
    assert index(acts, "c", 100, most=2) == ["indexed", "b"]


def test_who_is_not_ended_within_ten_seconds_is_named_again(acts: Acts) -> None:
    add(acts, "kin", just=-acts.at(-5), long=-acts.at(-15), a=acts.at(100), b=acts.at(200))
    assert index(acts, "c", 300, most=2) == ["indexed", "long", "a"]
    scores = acts.scores("kin")
    assert -acts.now - 5 <= scores["long"] <= -acts.now
    assert scores["just"] == -acts.at(-5)


def test_nobody_is_named_while_there_is_room(acts: Acts) -> None:
    add(acts, "kin", long=-acts.at(-15), a=acts.at(100))
    assert index(acts, "b", 300, most=3) == "indexed"


def test_those_that_are_over_do_not_count(acts: Acts) -> None:
    add(acts, "kin", over=acts.at(-10), a=acts.at(100))
    assert index(acts, "b", 200, most=2) == "indexed"
    assert set(acts.scores("kin")) == {"a", "b"}


def test_those_of_one_second_are_ended_in_the_order_in_which_they_came(acts: Acts) -> None:
    for grant in "zyx":
        index(acts, grant, 100, most=3)
    assert list(acts.scores("kin")) == ["z", "y", "x"]
    assert all(100 <= score < 100.001 for score in acts.scores("kin").values())
    index(acts, "w", 99, most=9)  # by a clock that is a second behind
    assert list(acts.scores("kin")) == ["z", "y", "x", "w"]
    index(acts, "v", 98, most=9)
    assert next(iter(acts.scores("kin"))) == "v"
    assert index(acts, "u", 100, most=3) == ["indexed", "v", "z", "y"]


def test_a_grant_counts_among_one_kind_and_until_it_says(acts: Acts) -> None:
    add(acts, "other_kin", a=acts.at(50), b=acts.at(50))
    index(acts, "a", 100, most=2, counts_until=40)
    assert (acts.scores("kin"), acts.scores("other_kin"), acts.ends("kin")) == ({"a": 40}, {"b": 50}, 40)
    assert acts.ends("user_grants") == 100


def test_what_has_no_kin_has_no_set_of_them(acts: Acts) -> None:
    """Most users have one grant of a client, and each such set costs as much as a token."""
    assert index(acts, "a", 100, most=2) == "indexed"
    assert acts("index_grant", grant_id="b", grant_ends=acts.at(90), most=2, kin="other_clients") == "indexed"
    index(acts, "a", 200, most=2)
    assert acts.names() == {"user_grants"}
    assert {name: int(score) for name, score in acts.scores("user_grants").items()} == {"a": 200, "b": 90}
    assert acts.ends("user_grants") == 200
    assert index(acts, "c", 300, most=2) == "indexed"
    assert (acts.scores("kin"), acts.ends("kin")) == ({"a": 200, "c": 300}, 300)
    assert index(acts, "d", 400, most=2) == ["indexed", "a"]
    assert acts.names() == {"user_grants", "kin"}


def test_a_grant_that_an_earlier_release_indexed_is_counted_once_it_is_used(acts: Acts) -> None:
    add(acts, "user_grants", a=acts.at(100))
    add(acts, "kin", a=acts.at(100))
    assert index(acts, "b", 200, most=1) == ["indexed", "a"]
    add(acts, "user_grants", **{"never counted": acts.at(100)})
    index(acts, "never counted", 300, most=2)
    assert acts.scores("kin")["never counted"] == 300


def ends_of(acts: Acts, name: str) -> dict[str, tuple[float, bool]]:
    """When an index and its members end, and whether these are marked as alone.

    What the clock of the server makes is the same for all seconds: ten years from now, and since when one is being ended.
    """
    index, soon = {"the index": float(acts.ends(name))}, TEN_YEARS - 86_400
    found = (index | acts.scores(name)).items()
    return {member: (max(min(score, soon), -1) // 1, score < soon and score % 1 != 0) for member, score in found}


def test_grants_without_kin_end_as_if_all_had_been_counted_from_the_first(acts: Acts) -> None:
    """Beside it the same with sets from the beginning, as sessions have them: the same ones are named to be ended.

    And once more by what is known of a grant before, which spares looking, and leaves the same.
    """
    chance, named = random.Random(7), 0
    for turn in range(150):
        counted_in: dict[str, str] = {}
        for step in range(15):
            grant, ends = chance.choice("abcdef"), acts.at(100 + 10 * step)
            grant_ends, most = chance.choice(((ends, 2), (ends, 2), (ends, 2), (ends, 0), (0, 2)))
            kinds = ["one", "two"] if grant < "e" else ["three", "four"]
            chance.shuffle(kinds)
            known = "counted" if most and counted_in.get(grant) == kinds[0] else ""
            answers = [
                acts(
                    "index_grant",
                    grant_id=grant,
                    grant_ends=grant_ends,
                    most=most,
                    counts_until=counts_until,
                    known=known if whose == "known" else "",
                    user_grants=f"{turn}:{whose}:grants",
                    kin=f"{turn}:{whose}:{kinds[0]}",
                    other_kin=f"{turn}:{whose}:{kinds[1]}",
                )
                for counts_until, whose in (("", "some"), (ends, "all"), ("", "known"))
            ]
            counted_in[grant] = kinds[0] if most else ""
            assert answers[0] == answers[1] == answers[2], (turn, step)
            for name in ("grants", "one", "two", "three", "four"):
                some, known_to_be = f"{turn}:some:{name}", f"{turn}:known:{name}"
                assert ends_of(acts, some) == ends_of(acts, known_to_be), (turn, step, name)
            named += isinstance(answers[0], list)
    assert named > 50


def test_a_grant_whose_end_moves_beyond_the_marks_is_counted_on(acts: Acts) -> None:
    """What ends after 2106 has no mark, so that it is counted among its kin though it is alone."""
    index(acts, "a", 100, most=1)
    last = 2**32 + 100 - acts.now
    assert acts("index_grant", grant_id="a", grant_ends=acts.at(last), most=1, known="counted") == "indexed"
    assert acts.scores("kin") == {"a": last}
    assert index(acts, "b", 200, most=1) == ["indexed", "a"]


def test_one_whose_redemption_is_indexed_after_its_refresh_leaves_the_codes(acts: Acts) -> None:
    """In a Cluster the server of the index may have been away meanwhile."""
    codes: dict[str, str | int] = {"most": 3, "kin": "codes", "other_kin": "lasting"}
    for grant in ("a", "b"):
        acts("index_grant", grant_id=grant, grant_ends=acts.at(60), **codes)
    assert set(acts.scores("codes")) == {"a", "b"}
    for known, ends in (("counted", 300), ("indexed", 200)):
        lasting: dict[str, str | int] = {"most": 3, "kin": "lasting", "other_kin": "codes", "known": known}
        assert acts("index_grant", grant_id="a", grant_ends=acts.at(ends), **lasting) == "indexed"
    assert set(acts.scores("codes")) == {"b"}
    assert acts.scores("user_grants")["a"] // 1 == 300


def test_one_that_has_no_end_finds_the_one_that_was_alone(acts: Acts) -> None:
    index(acts, "a", 100, most=1)
    assert index(acts, "b", None, most=1) == ["indexed", "a"]


def test_one_that_is_changed_without_being_counted_counts_on(acts: Acts) -> None:
    """As an operator changes one that cannot be refreshed."""
    index(acts, "a", 100, most=1)
    index(acts, "a", 200)
    assert index(acts, "b", 300, most=1) == ["indexed", "a"]


def test_those_that_end_in_a_hundred_years_are_counted(acts: Acts) -> None:
    index(acts, "a", 10 * TEN_YEARS, most=1)
    assert index(acts, "b", 10 * TEN_YEARS + 1, most=1) == ["indexed", "a"]


def test_a_client_cannot_choose_a_name_that_ends_the_grants_of_another(acts: Acts) -> None:
    """The SHA-1 of both keys begins with the same 20 bits, which takes a second to find."""
    chosen = "chosen452531"
    index(acts, "of the bank", 100, most=1)
    for grant in ("a", "b"):
        acts("index_grant", grant_id=grant, grant_ends=acts.at(200), most=1, kin=chosen)
    assert set(acts.scores(chosen)) == {"a", "b"}
    assert index(acts, "of the bank, too", 300, most=1) == ["indexed", "of the bank"]


def test_a_user_of_thousands_of_grants_keeps_nobody_waiting(acts: Acts) -> None:
    """So many are not looked through each time: what begins then is counted from the first."""
    index(acts, "a", 1000, most=2)
    add(acts, "user_grants", **{f"{number}": acts.at(100) for number in range(5000)})
    index(acts, "b", 2000, most=2)
    assert (acts.scores("kin"), acts.ends("kin")) == ({"a": 1000, "b": 2000}, 2000)
    acts("index_grant", grant_id="c", grant_ends=acts.at(50), most=2, kin="other_clients")
    assert acts.scores("other_clients") == {"c": 50}


def test_a_grant_for_ever_counts_for_ten_years_since_its_last_use(acts: Acts) -> None:
    index(acts, "a", None, most=2, counts_until=40)
    assert TEN_YEARS <= acts.scores("kin")["a"] <= TEN_YEARS + 5
    assert TEN_YEARS <= acts.ends("kin") <= TEN_YEARS + 5
    index(acts, "a", 100, most=2)  # it gets an end
    assert (acts.scores("kin"), acts.ends("kin")) == ({"a": 100}, 100)
    assert acts.ends("user_grants") == 100


def test_what_has_ended_leaves_every_index(acts: Acts) -> None:
    for name in ("user_grants", "kin", "other_kin"):
        add(acts, name, a=acts.at(100), b=acts.at(60))
        acts.server.expireat(f"mm:{{x}}:{name}", acts.at(100))
    assert acts("unindex_grant", grant_id="a") == "unindexed"
    for name in ("user_grants", "kin", "other_kin"):
        assert (acts.scores(name), acts.ends(name)) == ({"b": 60}, 60)
    acts.server.expireat("mm:{x}:kin", acts.at(500))
    acts("unindex_grant", grant_id="unknown")
    assert acts.ends("kin") == 500  # nothing left it
    acts("unindex_grant", grant_id="b")
    assert acts.ends("kin") == GONE


def test_those_that_are_being_ended_do_not_keep_an_index(acts: Acts) -> None:
    """A time below zero is no second of the epoch."""
    add(acts, "kin", ending=-acts.now, a=acts.at(60))
    acts.server.expireat("mm:{x}:kin", acts.at(60))
    acts("unindex_grant", grant_id="a")
    assert acts.ends("kin") == 60
