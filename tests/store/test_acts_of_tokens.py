"""What scripts do with tokens of a living grant: refresh, repeat, revoke, change, read."""

import pytest

from tests import redis_shapes
from tests.store.acts import FOR_EVER, GONE, Acts

OLD, NEW, OTHER = "o" * 22, "n" * 22, "x" * 22
SUCCESSOR = f"refresh:{NEW}"
GRANT = OLD + '{"c":"app","u":"alice"}'


@pytest.fixture
def acts(redis: redis_shapes.Shape) -> Acts:
    made = Acts(redis.nodes[0].admin)
    made.put("grant", GRANT, 100)
    made.put("refresh_token", "old", 100)
    made.put("predecessor_reply", "reply to the one before", 10)
    return made


def rotate(acts: Acts, by: str = NEW, **changes: str | int) -> object:
    new: dict[str, str | int] = {
        "access_record": "access",
        "new_refresh_token": f"refresh:{by}",
        "new_record": "new",
        "sealed_reply": "reply",
        "grace": 20,
    }
    ends = {"access_ends": acts.at(50), "new_ends": acts.at(300), "grant_ends": acts.at(300), "used_ends": acts.at(90)}
    return acts("rotate_refresh_token", **(new | ends | {"grace": 20, "most_repeats": 3} | changes))


def test_a_refresh_leaves_the_successor_and_takes_the_last_reply(acts: Acts) -> None:
    assert rotate(acts) == "spent"
    assert acts.held("grant") == NEW + GRANT[22:]
    assert [acts.held(name) for name in ("new_access_token", SUCCESSOR, "reply")] == [
        "access",
        "new",
        "reply",
    ]
    assert [acts.ends(name) for name in ("new_access_token", SUCCESSOR, "grant")] == [50, 300, 300]
    assert (acts.held("refresh_token"), acts.ends("refresh_token")) == ("used:" + NEW, 90)
    assert 20 <= acts.ends("reply") <= 23
    assert acts.held("predecessor_reply") is None
    assert acts.heard() == []


@pytest.mark.parametrize(
    ("before", "asked", "then"),
    [(100, 300, 300), (900, 300, 900), (FOR_EVER, 300, 300), (100, None, FOR_EVER), (FOR_EVER, None, FOR_EVER)],
)
def test_a_refresh_lengthens_the_grant_and_never_shortens_it(
    acts: Acts, before: int, asked: int | None, then: int
) -> None:
    """One that had no end gets that of the refresh token, which alone kept it for ever."""
    acts.put("grant", GRANT, before)
    rotate(acts, grant_ends=0 if asked is None else acts.at(asked), new_ends=0 if asked is None else acts.at(asked))
    assert acts.ends("grant") == then
    assert acts.ends(SUCCESSOR) == (FOR_EVER if asked is None else asked)


def test_a_refresh_may_be_the_last(acts: Acts) -> None:
    assert rotate(acts, new_record="", grace=0) == "spent"
    assert acts.held("grant") == GRANT
    assert (acts.held(SUCCESSOR), acts.held("reply")) == (None, None)


def test_a_refresh_that_is_sent_again_is_the_same_one(acts: Acts) -> None:
    rotate(acts, fingerprint=":read")
    assert acts.held("refresh_token") == "used:" + NEW + ":read"
    acts.put("reply", "first")
    assert rotate(acts, fingerprint=":read", access_record="other", sealed_reply="other") == "spent"
    assert (acts.held("new_access_token"), acts.held("reply")) == ("access", "first")


@pytest.mark.parametrize("fingerprint", ["", ":read"])
def test_who_asks_the_same_again_gets_the_reply_so_many_times(acts: Acts, fingerprint: str) -> None:
    rotate(acts, fingerprint=fingerprint)
    for _ in range(3):
        assert rotate(acts, OTHER, fingerprint=fingerprint, access_record="other") == ["repeated", "reply"]
        assert acts.held("new_access_token") == "access"
    assert (acts.held("reply"), acts.held("reply:repeats")) == (None, None)
    assert rotate(acts, OTHER, fingerprint=fingerprint) == "replayed"


def test_repeats_are_counted_for_as_long_as_the_reply_waits(acts: Acts) -> None:
    rotate(acts)
    rotate(acts, OTHER)
    assert acts.held("reply:repeats") == "1"
    assert abs(acts.ends("reply:repeats") - acts.ends("reply")) <= 1
    acts.put("reply", "reply")  # as nothing else does: for ever
    rotate(acts, OTHER)
    assert acts.held("reply:repeats") == "1"


def test_who_asks_for_something_else_gets_a_token_beside_the_successor(acts: Acts) -> None:
    rotate(acts)
    acts.put("grant", GRANT, 40)
    acts.put("new_access_token", "", 1)
    assert rotate(acts, OTHER, fingerprint=":read", adds="1", access_record="added") == ["added", "reply"]
    assert (acts.held("new_access_token"), acts.ends("new_access_token"), acts.ends("grant")) == ("added", 50, 50)
    assert rotate(acts, OTHER, fingerprint=":write", access_record="none") == "refused"
    assert acts.held("new_access_token") == "added"


def test_a_late_repeat_ends_the_grant_with_its_living_refresh_token(acts: Acts) -> None:
    rotate(acts, grace=0)
    acts.put(f"grant:refresh:{NEW}", "new")
    assert rotate(acts, OTHER) == "replayed"
    assert (acts.held("grant"), acts.held(f"grant:refresh:{NEW}")) == ("", None)
    assert acts.heard() == ["grant"]
    assert rotate(acts, OTHER) == "ended"


@pytest.mark.parametrize(("token", "grant"), [(None, GRANT), ("old", None), ("old", ""), ("used:" + NEW, "")])
def test_what_has_ended_is_not_refreshed(acts: Acts, token: str | None, grant: str | None) -> None:
    acts.server.flushall()
    for name, value in (("refresh_token", token), ("grant", grant)):
        if value is not None:
            acts.put(name, value, 100)
    before = acts.names()
    assert rotate(acts) == "ended"
    assert reuse(acts) == "ended" or token == "used:" + NEW
    assert (acts.names(), acts.held("refresh_token"), acts.held("grant")) == (before, token, grant)


def reuse(acts: Acts, **changes: str | int) -> object:
    records = {"access_record": "access", "seen_record": "old", "new_record": "one less"}
    ends = {"access_ends": acts.at(50), "new_ends": acts.at(300), "grant_ends": acts.at(300)}
    return acts("reuse_refresh_token", **(records | ends | changes))


def test_a_refresh_token_that_stays_has_one_use_less(acts: Acts) -> None:
    assert reuse(acts) == "spent"
    assert [acts.held(name) for name in ("new_access_token", "refresh_token", "grant")] == ["access", "one less", GRANT]
    assert [acts.ends(name) for name in ("new_access_token", "refresh_token", "grant")] == [50, 300, 300]
    assert acts.held("predecessor_reply") is None
    assert reuse(acts, access_record="other", new_record="two less") == "spent"  # sent again
    assert (acts.held("new_access_token"), acts.held("refresh_token")) == ("access", "one less")


def test_of_two_uses_at_once_the_second_looks_again(acts: Acts) -> None:
    assert reuse(acts, seen_record="older") == "changed"
    assert (acts.held("refresh_token"), acts.held("new_access_token")) == ("old", None)
    assert acts.held("predecessor_reply") is not None


@pytest.mark.parametrize(
    ("token", "grant", "client", "ends_grant", "answer"),
    [
        ("record", GRANT, "app", "", "revoked"),
        ("record", GRANT, "app", "1", ["revoked", "alice"]),
        ("record", GRANT, "other", "1", "foreign"),
        ("record", "", "app", "1", "unknown"),
        ("record", None, "app", "1", "unknown"),
        (None, GRANT, "app", "1", "unknown"),
        ('{"g":{"c":"app"}}', None, "app", "1", "revoked"),  # its own grant, of no user
        ('{"g":{"c":"app"}}', "", "app", "", "revoked"),
        ('{"g":{"c":"app"}}', None, "other", "", "foreign"),
        ('{"a":1}', None, "app", "", "unknown"),
    ],
)
def test_who_may_revoke_what(
    acts: Acts, token: str | None, grant: str | None, client: str, ends_grant: str, answer: object
) -> None:
    acts.server.flushall()
    for name, value in (("credential", token), ("grant", grant)):
        if value is not None:
            acts.put(name, value, 100)
    assert acts("revoke_token", client_id=client, ends_grant=ends_grant) == answer
    is_revoked, is_ended = answer in ("revoked", ["revoked", "alice"]), answer == ["revoked", "alice"]
    assert acts.held("credential") == (None if is_revoked else token)
    assert acts.held("grant") == ("" if is_ended else grant)
    assert acts.heard() == ["credential"] * is_revoked + ["grant"] * is_ended


def test_a_revoked_grant_says_whose_it_was_once(acts: Acts) -> None:
    acts.put(f"grant:refresh:{OLD}", "old")
    assert acts("revoke_grant") == ["revoked", "app"]
    assert (acts.held("grant"), acts.held(f"grant:refresh:{OLD}")) == ("", None)
    assert 60 <= acts.ends("grant") <= 63
    assert acts.heard() == ["grant"]
    assert acts("revoke_grant") == "unknown"
    assert acts.heard() == []
    acts.server.flushall()
    assert acts("revoke_grant") == "unknown"
    assert acts.held("grant") == ""  # a request that is under way must not begin it now


@pytest.mark.parametrize(
    ("record", "grant", "answer"),
    [
        (""" {"g":{"c":"app","u":"alice"},"o":[]}""", GRANT, "found"),
        (""" {"g":{"c":"app","u":"alice"},"o":[]}""", "", "unknown"),
        (""" {"g":{"c":"app"},"o":[]}""", None, "found"),
        (""" {"g":{"c":"app"},"o":[["app",0,"SOURCE"]]}""", None, "found"),
        (""" {"g":{"c":"app"},"o":[["app",0,"GONE"]]}""", None, "unknown"),
        (None, GRANT, "unknown"),
    ],
)
def test_an_exchanged_token_lives_while_all_that_it_came_from_does(
    acts: Acts, record: str | None, grant: str | None, answer: str
) -> None:
    acts.server.flushall()
    for name, value in (("access_token", record), ("grant", grant), ("grant:access:SOURCE", "source")):
        if value is not None:
            acts.put(name, value, 100)
    assert acts("open_exchanged_token") == answer


def update(acts: Acts, **changes: str | int) -> object:
    records = {"seen_grant": GRANT, "grant_record": "new grant", "seen_access": "access", "access_record": "new access"}
    return acts("update_grant", **(records | changes))


def test_grant_and_token_are_changed_together(acts: Acts) -> None:
    acts.put("access_token", "access", 50)
    for _ in range(2):  # sent again it is the same change
        assert update(acts) == "updated"
        assert (acts.held("grant"), acts.held("access_token")) == ("new grant", "new access")
        assert (acts.ends("grant"), acts.ends("access_token"), acts.ends("refresh_token")) == (100, 50, 100)
        assert acts.heard() == ["grant"]


def test_each_may_be_changed_alone(acts: Acts) -> None:
    acts.put("access_token", "access", 50)
    assert update(acts, seen_grant="", access_ends=acts.at(80), refresh_ends=acts.at(80)) == "updated"
    assert (acts.held("grant"), acts.held("access_token"), acts.ends("access_token")) == (GRANT, "new access", 80)
    assert acts.ends("refresh_token") == 100
    assert acts.heard() == ["access_token"]
    assert update(acts, seen_access="", access_ends=acts.at(90)) == "updated"
    assert (acts.held("grant"), acts.ends("access_token")) == ("new grant", 80)


@pytest.mark.parametrize(
    ("before", "refresh_ends", "grant_ends", "then"),
    [
        (100, None, 300, 300),
        (100, None, 60, 100),
        (FOR_EVER, None, 300, FOR_EVER),
        (FOR_EVER, 300, 300, 300),
        (100, 300, None, 100),
    ],
)
def test_a_change_lengthens_the_grant(
    acts: Acts, before: int, refresh_ends: int | None, grant_ends: int | None, then: int
) -> None:
    acts.put("grant", GRANT, before)
    asked = {"refresh_ends": refresh_ends, "grant_ends": grant_ends}
    changes = {name: acts.at(end) for name, end in asked.items() if end is not None}
    assert update(acts, seen_access="", **changes) == "updated"
    assert (acts.ends("grant"), acts.ends("refresh_token")) == (then, refresh_ends or 100)


@pytest.mark.parametrize(
    ("grant", "access", "answer"),
    [
        (GRANT, "another", "changed"),
        ("another", "access", "changed"),
        (GRANT, None, "ended"),
        (GRANT, "", "ended"),
        (None, "access", "ended"),
        ("", "access", "ended"),
    ],
)
def test_nothing_is_changed_where_one_of_them_is_another(
    acts: Acts, grant: str | None, access: str | None, answer: str
) -> None:
    acts.server.flushall()
    for name, value in (("grant", grant), ("access_token", access)):
        if value is not None:
            acts.put(name, value, 50)
    assert update(acts, access_ends=acts.at(500), grant_ends=acts.at(500)) == answer
    assert (acts.held("grant"), acts.held("access_token")) == (grant, access)
    assert {acts.ends("grant"), acts.ends("access_token")} <= {50, GONE}
    assert acts.heard() == []


def test_a_reply_that_is_told_outside_the_act_counts_too(acts: Acts) -> None:
    acts.put("reply", "reply", 20)
    assert acts("count_repeat", most=2) == "counted"
    assert (acts.held("reply"), acts.held("reply:repeats")) == ("reply", "1")
    assert acts("count_repeat", most=2) == "counted"
    assert acts.names() & {"reply", "reply:repeats"} == set()
    assert acts("count_repeat", most=2) == "counted"
    assert acts.names() & {"reply", "reply:repeats"} == set()
