"""Signing keys, and when which one signs: a picture of the past and the next weeks."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple

from service.admin import NotFound, Refused, keys
from service.crypto import key_schedule
from service.crypto.keyring import KnownKey
from service.fronts.console.pages import ConsolePage, ConsoleRequest, Go, Reply, Show, link
from service.issuer import Issuer
from service.protocol.names import SigningAlgorithm

_BEFORE, _AFTER = 30 * 86400, 120 * 86400
"""Seconds around now that the picture shows at most."""
_NEVER = 2**62


class Bar(NamedTuple):
    """When a key signs, in percent of the picture's width; ``told``: from when it is published, until when it verifies."""

    kid: str
    state: str
    left: float
    width: float
    told_left: float
    told_width: float


class Row(NamedTuple):
    """The keys of one algorithm, as bars and one by one."""

    algorithm: str
    bars: list[Bar]
    keys: list[dict[str, Any]]


async def show(request: ConsoleRequest) -> Reply:
    """All keys, or why there are none."""
    issuer, now = request.issuer, int(request.issuer.clock())
    try:
        known = keys.list_keys(issuer)
    except Refused as error:
        return Show("keys", _values(request, [], now, now + 1, off=str(error)))
    lifetime = 0 if issuer.settings.signing_key_files else issuer.settings.signing_key_lifetime
    begins, ends = _frame(known, now, lifetime)
    rows = [
        Row(algorithm, [_bar(one, begins, ends, lifetime) for one in reversed(its)], [_described(one) for one in its])
        for algorithm, its in (
            (name, list(group)) for name, group in groupby(known, lambda one: one.key.algorithm.value)
        )
    ]
    return Show("keys", _values(request, rows, begins, ends))


def _values(request: ConsoleRequest, rows: list[Row], begins: int, ends: int, off: str = "") -> dict[str, Any]:
    now, settings = int(request.issuer.clock()), request.issuer.settings
    return {
        "here": "keys",
        "rows": rows,
        "off": off,
        "files": bool(settings.signing_key_files),
        "begins": begins,
        "ends": ends,
        "now_at": _share(now, begins, ends),
        "lifetime": settings.signing_key_lifetime,
        "published_ahead": settings.jwks_lifetime,
        "done": request.get("done"),
    }


def _described(known: KnownKey) -> dict[str, Any]:
    return keys.describe(known.key, known.state)


def _frame(known: Sequence[KnownKey], now: int, lifetime: int) -> tuple[int, int]:
    """From the oldest key to the last end that is known or planned, with room on both sides."""
    begins = [one.key.signs_from for one in known if 0 < one.key.signs_from < _NEVER]
    ends = [one.key.signs_until for one in known if one.key.signs_until] + [at + lifetime for at in begins if lifetime]
    first = max(min([*begins, now - 86400]), now - _BEFORE)
    last = min(max([*ends, *begins, now + 7 * 86400]) + 3 * 86400, now + _AFTER)
    return first, last


def _bar(known: KnownKey, begins: int, ends: int, lifetime: int) -> Bar:
    """``lifetime``: how long a key signs that nobody rotates, 0 = as long as it takes."""
    key = known.key
    planned = key.signs_from + lifetime if lifetime else ends
    until = key.signs_until or (planned if key.signs_from < _NEVER else 0)
    told_until = until + key_schedule.LONGEST_TOKEN + key_schedule.SLACK
    left, right = _share(key.signs_from, begins, ends), _share(until, begins, ends)
    told_left, told_right = _share(key.created_at, begins, ends), _share(told_until, begins, ends)
    return Bar(key.kid, known.state, left, max(right - left, 0.0), told_left, max(told_right - told_left, 0.0))


def _share(at: int, begins: int, ends: int) -> float:
    return round(min(max((at - begins) / max(ends - begins, 1), 0.0), 1.0) * 100, 2)


# acts


async def ask(request: ConsoleRequest) -> Reply:
    """Is that really wanted?"""
    act, what = request.get("act"), request.get("what")
    if act == "rotate":
        return Show("confirm", _question_rotate(request.issuer, what))
    if act == "retire":
        _check_kid(request.issuer, what)
        return Show("confirm", _question_retire(what))
    raise NotFound("there is no such act")


async def act(request: ConsoleRequest) -> Reply:
    """Do it."""
    name, what = request.get("act"), request.get("what")
    if name == "rotate":
        await keys.rotate_keys(request.issuer, _algorithm(what))
    elif name == "rotate-now":
        await keys.rotate_keys(request.issuer, _algorithm(what), at_once=True)
    elif name == "retire":
        if request.get("typed").strip() != what:
            return Show("confirm", _question_retire(what) | {"fault": "Type the key id to confirm."}, 422)
        await keys.retire_key(request.issuer, what)
    else:
        raise NotFound("there is no such act")
    return Go(link("/keys", done="retired" if name == "retire" else "rotated"))


def _algorithm(name: str) -> SigningAlgorithm | None:
    if not name:
        return None
    try:
        return SigningAlgorithm(name)
    except ValueError as error:
        raise NotFound("there is no such algorithm") from error


def _check_kid(issuer: Issuer, kid: str) -> None:
    if kid not in [one.key.kid for one in keys.list_keys(issuer)]:
        raise NotFound(f"there is no key {kid!r}")


def _question_rotate(issuer: Issuer, algorithm: str) -> dict[str, Any]:
    _algorithm(algorithm)
    return _question(
        f"Rotate {algorithm or 'all keys'}?",
        "A new key is made, and published by every process within 6 seconds. It signs once everybody can have seen it, and the "
        "one before it stays published until the last token that it signed has expired: clients and users notice nothing.",
        "Rotate",
        {"act": "rotate", "what": algorithm},
        danger=False,
    )


def _question_retire(kid: str) -> dict[str, Any]:
    return _question(
        "Retire this key?",
        "For a key that may have leaked: every process takes it out of the key set within 6 seconds, another one signs, and "
        "what it signed is refused by all who fetch the key set again.",
        "Retire key",
        {"act": "retire", "what": kid},
        danger=True,
    ) | {"typed": kid}


def _question(title: str, text: str, button: str, fields: dict[str, str], *, danger: bool) -> dict[str, Any]:
    return {
        "here": "keys",
        "title": title,
        "text": text,
        "button": button,
        "danger": danger,
        "action": "/keys/act",
        "fields": fields,
        "back": link("/keys"),
        "typed": "",
        "fault": "",
    }


PAGES = (ConsolePage("/keys", get=show), ConsolePage("/keys/act", get=ask, post=act))
