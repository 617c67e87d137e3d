"""Signing keys, with a timeline of the past and the next weeks that shows when each one signs."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from service.admin.errors import InvalidInput, NotFound
from service.admin.operations import keys
from service.crypto import key_schedule
from service.fronts.console.confirmation import Act, Question, act_of, confirmed
from service.fronts.console.pages import ConsolePage, ConsoleReply, ConsoleRequest, Go, Show, link

_BEFORE, _AFTER = 30 * 86400, 120 * 86400
"""The most seconds before and after now in the timeline."""
_NEVER = 2**62

Key = Mapping[str, Any]


class Bar(NamedTuple):
    """The times in which a key signs and is published, in percent of the timeline's width."""

    kid: str
    state: str
    left: float
    width: float
    published_left: float
    published_width: float


class KeyLane(NamedTuple):
    """The keys of one algorithm, with their bars."""

    algorithm: str
    bars: list[Bar]
    keys: list[Key]


async def show(request: ConsoleRequest) -> ConsoleReply:
    """Show all keys, or why there are none."""
    issuer, now = request.issuer, int(request.issuer.clock())
    try:
        known = (await request.do(keys.LIST))["keys"]
    except InvalidInput as error:
        return Show("keys", _values(request, [], now, now + 1, off=str(error)))
    lifetime = 0 if issuer.settings.signing_key_files else issuer.settings.signing_key_lifetime
    begins, ends = _frame(known, now, lifetime)
    rows = [
        KeyLane(algorithm, [_bar(one, begins, ends, lifetime) for one in reversed(its)], its)
        for algorithm, its in ((name, list(group)) for name, group in groupby(known, lambda key: key["algorithm"]))
    ]
    return Show("keys", _values(request, rows, begins, ends))


def _values(request: ConsoleRequest, rows: list[KeyLane], begins: int, ends: int, off: str = "") -> dict[str, Any]:
    now, settings = int(request.issuer.clock()), request.issuer.settings
    return {
        "here": "keys",
        "rows": rows,
        "encrypts": any(key["use"] == "enc" for row in rows for key in row.keys),
        "off": off,
        "files": bool(settings.signing_key_files),
        "begins": begins,
        "ends": ends,
        "now_at": _share(now, begins, ends),
        "lifetime": settings.signing_key_lifetime,
        "published_ahead": settings.jwks_lifetime,
        "done": request.outcome.get("done", ""),
    }


def _signs_from(key: Key) -> int:
    """Return since when a key signs, in epoch seconds; infinity for a next key whose start is unknown yet."""
    return key["signs_from_at"] or (_NEVER if key["state"] == "next" else 0)


def _frame(known: Sequence[Key], now: int, lifetime: int) -> tuple[int, int]:
    """Return the timeline's begin and end: from the oldest key to the last known or planned end, with margins."""
    begins = [key["signs_from_at"] for key in known if key["signs_from_at"]]
    ends = [key["signs_until_at"] for key in known if key["signs_until_at"]]
    ends += [at + lifetime for at in begins if lifetime]
    first = max(min([*begins, now - 86400]), now - _BEFORE)
    last = min(max([*ends, *begins, now + 7 * 86400]) + 3 * 86400, now + _AFTER)
    return first, last


def _bar(key: Key, begins: int, ends: int, lifetime: int) -> Bar:
    """Return the bar of a key. It signs for a lifetime (seconds; 0: without an end) unless an operator rotates it."""
    signs_from = _signs_from(key)
    planned = signs_from + lifetime if lifetime else ends
    until = key["signs_until_at"] or (planned if signs_from < _NEVER else 0)
    published_until = until + key_schedule.LONGEST_TOKEN + key_schedule.SLACK
    left, right = _share(signs_from, begins, ends), _share(until, begins, ends)
    published_left, published_right = _share(key["created_at"], begins, ends), _share(published_until, begins, ends)
    return Bar(
        key["kid"],
        key["state"],
        left,
        max(right - left, 0.0),
        published_left,
        max(published_right - published_left, 0.0),
    )


def _share(at: int, begins: int, ends: int) -> float:
    return round(min(max((at - begins) / max(ends - begins, 1), 0.0), 1.0) * 100, 2)


# acts

_ROTATE = Act(
    "Rotate {name}?",
    "A new key is made, and published by every process within 6 seconds. It signs once everybody can have seen it, and the "
    "one before it stays published until the last token that it signed has expired: clients and users notice nothing.",
    "Rotate",
    keys.ROTATE,
    "rotated",
)
_RETIRE = Act(
    "Retire this key?",
    "For a key that may have leaked: every process takes it out of the key set within 6 seconds, another one signs, and "
    "what it signed is refused by all who fetch the key set again.",
    "Retire key",
    keys.RETIRE,
    "retired",
    typed=True,
)
ACTS = {"rotate": _ROTATE, "rotate-now": _ROTATE, "retire": _RETIRE}


async def _act(request: ConsoleRequest, question: Question) -> Go:
    what = request.get("what")
    if question.act is _RETIRE:
        await request.do(keys.RETIRE, kid=what)
    else:
        await request.do(keys.ROTATE, algorithm=what or None, at_once=request.get("act") == "rotate-now")
    return Go(link("/keys"), {"done": question.act.done})


async def _question(request: ConsoleRequest) -> Question:
    """Return the question. Raises NotFound for an act, a key or an algorithm that does not exist."""
    name, what = request.get("act"), request.get("what")
    wanted = act_of(ACTS, name)
    known = (await request.do(keys.LIST))["keys"]
    if wanted is _RETIRE and what not in [key["kid"] for key in known]:
        raise NotFound(f"there is no key {what!r}")
    if wanted is _ROTATE and what not in ("", *(key["algorithm"] for key in known)):
        raise NotFound("there is no such algorithm")
    fields = {"act": name, "what": what}
    return Question(wanted, "keys", what or "all keys", fields, link("/keys"), what, "the key id")


PAGES = (ConsolePage("/keys", get=show), confirmed("/keys/act", _question, _act))
