"""What scripts do that count: failures, uses, places, queues."""

from typing import Any

import pytest

from tests import redis_shapes
from tests.store.acts import GONE, Acts


@pytest.fixture
def acts(redis: redis_shapes.Shape) -> Acts:
    return Acts(redis.nodes[0].admin)


def admit(acts: Acts, size: int) -> object:
    most = {"network_most": 100, "browser_most": 60, "everybody_most": 130}
    return acts("admit_waiting", size=size, seconds=50, **most)


def test_bytes_wait_until_somebody_s_share_is_used_up(acts: Acts) -> None:
    assert admit(acts, 60) == "admitted"
    assert [acts.held(name) for name in ("network", "browser", "everybody")] == ["60", "60", "60"]
    assert all(50 <= acts.ends(name) <= 53 for name in ("network", "browser", "everybody"))
    assert admit(acts, 1) == "browser"
    acts.server.delete("mm:{x}:browser")
    acts.server.expireat("mm:{x}:network", acts.at(20))
    assert admit(acts, 40) == "admitted"
    assert acts.ends("network") == 20  # a window goes on
    acts.server.delete("mm:{x}:browser")
    assert admit(acts, 1) == "network"
    acts.server.delete("mm:{x}:network", "mm:{x}:browser")
    assert admit(acts, 31) == "everybody"
    assert acts.names() == {"everybody"}, "who is refused counts nowhere"
    assert admit(acts, 30) == "admitted"


def fail(acts: Acts, allowed: int = 2) -> object:
    return acts("count_failure", allowed=allowed, first_delay=10, longest_delay=70, memory=40)


def test_each_failure_beyond_what_is_free_blocks_for_twice_as_long(acts: Acts) -> None:
    assert [fail(acts), fail(acts)] == ["counted", "counted"]
    assert (acts.held("failures"), acts.held("blocked")) == ("2", None)
    assert 40 <= acts.ends("failures") <= 43
    for delay in (10, 20, 40, 70, 70):
        assert fail(acts) == ["blocked", delay]
        assert delay <= acts.ends("blocked") <= delay + 3
        assert max(40, delay) <= acts.ends("failures") <= max(40, delay) + 3
    assert acts.held("failures") == acts.held("blocked") == "7"
    acts.put("failures", "10000")
    assert fail(acts) == ["blocked", 70]


def test_what_counts_once_is_used_once(acts: Acts) -> None:
    assert acts("record_first_use", by="a", ends=acts.at(50)) == "first"
    assert acts("record_first_use", by="a", ends=acts.at(60)) == "first"  # sent again
    assert acts("record_first_use", by="b", ends=acts.at(70)) == "replayed"
    assert (acts.held("used"), acts.ends("used")) == ("a", 60)
    assert acts("release_first_use", by="b") == "unknown"
    assert acts.held("used") == "a"
    assert acts("release_first_use", by="a") == "released"
    assert acts.held("used") is None
    assert acts("release_first_use", by="a") == "unknown"
    assert acts.names() == set()


def token(acts: Acts) -> dict[str, str]:
    held: Any = acts.server.hgetall("mm:{x}:token")
    return {name.decode(): value.decode() for name, value in held.items()}


def test_an_initial_access_token_has_so_many_uses(acts: Acts) -> None:
    assert acts("spend_initial_access_token", by="a") == "unknown"
    acts.server.hset("mm:{x}:token", "left", 2)
    for _ in range(2):  # sent again
        assert acts("spend_initial_access_token", by="a") == "spent"
        assert token(acts) == {"left": "1", "by": "a"}
    assert acts("spend_initial_access_token", by="b") == "spent"
    assert acts("spend_initial_access_token", by="b") == "spent"
    assert acts("spend_initial_access_token", by="c") == "unknown"
    assert token(acts) == {"left": "0", "by": "b"}
    assert acts("release_initial_access_token", by="a") == "unknown"  # somebody else used it since
    assert acts("release_initial_access_token", by="b") == "released"
    assert acts("release_initial_access_token", by="b") == "unknown"
    assert token(acts) == {"left": "1"}
    acts.server.delete("mm:{x}:token")
    assert acts("release_initial_access_token", by="b") == "unknown"
    assert acts.names() == set()


def test_an_initial_access_token_may_have_any_number_of_uses(acts: Acts) -> None:
    acts.server.hset("mm:{x}:token", "left", -1)
    for by in "abc":
        assert acts("spend_initial_access_token", by=by) == "spent"
    assert acts("release_initial_access_token", by="c") == "released"
    assert token(acts) == {"left": "-1"}


def test_places_are_remembered_for_a_time_and_only_so_many(acts: Acts) -> None:
    def remember(browser: str, network: str) -> None:
        assert acts("remember_places", browser=browser, network=network, lifetime=50, most=2) == "remembered"

    acts.server.zadd("mm:{x}:known_browsers", {"over": acts.at(-10)})
    remember("older", "")
    assert list(acts.scores("known_browsers")) == ["older"]
    acts.server.zadd("mm:{x}:known_browsers", {"oldest": acts.at(10), "older": acts.at(20)})
    remember("b", "")
    assert list(acts.scores("known_browsers")) == ["older", "b"]
    assert 50 <= acts.scores("known_browsers")["b"] <= 52
    assert acts.ends("known_networks") == GONE
    assert 50 <= acts.ends("known_browsers") <= 53
    remember("c", "n")
    assert set(acts.scores("known_browsers")) == {"b", "c"}
    remember("", "m")
    remember("", "o")
    assert len(acts.scores("known_networks")) == 2
    assert set(acts.scores("known_browsers")) == {"b", "c"}


def reserve(acts: Acts, client: str, now: int = 0, ends: int = 50) -> object:
    times = {"now": acts.at(now), "ends_at": acts.at(ends), "all_end": acts.at(ends + 40)}
    return acts("reserve_registration", client_id=client, most=3, most_each=2, **times)


def test_strangers_have_so_many_places_each_and_in_all(acts: Acts) -> None:
    assert [reserve(acts, "a"), reserve(acts, "b"), reserve(acts, "b")] == ["reserved"] * 3
    assert acts.scores("all") == acts.scores("network") == {"a": 50, "b": 50}
    assert (acts.ends("all"), acts.ends("network")) == (90, 90)
    assert reserve(acts, "c") == "network_full"
    acts.server.delete("mm:{x}:network")
    assert reserve(acts, "c", ends=80) == "reserved"
    assert reserve(acts, "d", ends=80) == "full"
    assert (set(acts.scores("all")), set(acts.scores("network"))) == ({"a", "b", "c"}, {"c"})
    assert reserve(acts, "d", now=50, ends=90) == "reserved"  # two places are free again
    assert (set(acts.scores("all")), set(acts.scores("network"))) == ({"c", "d"}, {"c", "d"})
    assert (acts.ends("all"), acts.ends("network")) == (130, 130)


def test_places_that_are_over_are_free_again(acts: Acts) -> None:
    assert [reserve(acts, "a"), reserve(acts, "b"), reserve(acts, "c", now=50, ends=90)] == ["reserved"] * 3
    assert acts.scores("all") == acts.scores("network") == {"c": 90}


def test_an_initial_access_token_never_lacks_an_end(acts: Acts) -> None:
    assert acts("keep_initial_access_token", uses=3, lifetime=50) == "kept"
    assert 50 <= acts.ends("token") <= 53
    assert acts("spend_initial_access_token", by="x") == "spent"
    assert 50 <= acts.ends("token") <= 53


def queue(acts: Acts, name: str, due: int, most: int = 0) -> object:
    numbers = {"due": acts.at(due), "keeps": 50, "most": most}
    return acts("queue_delivery", delivery=f"delivery:{name}", delivery_id=name, delivery_record="record", **numbers)


def test_deliveries_wait_for_their_second_and_are_leased(acts: Acts) -> None:
    assert [queue(acts, "a", 5), queue(acts, "b", 3), queue(acts, "c", 90)] == ["queued"] * 3
    assert acts.held("delivery:a") == "record"
    assert all(50 <= acts.ends(name) <= 53 for name in ("deliveries", "delivery:a"))
    assert acts("claim_deliveries", now=acts.at(5), lease_ends=acts.at(30), most=1) == ["claimed", ["b"]]
    assert acts.scores("deliveries") == {"a": 5, "b": 30, "c": 90}
    assert acts("claim_deliveries", now=acts.at(5), lease_ends=acts.at(30), most=9) == ["claimed", ["a"]]
    assert acts("claim_deliveries", now=acts.at(5), lease_ends=acts.at(30), most=9) == ["claimed", []]


def test_a_full_queue_takes_back_what_is_in_it_alone(acts: Acts) -> None:
    queue(acts, "a", 5)
    assert queue(acts, "b", 5, most=2) == "queued"
    assert queue(acts, "c", 5, most=2) == "full"
    assert acts.held("delivery:c") is None
    assert queue(acts, "a", 40, most=2) == "queued"
    assert acts.scores("deliveries") == {"b": 5, "a": 40}
    assert queue(acts, "c", 5) == "queued"
