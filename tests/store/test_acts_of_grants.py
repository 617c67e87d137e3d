"""What scripts do that begin a grant: with a code, with its redemption, with tokens at once."""

import pytest

from tests import redis_shapes
from tests.store.acts import FOR_EVER, GONE, Acts

NONE = "-" * 22
OLD = "o" * 22
REFRESH = "refresh:" + "R" * 22
GRANT = NONE + '{"c":"app","u":"alice"}'
TOKENS = {"access_hash": "A" * 22, "access_record": "access", "refresh_token": REFRESH, "refresh_record": "refresh"}


@pytest.fixture
def acts(redis: redis_shapes.Shape) -> Acts:
    return Acts(redis.nodes[0].admin)


def issue_code(acts: Acts) -> None:
    assert acts("issue_code", grant_record=GRANT, code_record="code", ends=acts.at(60)) == "issued"


def redeem(acts: Acts, by: str = "A", **changes: str | int) -> object:
    ends = {"access_ends": acts.at(100), "refresh_ends": acts.at(200), "grant_ends": acts.at(200)}
    further: dict[str, str | int] = {"spent_ends": acts.at(300), "sealed_reply": "reply", "grace": 20}
    return acts("redeem_code", **(further | TOKENS | ends | {"access_hash": by * 22} | changes))


def test_a_code_begins_a_grant(acts: Acts) -> None:
    issue_code(acts)
    assert (acts.held("grant"), acts.held("code")) == (GRANT, "code")
    assert (acts.ends("grant"), acts.ends("code")) == (60, 60)


def test_a_code_that_is_issued_again_is_the_one_that_there_is(acts: Acts) -> None:
    issue_code(acts)
    assert acts("issue_code", grant_record="other", code_record="other", ends=acts.at(90)) == "issued"
    assert (acts.held("grant"), acts.held("code"), acts.ends("code")) == (GRANT, "code", 60)


def test_no_code_brings_back_a_grant_that_has_ended(acts: Acts) -> None:
    acts.put("grant", "", 60)
    assert acts("issue_code", grant_record=GRANT, code_record="code", ends=acts.at(60)) == "ended"
    assert (acts.held("grant"), acts.held("code")) == ("", None)


def test_a_redeemed_code_leaves_what_it_bought(acts: Acts) -> None:
    issue_code(acts)
    assert redeem(acts) == "spent"
    assert acts.held("grant") == "R" * 22 + GRANT[22:]
    assert [acts.held(name) for name in ("access_token", REFRESH, "reply")] == ["access", "refresh", "reply"]
    assert acts.held("code") == "spent:" + "A" * 22
    ends = [acts.ends(name) for name in ("grant", "access_token", REFRESH, "code")]
    assert ends == [200, 100, 200, 300]
    assert 20 <= acts.ends("reply") <= 23
    assert acts.heard() == []


def test_a_refresh_token_that_never_ends_keeps_its_grant_for_ever(acts: Acts) -> None:
    issue_code(acts)
    assert redeem(acts, refresh_ends=0, grant_ends=0) == "spent"
    assert [acts.ends(name) for name in ("grant", REFRESH, "access_token")] == [FOR_EVER, FOR_EVER, 100]


def test_a_code_may_buy_an_access_token_alone(acts: Acts) -> None:
    issue_code(acts)
    assert redeem(acts, refresh_record="", grace=0, grant_ends=acts.at(100)) == "spent"
    assert acts.held("grant") == GRANT
    assert (acts.ends(REFRESH), acts.ends("reply"), acts.ends("grant")) == (GONE, GONE, 100)


@pytest.mark.parametrize(("before", "after"), [(60, 200), (500, 500), (FOR_EVER, FOR_EVER)])
def test_a_token_beside_the_code_may_need_the_grant_longer(acts: Acts, before: int, after: int) -> None:
    issue_code(acts)
    acts.put("grant", GRANT, before)
    assert redeem(acts, with_access_token="1") == "spent"
    assert acts.held("grant") == "R" * 22 + GRANT[22:]
    assert acts.ends("grant") == (
        200 if before == FOR_EVER else after
    )  # it has a refresh token with an end from now on


def test_a_redemption_that_is_sent_again_is_the_same_one(acts: Acts) -> None:
    issue_code(acts)
    redeem(acts)
    left = acts.ends("access_token")
    acts.put("reply", "first")
    assert redeem(acts, access_record="other", access_ends=acts.at(900), sealed_reply="other") == "spent"
    assert (acts.held("access_token"), acts.ends("access_token"), acts.held("reply")) == ("access", left, "first")


def test_while_the_reply_waits_a_second_redemption_gets_it(acts: Acts) -> None:
    issue_code(acts)
    redeem(acts)
    assert redeem(acts, by="B", access_record="other") == ["repeated", "reply"]
    assert (acts.held("access_token"), acts.held("code")) == ("access", "spent:" + "A" * 22)
    assert acts.heard() == []


def test_after_that_a_second_redemption_ends_the_grant(acts: Acts) -> None:
    issue_code(acts)
    redeem(acts, grace=0)
    acts.put("grant:refresh:" + "R" * 22, "refresh")
    assert redeem(acts, by="B") == "replayed"
    assert acts.held("grant") == ""
    assert 60 <= acts.ends("grant") <= 63  # for as long as a lost command may be sent again
    assert acts.held("grant:refresh:" + "R" * 22) is None
    assert acts.heard() == ["grant"]


@pytest.mark.parametrize(("code", "grant"), [(None, GRANT), ("code", None), ("code", ""), ("spent:" + "A" * 22, "")])
def test_what_has_ended_is_not_redeemed(acts: Acts, code: str | None, grant: str | None) -> None:
    for name, value in (("code", code), ("grant", grant)):
        if value is not None:
            acts.put(name, value, 60)
    before = acts.names()
    assert redeem(acts) == "ended"
    assert (acts.names(), acts.held("code"), acts.held("grant")) == (before, code, grant)


def issue_tokens(acts: Acts, **changes: str | int) -> object:
    ends = {"grant_ends": acts.at(200), "access_ends": acts.at(100), "refresh_ends": acts.at(200)}
    records = {"grant_record": GRANT, "access_record": "access", "refresh_record": "refresh"}
    return acts("issue_tokens", **(records | ends | changes))


def test_tokens_begin_a_grant(acts: Acts) -> None:
    assert issue_tokens(acts) == "issued"
    assert [acts.held(name) for name in ("grant", "access_token", "refresh_token")] == [GRANT, "access", "refresh"]
    assert [acts.ends(name) for name in ("grant", "access_token", "refresh_token")] == [200, 100, 200]


def test_no_refresh_token_is_kept_where_there_is_none(acts: Acts) -> None:
    assert issue_tokens(acts, refresh_record="", grant_ends=0) == "issued"
    assert acts.names() == {"grant", "access_token"}
    assert acts.ends("grant") == FOR_EVER


def test_tokens_that_are_issued_again_are_those_that_there_are(acts: Acts) -> None:
    issue_tokens(acts)
    assert issue_tokens(acts, access_record="other") == "issued"
    assert acts.held("access_token") == "access"


@pytest.mark.parametrize(("grant", "access"), [("", None), ("", "access"), (GRANT, None)])
def test_no_tokens_bring_back_a_grant(acts: Acts, grant: str, access: str | None) -> None:
    acts.put("grant", grant, 60)
    if access:
        acts.put("access_token", access, 60)
    assert issue_tokens(acts) == "ended"
    assert (acts.held("grant"), acts.held("access_token"), acts.held("refresh_token")) == (grant, access, None)


@pytest.mark.parametrize(("before", "after"), [(60, 100), (100, 100), (500, 500), (FOR_EVER, 100)])
def test_an_access_token_beside_a_code_lengthens_its_grant(acts: Acts, before: int, after: int) -> None:
    acts.put("grant", GRANT, before)
    assert acts("add_access_token", access_record="access", access_ends=acts.at(100)) == "issued"
    assert (acts.held("access_token"), acts.ends("access_token"), acts.ends("grant")) == ("access", 100, after)


@pytest.mark.parametrize("grant", [None, ""])
def test_nothing_is_added_to_a_grant_that_has_ended(acts: Acts, grant: str | None) -> None:
    if grant is not None:
        acts.put("grant", grant, 60)
    assert acts("add_access_token", access_record="access", access_ends=acts.at(100)) == "ended"
    assert acts.held("access_token") is None
