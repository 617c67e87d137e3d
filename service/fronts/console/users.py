"""People of the built-in directory, with their sessions and grants."""

import asyncio
from typing import Any, NamedTuple

from service.admin import AdminError, NotFound, Refused, grants, sessions, users
from service.admin.users import UserInput
from service.fronts.console.pages import ConsolePage, ConsoleRequest, Go, Reply, Show, link
from service.issuer import Issuer
from service.records.user import User

_SHOWN, _CALLS, _LOOKED_AT = 50, 10, 500
_MOST_GRANTS, _MOST_SESSIONS = 50, 20


# finding them


async def show_list(request: ConsoleRequest) -> Reply:
    """Those whose username or subject holds what is sought."""
    if request.issuer.settings.directory_url:
        return Show("users", _list(request, [], "", elsewhere=True))
    wanted = request.get("q").strip()
    exact = await _named(request.issuer, wanted) if wanted and not request.get("cursor") else None
    found, cursor = await _search(request.issuer, wanted.lower(), request.get("cursor"))
    rest = sorted((one for one in found if exact is None or one.username != exact.username), key=_by_name)
    return Show("users", _list(request, [*([exact] if exact else []), *rest], cursor))


def _list(request: ConsoleRequest, found: list[User], cursor: str, *, elsewhere: bool = False) -> dict[str, Any]:
    return {
        "here": "users",
        "users": found,
        "wanted": request.get("q").strip(),
        "cursor": cursor,
        "first": not request.get("cursor"),
        "elsewhere": elsewhere,
        "done": request.get("done"),
        "about": request.get("about"),
        "ended": _ended(request),
    }


async def _named(issuer: Issuer, name: str) -> User | None:
    try:
        return await users.get_user(issuer, name)
    except NotFound:
        return None


async def _search(issuer: Issuer, wanted: str, cursor: str) -> tuple[list[User], str]:
    """Bounded: where it stops short there is a cursor."""
    found: list[User] = []
    for _ in range(_CALLS):
        page = await users.list_users(issuer, cursor, _LOOKED_AT)
        found += [one for one in page.users if wanted in one.username.lower() or wanted in one.subject.lower()]
        cursor = page.cursor
        if not cursor or len(found) >= _SHOWN:
            break
    return found, cursor


def _by_name(user: User) -> str:
    return user.username


# one of them


async def show(request: ConsoleRequest) -> Reply:
    """The person, their sessions and their grants."""
    issuer, name = request.issuer, request.get("name")
    user = await users.get_user(issuer, name)
    granted, signed_in = await asyncio.gather(
        grants.list_of_user(issuer, user.username, request.get("cursor"), _MOST_GRANTS),
        sessions.list_sessions(issuer, user.username, "", _MOST_SESSIONS),
    )
    values = {
        "here": "users",
        "user": user,
        "grants": granted.grants,
        "cursor": granted.cursor,
        "first": not request.get("cursor"),
        "sessions": signed_in.sessions,
        "more_sessions": bool(signed_in.cursor),
        "done": request.get("done"),
        "ended": _ended(request),
    }
    return Show("user", values)


def _ended(request: ConsoleRequest) -> str:
    """How many grants and sessions an act ended, for the page that it leads to."""
    grants, sessions = _number(request, "grants_ended"), _number(request, "sessions_ended")
    return f"{grants} grant{'s' * (grants != 1)} and {sessions} session{'s' * (sessions != 1)} ended"


def _number(request: ConsoleRequest, name: str) -> int:
    text = request.get(name)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


# new ones


async def show_new(request: ConsoleRequest) -> Reply:
    """The form for a new one."""
    return Show("user_new", _new({}, {}))


async def create(request: ConsoleRequest) -> Reply:
    """Create them; or the form again, with what is wrong. The password is not repeated."""
    given: dict[str, Any] = {"username": request.get("username").strip()}
    if subject := request.get("subject").strip():
        given["subject"] = subject
    given["claims"] = {name: text for name in ("name", "email") if (text := request.get(name).strip())}
    try:
        made = await users.create_user(request.issuer, UserInput.read(given), request.get("password") or None)
    except AdminError as error:
        kept = {name: request.get(name) for name in ("username", "subject", "name", "email")}
        return Show("user_new", _new(kept, _faults(error)), 422)
    return Go(link("/user", name=made.username, done="created"))


def _new(values: dict[str, str], faults: dict[str, str]) -> dict[str, Any]:
    return {"here": "users", "values": values, "faults": faults}


def _faults(error: Exception) -> dict[str, str]:
    """By the name of the field; "" for all else."""
    faults: dict[str, str] = {}
    for line in str(error).splitlines():
        name, _, text = line.partition(": ")
        name = name.partition(".")[0]
        known = name in ("username", "subject", "password", "claims")
        faults[name if known else ""] = text if known else line
    return faults


# acts


class Act(NamedTuple):
    """Something done to a person after a question. ``typed``: their username must be typed to confirm."""

    title: str
    text: str
    button: str
    done: str
    danger: bool = True
    typed: bool = False


ACTS = {
    "sign-out": Act(
        "Revoke everything of {name}?",
        "Every session and every grant of theirs ends at once, and what they allowed is forgotten. They may sign in again.",
        "Revoke all",
        "signed-out",
    ),
    "disable": Act(
        "Disable {name}?",
        "They cannot sign in any more, and every session and grant of theirs ends at once and for good.",
        "Disable",
        "disabled",
    ),
    "enable": Act(
        "Enable {name}?",
        "They may sign in again. What was ended stays ended.",
        "Enable",
        "enabled",
        danger=False,
    ),
    "delete": Act(
        "Delete {name}?",
        "The person is forgotten here, and every session and grant of theirs ends at once. This cannot be undone.",
        "Delete user",
        "deleted",
        typed=True,
    ),
}


async def ask(request: ConsoleRequest) -> Reply:
    """Is that really wanted?"""
    user = await users.get_user(request.issuer, request.get("name"))
    return Show("confirm", _question(user, request.get("act")))


async def act(request: ConsoleRequest) -> Reply:
    """Do it, and say how many grants and sessions ended."""
    user = await users.get_user(request.issuer, request.get("name"))
    name = request.get("act")
    wanted = _act(name)
    if wanted.typed and request.get("typed").strip() != user.username:
        return Show("confirm", _question(user, name) | {"fault": f"Type {user.username} to confirm."}, 422)
    ended = await _do(request.issuer, name, user.username)
    if name == "delete":
        return Go(link("/users", done="deleted", about=user.username, **ended))
    return Go(link("/user", name=user.username, done=wanted.done, **ended))


async def _do(issuer: Issuer, act: str, username: str) -> dict[str, str]:
    """How many grants and sessions ended."""
    if act == "enable":
        await users.enable_user(issuer, username)
        return {}
    doing = {"sign-out": users.sign_out_user, "disable": users.disable_user, "delete": users.delete_user}[act]
    return _told((await doing(issuer, username)).counts)


def _told(counts: dict[str, int]) -> dict[str, str]:
    """How many grants and sessions ended, for the page that comes next."""
    return {name: str(count) for name, count in counts.items()}


def _act(name: str) -> Act:
    if name not in ACTS:
        raise NotFound("there is no such act")
    return ACTS[name]


def _question(user: User, name: str) -> dict[str, Any]:
    wanted = _act(name)
    return {
        "here": "users",
        "title": wanted.title.format(name=user.username),
        "text": wanted.text,
        "button": wanted.button,
        "danger": wanted.danger,
        "action": "/user/act",
        "fields": {"name": user.username, "act": name},
        "back": link("/user", name=user.username),
        "typed": user.username if wanted.typed else "",
        "fault": "",
    }


async def ask_password(request: ConsoleRequest) -> Reply:
    """The form for a new password."""
    user = await users.get_user(request.issuer, request.get("name"))
    return Show("password", {"here": "users", "user": user, "fault": ""})


async def set_password(request: ConsoleRequest) -> Reply:
    """Set it, if it was typed twice alike."""
    user = await users.get_user(request.issuer, request.get("name"))
    password = request.get("password")
    try:
        if password != request.get("again"):
            raise Refused("password: the two are not alike")
        ended = await users.set_password(request.issuer, user.username, password)
    except Refused as error:
        fault = str(error).removeprefix("password: ")
        return Show("password", {"here": "users", "user": user, "fault": fault}, 422)
    return Go(link("/user", name=user.username, done="password", **_told(ended.counts)))


async def end_session(request: ConsoleRequest) -> Reply:
    """End one session with what was granted in it."""
    user = await users.get_user(request.issuer, request.get("name"))
    session = await sessions.get_session(request.issuer, request.get("sid"))
    if session.subject != user.subject:
        raise NotFound("that is somebody else's session")
    ended = await sessions.end_session(request.issuer, session.sid)
    return Go(link("/user", name=user.username, done="session", **_told(ended.counts)))


PAGES = (
    ConsolePage("/users", get=show_list),
    ConsolePage("/users/new", get=show_new, post=create),
    ConsolePage("/user", get=show),
    ConsolePage("/user/act", get=ask, post=act),
    ConsolePage("/user/password", get=ask_password, post=set_password),
    ConsolePage("/user/session", post=end_session),
)
