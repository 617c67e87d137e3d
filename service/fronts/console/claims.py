"""The form for the claims of a user: a line for each claim, as on the command line."""

import json
import re
from collections.abc import Mapping
from typing import Any

import orjson

from service.admin.errors import AdminError, InvalidInput, Outdated
from service.admin.operations import OperationResult, users
from service.fronts.console.pages import ConsolePage, ConsoleReply, ConsoleRequest, Go, Show, lines, link
from service.protocol.display_names import spelled_out

_LINE = re.compile(r'("(?:[^"\\]|\\.)*"\s*|[^=]*?)(:?=)(.*)', re.DOTALL)
"""A name, perhaps as a JSON string, and what it is: a text, or JSON after ``:=``."""


async def show(request: ConsoleRequest) -> ConsoleReply:
    """Show the claims as lines."""
    shown = await request.perform(users.SHOW, username=request.named("name"))
    return Show("claims", _values(shown, written(shown.body["claims"]), ""))


async def save(request: ConsoleRequest) -> ConsoleReply:
    """Change the claims that differ; or show the form again with its faults."""
    shown = await request.perform(users.SHOW, username=request.named("name"))
    username, text = shown.body["username"], request.get("claims")
    try:
        if changes := _changes(shown.body["claims"], read(text)):
            await request.do(users.UPDATE, username=username, claims=changes, if_match=request.get("etag"))
    except Outdated:
        now = await request.perform(users.SHOW, username=username)
        fault = f"They were changed meanwhile, to: {written(now.body['claims'])}"
        return Show("claims", _values(now, text, fault), 409)
    except AdminError as error:
        return Show("claims", _values(shown, text, str(error), request.get("etag")), 422)
    return Go(link("/user", name=username), {"done": "claims"})


def written(claims: Mapping[str, Any]) -> str:
    """Return claims as lines: ``name=Alice``, or JSON as in ``email_verified:=true`` for what is not a plain text.

    A name that would be read otherwise is written as a JSON string, too.
    """
    return "\n".join(
        f"{_name(name)}={value}" if isinstance(value, str) and _is_plain(value) else f"{_name(name)}:={_json(value)}"
        for name, value in claims.items()
    )


def _name(name: str) -> str:
    is_read_as_it_is = _is_plain(name) and "=" not in name and not name.startswith('"') and not name.endswith(":")
    return name if is_read_as_it_is else _json(name)


def _is_plain(text: str) -> bool:
    """Whether a line shows a text as it is: without blanks that get lost, and characters that cannot be seen."""
    return text == " ".join(text.split()) == spelled_out(text)


def _json(value: object) -> str:
    """Return JSON whose characters can all be seen."""
    text = orjson.dumps(value).decode()
    return text if text == spelled_out(text) else json.dumps(value)


def read(text: str) -> dict[str, Any]:
    """Return the claims of lines. Raises InvalidInput for a line that is no claim."""
    claims: dict[str, Any] = {}
    for line in lines(text):
        name, value = _claim(line)
        if name in claims:
            raise InvalidInput(f"{name}: is there twice")
        claims[name] = value
    return claims


def _claim(line: str) -> tuple[str, Any]:
    found = _LINE.fullmatch(line)
    said, separator, value = found.groups() if found else ("", "", "")
    try:
        name = orjson.loads(said) if said.startswith('"') else said.strip()
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"{line[:80]}: the name in quotes is no JSON string") from error
    if not name:
        raise InvalidInput(f"{line[:80]}: write name=text, or name:=JSON")
    try:
        return name, orjson.loads(value) if separator == ":=" else value.strip()
    except orjson.JSONDecodeError as error:
        raise InvalidInput(f"{name}: what follows := is not JSON") from error


def _changes(held: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the claims that differ, compared as JSON, where true is not 1; those that are gone as None."""
    gone = dict.fromkeys(name for name in held if name not in wanted)
    return gone | {
        name: value
        for name, value in wanted.items()
        if name not in held or orjson.dumps(held[name]) != orjson.dumps(value)
    }


def _values(shown: OperationResult, text: str, fault: str, seen: str = "") -> dict[str, Any]:
    return {"here": "users", "user": shown.body, "text": text, "fault": fault, "etag": seen or shown.etag}


PAGES = (ConsolePage("/user/claims", get=show, post=save),)
