"""``mintmark refused …``: requests that were refused lately, as operators see them."""

import time

import pytest

from service.records.refused_request import RefusedRequest
from service.store.keys import Keys
from tests.cli.command_line import CommandLine
from tests.redis_shapes import Shape

BOTH_WAYS = True

MEMBERS = {
    *("id", "at", "endpoint", "error", "reason", "detail", "client_id", "address", "request_id", "remedy"),
}


@pytest.fixture(autouse=True)
def _refused(redis: Shape) -> None:
    """As processes of the service write them."""
    now = int(time.time() * 1000)
    for client_id, error, reason in (
        ("web", "invalid_grant", "code_replayed"),
        ("web", "invalid_client", "wrong_client_secret"),
        ("", "invalid_client", "client_unknown"),
    ):
        one = RefusedRequest(now, "token", error, reason, f"why: {reason}", client_id, "192.0.2.7", "a-request")
        redis.primaries()[0].admin.xadd(Keys().refused_requests(), {"r": one.encode()})


def test_they_are_listed_the_newest_first(mintmark: CommandLine) -> None:
    listed = mintmark("refused", "list", "--json").json
    newest, _, oldest = listed["refused"]
    assert set(newest) == MEMBERS
    assert (newest["reason"], newest["client_id"]) == ("client_unknown", "")
    assert (oldest["client_id"], oldest["error"], oldest["address"]) == ("web", "invalid_grant", "192.0.2.7")
    assert "Send each code once" in oldest["remedy"]
    table = mintmark("refused", "list")
    assert table.err == "3 refused requests\n"


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (("--client", "web"), 2),
        (("--client", "phone"), 0),
        (("--error", "invalid_client"), 2),
        (("--reason", "code_replayed"), 1),
        (("--client", "web", "--error", "invalid_client"), 1),
        (("--since", "1h"), 3),
        (("--since", "2099-01-01"), 0),
        (("--limit", "0"), 3),
    ],
)
def test_they_are_filtered(mintmark: CommandLine, options: tuple[str, ...], count: int) -> None:
    assert len(mintmark("refused", "list", *options, "--json").json["refused"]) == count


@pytest.mark.parametrize(("option", "known"), [("error", "invalid_grant"), ("reason", "docs/reference/refusals.md")])
def test_what_does_not_exist_is_not_just_nothing(mintmark: CommandLine, option: str, known: str) -> None:
    """A typing error has a message, not an empty list."""
    told = mintmark("refused", "list", f"--{option}", "invalid_grnat", code=2).err
    assert f"--{option}: there is no such {option}" in told
    assert known in told


def test_they_come_in_pages(mintmark: CommandLine) -> None:
    first = mintmark("refused", "list", "--limit", "2", "--json").json
    assert [one["reason"] for one in first["refused"]] == ["client_unknown", "wrong_client_secret"]
    rest = mintmark("refused", "list", "--cursor", first["cursor"], "--json").json
    assert ([one["reason"] for one in rest["refused"]], rest["cursor"]) == (["code_replayed"], "")
    assert "is not a cursor" in mintmark("refused", "list", "--cursor", "x", code=1).err
