"""What scripts do with a request that its client polls for: poll, allow, deny, spend."""

import pytest

from tests import redis_shapes
from tests.store.acts import GONE, Acts

CLIENT, OTHER_CLIENT = "c" * 22, "d" * 22
NEW, OTHER = "n" * 22, "x" * 22
KEY, BY = "k" * 22 + "~", "b" * 12
SPENT = f"{NEW}:{KEY}:{BY}"
GRANT = "-" * 22 + '{"c":"app","u":"alice"}'


@pytest.fixture
def acts(redis: redis_shapes.Shape) -> Acts:
    made = Acts(redis.nodes[0].admin)
    made.put("request", f"0005{CLIENT}waiting:sealed", 100)
    return made


def poll(acts: Acts, by: str, client: str = CLIENT) -> object:
    return acts("poll_request", client=client, poll=by)


def allow(acts: Acts, grant_record: str = GRANT, by: str = BY) -> object:
    return acts("allow_polled_request", grant_record=grant_record, allowance="{}", by=by, ends=acts.at(100))


def spend(acts: Acts, by: str = NEW, **changes: str | int) -> object:
    new: dict[str, str | int] = {"spent_as": f"{by}:{KEY}:{BY}", "access_record": "access"}
    ends = {"access_ends": acts.at(50), "refresh_ends": acts.at(300), "grant_ends": acts.at(300)}
    rest: dict[str, str | int] = {
        "refresh_token": f"refresh:{by}",
        "refresh_record": "new",
        "sealed_reply": "reply",
        "grace": 20,
    }
    return acts("spend_polled_request", **(new | ends | rest | {"spent_ends": acts.at(90)} | changes))


def interval(acts: Acts) -> int:
    """How long the pause was to be, in steps of five seconds, however slow this test is within them."""
    return -(-int(acts.server.pttl("mm:{x}:pause")) // 5000) * 5


def over(acts: Acts) -> None:
    """The pause has ended."""
    acts.server.delete("mm:{x}:pause")


def test_a_poll_pauses_the_next_one(acts: Acts) -> None:
    assert poll(acts, "first") == "pending"
    assert interval(acts) == 5
    assert poll(acts, "first") == "pending", "sent again after a dropped connection"
    over(acts)
    assert poll(acts, "second") == "pending"
    assert (acts.held("request"), acts.ends("request")) == (f"0005{CLIENT}waiting:sealed", 100)


def test_each_early_poll_lengthens_the_interval_for_good(acts: Acts) -> None:
    """RFC 8628 section 3.5: for this and all subsequent requests."""
    poll(acts, "first")
    assert poll(acts, "early") == "slow_down"
    assert poll(acts, "early") == "slow_down", "sent again after a dropped connection"
    assert (acts.held("request"), acts.ends("request")) == (f"0010{CLIENT}waiting:sealed", 100)
    assert interval(acts) == 10
    assert poll(acts, "earlier still") == "slow_down"
    assert interval(acts) == 15
    over(acts)
    assert poll(acts, "in time") == "pending"
    assert interval(acts) == 15, "the interval is what it became"


def test_the_interval_has_an_end(acts: Acts) -> None:
    acts.put("request", f"9997{CLIENT}waiting:sealed", 100)
    poll(acts, "first")
    assert poll(acts, "early") == "slow_down"
    assert acts.held("request") == f"9999{CLIENT}waiting:sealed"


def test_another_client_learns_and_changes_nothing(acts: Acts) -> None:
    for state in ("waiting:sealed", "denied:a", "allowed:{}", "spent:" + NEW):
        acts.put("request", f"0005{CLIENT}{state}", 100)
        assert poll(acts, "theirs", OTHER_CLIENT) == "foreign"
        assert acts.held("request") == f"0005{CLIENT}{state}"
    assert acts.names() == {"request"}


def test_what_is_over_is_expired(acts: Acts) -> None:
    acts.server.delete("mm:{x}:request")
    assert poll(acts, "first") == "expired"
    assert (allow(acts), acts("deny_polled_request", by="a"), spend(acts)) == ("ended", "ended", "ended")
    assert acts.names() == set()


def test_an_allowed_request_begins_its_grant_once(acts: Acts) -> None:
    assert allow(acts) == "allowed"
    assert allow(acts) == "allowed", "sent again after a dropped connection"
    assert (acts.held("grant"), acts.ends("grant")) == (GRANT, 100)
    assert (acts.held("request"), acts.ends("request")) == (f"0005{CLIENT}allowed:{{}}", 100)
    assert allow(acts, GRANT.replace("alice", "bob")) == "ended"
    assert acts("deny_polled_request", by="a") == "ended"
    assert acts.held("grant") == GRANT
    assert poll(acts, "first") == ["allowed", "{}", GRANT, ""]
    assert poll(acts, "early") == "slow_down", "of polls at the same time one gets further"


def test_a_denied_request_stays_denied(acts: Acts) -> None:
    assert acts("deny_polled_request", by="a") == "denied"
    assert acts("deny_polled_request", by="a") == "denied", "sent again after a dropped connection"
    assert acts("deny_polled_request", by="b") == "ended"
    assert (allow(acts), spend(acts)) == ("ended", "ended")
    assert poll(acts, "first") == ["denied", "a"]
    assert (acts.held("request"), acts.ends("request")) == (f"0005{CLIENT}denied:a", 100)
    assert acts.held("grant") is None


def test_what_nobody_has_allowed_cannot_be_spent(acts: Acts) -> None:
    acts.put("grant", GRANT, 100)
    assert spend(acts) == "ended"
    assert acts.names() == {"request", "grant"}


def test_a_grant_that_was_ended_is_not_begun_again(acts: Acts) -> None:
    acts.put("grant", "", 60)
    assert allow(acts) == "ended"
    acts.put("request", f"0005{CLIENT}allowed:{{}}", 100)
    assert poll(acts, "first") == "ended"
    assert spend(acts) == "ended"


def test_an_allowed_request_is_spent_once(acts: Acts) -> None:
    allow(acts)
    assert spend(acts) == "spent"
    assert spend(acts) == "spent", "sent again after a dropped connection"
    assert (acts.held("grant"), acts.ends("grant")) == (NEW + GRANT[22:], 300)
    assert [acts.held(name) for name in ("access_token", f"refresh:{NEW}", "reply")] == ["access", "new", "reply"]
    assert (acts.held("request"), acts.ends("request")) == (f"0005{CLIENT}spent:{SPENT}", 90)
    assert poll(acts, "later") == ["spent", SPENT, NEW + GRANT[22:], "reply"]
    assert spend(acts, OTHER) == ["repeated", "reply"]
    acts.server.delete("mm:{x}:reply")
    assert spend(acts, OTHER) == "replayed"
    assert (acts.held("grant"), acts.heard()) == ("", ["grant"])
    assert 60 <= acts.ends("grant") <= 63


def test_an_allowance_is_known_again_once_it_was_redeemed(acts: Acts) -> None:
    allow(acts)
    spend(acts)
    left = {name: (acts.held(name), acts.ends(name)) for name in acts.names()}
    assert allow(acts) == "allowed", "sent again after a dropped connection"
    assert allow(acts, by=OTHER) == "ended"
    assert {name: (acts.held(name), acts.ends(name)) for name in acts.names()} == left
    acts.put("grant", "", 60)
    assert allow(acts) == "ended", "what was ended meanwhile is over for who decides, too"
    assert acts.held("grant") == ""


@pytest.mark.parametrize("state", ["spent:" + NEW, f"spent:{NEW}:{KEY}:"])
def test_what_says_not_who_allowed_it_is_nobodys(acts: Acts, state: str) -> None:
    acts.put("request", f"0005{CLIENT}{state}", 100)
    acts.put("grant", NEW + GRANT[22:], 100)
    assert allow(acts) == allow(acts, by="") == "ended"


def test_without_a_refresh_token_nothing_of_it_is_kept(acts: Acts) -> None:
    allow(acts)
    assert spend(acts, refresh_record="", grace=0, grant_ends=acts.at(50)) == "spent"
    assert (acts.held(f"refresh:{NEW}"), acts.held("reply")) == (None, None)
    assert (acts.held("grant"), acts.ends("grant"), acts.ends("reply")) == (GRANT, 50, GONE)
