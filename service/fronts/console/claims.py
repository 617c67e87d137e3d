"""What is known about a person, to be edited: a line for each claim, as the command line writes them."""

from collections.abc import Mapping
from typing import Any

import orjson

from service.admin import AdminError, Outdated, Refused, users
from service.admin.etags import etag
from service.fronts.console.pages import ConsolePage, ConsoleRequest, Go, Reply, Show, link
from service.records.user import User


async def show(request: ConsoleRequest) -> Reply:
    """The claims as lines."""
    user = await users.get_user(request.issuer, request.get("name"))
    return Show("claims", _values(user, written(user.claims), ""))


async def save(request: ConsoleRequest) -> Reply:
    """Put them in the place of those that were shown; or the form again, with what is wrong."""
    user = await users.get_user(request.issuer, request.get("name"))
    text = request.get("claims")
    try:
        changes = dict.fromkeys(user.claims) | read(text)
        await users.update_user(request.issuer, user.username, changes, if_match=request.get("etag"))
    except Outdated:
        now = await users.get_user(request.issuer, user.username)
        fault = f"They were changed meanwhile, to: {written(now.claims)}"
        return Show("claims", _values(now, text, fault), 409)
    except AdminError as error:
        return Show("claims", _values(user, text, str(error), request.get("etag")), 422)
    return Go(link("/user", name=user.username, done="claims"))


def written(claims: Mapping[str, Any]) -> str:
    """``name=Alice``, and ``email_verified:=true`` for what is no text, or would be read as another one."""
    return "\n".join(
        f"{name}={value}" if isinstance(value, str) and value == " ".join(value.split()) else f"{name}:={_json(value)}"
        for name, value in claims.items()
    )


def read(text: str) -> dict[str, Any]:
    """Raises Refused for a line that is no claim."""
    claims: dict[str, Any] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, separator, value = line.partition("=")
        is_json, name = name.endswith(":"), name.removesuffix(":").strip()
        if not separator or not name:
            raise Refused(f"{line[:80]}: write name=text, or name:=JSON")
        if name in claims:
            raise Refused(f"{name}: is there twice")
        try:
            claims[name] = orjson.loads(value) if is_json else value.strip()
        except orjson.JSONDecodeError as error:
            raise Refused(f"{name}: what follows := is not JSON") from error
    return claims


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()


def _values(user: User, text: str, fault: str, seen: str = "") -> dict[str, Any]:
    return {"here": "users", "user": user, "text": text, "fault": fault, "etag": seen or etag(user)}


PAGES = (ConsolePage("/user/claims", get=show, post=save),)
