"""What scripts do with browser sessions, interactions, consents, and records that are compared before they are set."""

import json
from typing import Any

import pytest

from tests import redis_shapes
from tests.store.acts import FOR_EVER, GONE, Acts

SEEN, RENEWED = json.dumps({"secret_hash": "seen"}), json.dumps({"secret_hash": "renewed"})


@pytest.fixture
def acts(redis: redis_shapes.Shape) -> Acts:
    return Acts(redis.nodes[0].admin)


def keep(acts: Acts, record: str, seen: str = "", ends: int = 100) -> object:
    return acts("keep_session", session_record=record, seen_hash=seen, ends=acts.at(ends))


def test_a_session_is_kept_and_renewed_with_its_clients(acts: Acts) -> None:
    assert keep(acts, SEEN) == "kept"
    assert (acts.held("session"), acts.ends("session")) == (SEEN, 100)
    acts.server.sadd("mm:{x}:session_clients", "app")
    assert keep(acts, RENEWED, "seen", ends=200) == "kept"
    assert (acts.held("session"), acts.ends("session"), acts.ends("session_clients")) == (RENEWED, 200, 200)
    assert keep(acts, RENEWED, "seen", ends=900) == "kept"  # sent again
    assert acts.ends("session") == 200


def test_a_renewal_undoes_no_other_renewal_and_no_end(acts: Acts) -> None:
    keep(acts, RENEWED)
    assert keep(acts, json.dumps({"secret_hash": "late"}), "seen") == "ended"
    assert acts.held("session") == RENEWED
    acts.server.flushall()
    assert keep(acts, RENEWED, "seen") == "ended"
    assert acts.names() == set()


def test_clients_join_a_session_that_lives(acts: Acts) -> None:
    assert acts("join_session", client_id="app") == "ended"
    acts.put("session", SEEN)
    assert acts("join_session", client_id="app") == "ended"  # one without an end is none of ours
    assert acts.names() == {"session"}
    acts.put("session", SEEN, 100)
    assert acts("join_session", client_id="app") == "joined"
    assert acts("join_session", client_id="web") == "joined"
    assert acts.server.smembers("mm:{x}:session_clients") == {b"app", b"web"}
    assert acts.ends("session_clients") == 160


def test_the_end_of_a_session_names_its_clients_until_they_are_told(acts: Acts) -> None:
    assert acts("end_session") == "unknown"
    acts.put("session", SEEN, 100)
    assert acts("end_session") == ["ended", [], 1]
    assert acts("end_session") == "unknown"
    acts.put("session", SEEN, 100)
    acts("join_session", client_id="app")
    assert acts("end_session") == ["ended", ["app"], 1]
    assert acts("end_session") == ["ended", ["app"], 0]
    assert 86_400 <= acts.ends("session_clients") <= 86_405
    assert acts.names() == {"session_clients"}


def test_consents_are_forgotten_after_a_time_or_never(acts: Acts) -> None:
    assert acts("keep_consent", client_id="app", consent_record="a", lifetime=60) == "kept"
    assert acts("keep_consent", client_id="web", consent_record="b", lifetime=90) == "kept"
    assert acts.server.hgetall("mm:{x}:consents") == {b"app": b"a", b"web": b"b"}
    assert 90 <= acts.ends("consents") <= 95
    acts("keep_consent", client_id="app", consent_record="c", lifetime=0)
    assert acts.ends("consents") == FOR_EVER
    assert acts.server.hget("mm:{x}:consents", "app") == b"c"


@pytest.mark.parametrize(
    ("held", "seen", "answer", "then", "ends"),
    [
        (None, "", "advanced", "new", 50),
        ("one", "one", "advanced", "new", 100),  # what is there keeps its end
        ("new", "one", "advanced", "new", 100),  # sent again
        ("two", "one", "changed", "two", 100),
        ("two", "", "changed", "two", 100),
        (None, "one", "changed", None, GONE),
    ],
)
def test_an_interaction_goes_on_from_where_it_was_seen(
    acts: Acts, held: str | None, seen: str, answer: str, then: str | None, ends: int
) -> None:
    if held:
        acts.put("ticket", held, 100)
    assert acts("advance_ticket", seen=seen, replacement="new", ends=acts.at(50)) == answer
    assert (acts.held("ticket"), acts.ends("ticket")) == (then, ends)


@pytest.mark.parametrize(
    ("held", "seen", "lifetime", "answer", "then", "ends"),
    [
        (None, "", "", "replaced", "new", FOR_EVER),
        (None, "", "0", "replaced", "new", FOR_EVER),
        (None, "", "50", "replaced", "new", 50),
        ("one", "one", "", "replaced", "new", 100),
        ("one", "one", "0", "replaced", "new", FOR_EVER),
        ("one", "one", "50", "replaced", "new", 50),
        ("new", "one", "50", "repeated", "new", 100),
        ("two", "one", "50", "changed", "two", 100),
        ("two", "", "50", "changed", "two", 100),
        (None, "one", "50", "changed", None, GONE),
    ],
)
def test_a_record_is_replaced_where_it_is_the_one_that_was_read(
    acts: Acts, held: str | None, seen: str, lifetime: str, answer: str, then: str | None, ends: int
) -> None:
    if held:
        acts.put("record", held, 100)
    assert acts("compare_and_set", seen=seen, replacement="new", lifetime=lifetime) == answer
    assert acts.held("record") == then
    assert abs(acts.ends("record") - ends) <= (2 if ends == 50 else 0)


@pytest.mark.parametrize(
    ("held", "seen", "answer", "then"),
    [
        ("one", "one", "ended", None),
        ("one", "", "ended", None),
        ("two", "one", "changed", "two"),
        (None, "one", "unknown", None),
        (None, "", "unknown", None),
    ],
)
def test_a_record_is_deleted_where_it_is_the_one_that_was_read(
    acts: Acts, held: str | None, seen: str, answer: str, then: str | None
) -> None:
    if held:
        acts.put("record", held, 100)
    assert acts("compare_and_delete", seen=seen) == answer
    assert acts.held("record") == then


def test_an_audit_entry_stands_once_and_takes_the_place_of_its_beginning(acts: Acts) -> None:
    def write(entry_id: str, entry: str, begun_at: str = "", length: int = 100) -> str:
        answer, place = acts("write_audit_entry", entry_id=entry_id, entry=entry, begun_at=begun_at, length=length)
        assert answer == "written"
        return str(place)

    def entries() -> list[str]:
        found: Any = acts.server.xrange("mm:{x}:audit")
        return [fields[b"entry"].decode() for _, fields in found]

    begun = write("1", "begins")
    assert write("1", "begins") == begun  # sent again
    assert entries() == ["begins"]
    ended = write("2", "done", begun_at=begun)
    assert ended > begun
    assert entries() == ["done"]
    for number in range(3, 53):
        write(str(number), f"entry {number}")
    assert write("3", "entry 3") == write("3", "entry 3")
    assert entries() == ["done", *(f"entry {number}" for number in range(3, 53))]
    for number in range(100, 500):
        write(str(number), "x", length=100)
    assert 100 <= acts.server.xlen("mm:{x}:audit") < 300
