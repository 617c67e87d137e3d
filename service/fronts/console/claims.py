"""The form for the claims of a user: a line for each claim, as on the command line."""

from collections.abc import Mapping
from typing import Any

import orjson

from service.admin.errors import AdminError, InvalidInput, Outdated
from service.admin.operations import OperationResult, users
from service.fronts.console.pages import ConsolePage, ConsoleReply, ConsoleRequest, Go, Show, link


async def show(request: ConsoleRequest) -> ConsoleReply:
    """Show the claims as lines."""
    shown = await request.perform(users.SHOW, username=request.named("name"))
    return Show("claims", _values(shown, written(shown.body["claims"]), ""))


async def save(request: ConsoleRequest) -> ConsoleReply:
    """Replace the claims that were shown; or show the form again with its faults."""
    shown = await request.perform(users.SHOW, username=request.named("name"))
    username, text = shown.body["username"], request.get("claims")
    try:
        changes = dict.fromkeys(shown.body["claims"]) | read(text)
        await request.do(users.UPDATE, username=username, claims=changes, if_match=request.get("etag"))
    except Outdated:
        now = await request.perform(users.SHOW, username=username)
        fault = f"They were changed meanwhile, to: {written(now.body['claims'])}"
        return Show("claims", _values(now, text, fault), 409)
    except AdminError as error:
        return Show("claims", _values(shown, text, str(error), request.get("etag")), 422)
    return Go(link("/user", name=username, done="claims"))


def written(claims: Mapping[str, Any]) -> str:
    """Return claims as lines: ``name=Alice``, or JSON as in ``email_verified:=true`` for what is not a plain text."""
    return "\n".join(
        f"{name}={value}"
        if isinstance(value, str) and value == " ".join(value.split())
        else f"{name}:={orjson.dumps(value).decode()}"
        for name, value in claims.items()
    )


def read(text: str) -> dict[str, Any]:
    """Return the claims of lines. Raises InvalidInput for a line that is no claim."""
    claims: dict[str, Any] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, separator, value = line.partition("=")
        is_json, name = name.endswith(":"), name.removesuffix(":").strip()
        if not separator or not name:
            raise InvalidInput(f"{line[:80]}: write name=text, or name:=JSON")
        if name in claims:
            raise InvalidInput(f"{name}: is there twice")
        try:
            claims[name] = orjson.loads(value) if is_json else value.strip()
        except orjson.JSONDecodeError as error:
            raise InvalidInput(f"{name}: what follows := is not JSON") from error
    return claims


def _values(shown: OperationResult, text: str, fault: str, seen: str = "") -> dict[str, Any]:
    return {"here": "users", "user": shown.body, "text": text, "fault": fault, "etag": seen or shown.etag}


PAGES = (ConsolePage("/user/claims", get=show, post=save),)
