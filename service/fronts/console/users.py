"""The pages of users of the built-in directory, with their sessions and grants."""

import asyncio
from collections.abc import Mapping
from typing import Any

from service.admin.errors import AdminError, InvalidInput, NotFound
from service.admin.operations import grants, sessions, users
from service.fronts.console.confirmation import Act, Question, act_of, confirmed
from service.fronts.console.pages import ConsolePage, ConsoleReply, ConsoleRequest, Go, Show, faults_of, link
from service.fronts.console.searching import SHOWN, search
from service.protocol.whole_numbers import whole_number

_MOST_SESSIONS = 20


# searching


async def show_list(request: ConsoleRequest) -> ConsoleReply:
    """Show the users whose username or subject contains the searched text."""
    if request.issuer.settings.directory_url:
        return Show("users", {"here": "users", "elsewhere": True, "done": ""})
    found = await search(request, users.LIST, users.SHOW, "users", "username", "subject")
    return Show("users", found | {"elsewhere": False, "ended": _ended(request)})


# showing


async def show(request: ConsoleRequest) -> ConsoleReply:
    """Show a user with sessions and grants."""
    user = await request.do(users.SHOW, username=request.named("name"))
    name, cursor = user["username"], request.get("cursor")
    granted, signed_in = await asyncio.gather(
        request.do(grants.LIST, user=name, cursor=cursor, limit=SHOWN),
        request.do(sessions.LIST, username=name, limit=_MOST_SESSIONS),
    )
    values = {
        "here": "users",
        "user": user,
        "grants": granted["grants"],
        "cursor": granted["cursor"],
        "first": not cursor,
        "sessions": signed_in["sessions"],
        "more_sessions": bool(signed_in["cursor"]),
        "done": request.outcome.get("done", ""),
        "ended": _ended(request),
    }
    return Show("user", values)


def _ended(request: ConsoleRequest) -> str:
    """Return the message with how many grants and sessions an act ended."""
    grants, sessions = _number(request, "grants_ended"), _number(request, "sessions_ended")
    return f"{grants} grant{'s' * (grants != 1)} and {sessions} session{'s' * (sessions != 1)} ended"


def _number(request: ConsoleRequest, name: str) -> int:
    return whole_number(request.outcome.get(name, "")) or 0


# creating


async def show_new(_: ConsoleRequest) -> ConsoleReply:
    """Show the form for a new user."""
    return Show("user_new", _new({}, {}))


async def create(request: ConsoleRequest) -> ConsoleReply:
    """Create a user; or show the form again with its faults, without the password."""
    username, subject = request.get("username"), request.get("subject")
    claims = {name: text for name in ("name", "email") if (text := request.get(name))}
    password = request.parameters.get("password") or None
    try:
        await request.do(users.CREATE, username=username, subject=subject or None, claims=claims, password=password)
    except AdminError as error:
        kept = {name: request.get(name) for name in ("username", "subject", "name", "email")}
        return Show("user_new", _new(kept, faults_of(error, ("username", "subject", "password", "claims"))), 422)
    return Go(link("/user", name=username), {"done": "created"})


def _new(values: dict[str, str], faults: dict[str, str]) -> dict[str, Any]:
    return {"here": "users", "values": values, "faults": faults}


# acts

ACTS = {
    "sign-out": Act(
        "Revoke everything of {name}?",
        "Every session and every grant of the user ends at once, and what the user allowed is forgotten. The user may sign in "
        "again.",
        "Revoke all",
        users.SIGN_OUT,
        "signed-out",
    ),
    "disable": Act(
        "Disable {name}?",
        "The user cannot sign in any more, and every session and grant of the user ends at once and for good.",
        "Disable",
        users.DISABLE,
        "disabled",
    ),
    "enable": Act(
        "Enable {name}?", "The user may sign in again. What was ended stays ended.", "Enable", users.ENABLE, "enabled"
    ),
    "delete": Act(
        "Delete {name}?",
        "The user is forgotten here, and every session and grant of the user ends at once. This cannot be undone.",
        "Delete user",
        users.DELETE,
        "deleted",
        typed=True,
    ),
}


async def _act(request: ConsoleRequest, question: Question) -> Go:
    """Perform an act, and report how many grants and sessions it ended."""
    ended = _counts(await request.do(question.act.operation, username=question.key))
    if question.act is ACTS["delete"]:
        return Go(link("/users"), {"done": "deleted", "about": question.key, **ended})
    return Go(link("/user", name=question.key), {"done": question.act.done, **ended})


async def _question(request: ConsoleRequest) -> Question:
    name = (await request.do(users.SHOW, username=request.named("name")))["username"]
    wanted, fields = act_of(ACTS, request.get("act")), {"name": name, "act": request.get("act")}
    return Question(wanted, "users", name, fields, link("/user", name=name), name)


def _counts(ended: Mapping[str, Any]) -> dict[str, str]:
    """Return the numbers of ended grants and sessions, for the message of the next page."""
    return {name: str(ended[name]) for name in ("grants_ended", "sessions_ended") if name in ended}


async def ask_password(request: ConsoleRequest) -> ConsoleReply:
    """Show the form for a new password."""
    user = await request.do(users.SHOW, username=request.named("name"))
    return Show("password", {"here": "users", "user": user, "fault": ""})


async def set_password(request: ConsoleRequest) -> ConsoleReply:
    """Set the password, if it was typed the same way twice."""
    user = await request.do(users.SHOW, username=request.named("name"))
    password = request.parameters.get("password", "")
    try:
        if password != request.parameters.get("again", ""):
            raise InvalidInput("password: the two are not alike")
        ended = await request.do(users.SET_PASSWORD, username=user["username"], password=password)
    except InvalidInput as error:
        fault = str(error).removeprefix("password: ")
        return Show("password", {"here": "users", "user": user, "fault": fault}, 422)
    return Go(link("/user", name=user["username"]), {"done": "password", **_counts(ended)})


_END_SESSION = Act(
    "End this session of {name}?",
    "The user is signed out of one browser, and the grants that began in it end at once and for good.",
    "End session",
    sessions.END,
    "session",
)


async def _question_of_session(request: ConsoleRequest) -> Question:
    user = await request.do(users.SHOW, username=request.named("name"))
    session = await request.do(sessions.SHOW, sid=request.named("sid"))
    if session["subject"] != user["subject"]:
        raise NotFound("that is the session of another user")
    name, fields = user["username"], {"name": user["username"], "sid": session["sid"]}
    return Question(_END_SESSION, "users", name, fields, link("/user", name=name), session["sid"])


async def _end_session(request: ConsoleRequest, question: Question) -> Go:
    """End one session and the grants that began in it."""
    ended = await request.do(question.act.operation, sid=question.key)
    return Go(question.back, {"done": question.act.done, **_counts(ended)})


PAGES = (
    ConsolePage("/users", get=show_list),
    ConsolePage("/users/new", get=show_new, post=create),
    ConsolePage("/user", get=show),
    confirmed("/user/act", _question, _act),
    ConsolePage("/user/password", get=ask_password, post=set_password),
    confirmed("/user/session", _question_of_session, _end_session),
)
