"""Hooks: which there are, and one asked for a try."""

import time
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import orjson
from pydantic import ValidationError

from service.admin.errors import NotFound
from service.faults import lines
from service.hooks.answers import ClaimsAnswer, Verdict
from service.hooks.facts import Revoked, about_login, about_revoked, about_token
from service.hooks.failure import HookError
from service.hooks.hook import Hook
from service.hooks.message import Message
from service.issuer import Issuer
from service.protocol.claims import is_deeper
from service.protocol.names import GrantTypeName, HookEvent
from service.records.client import Client
from service.records.grant import Grant

_SUBJECT, _CLIENT, _ADDRESS = "test-subject", "test-client", "192.0.2.1"
_GRANT_ID = "A" * 22
_MAX_DEPTH = 100


class Tried(NamedTuple):
    """``answer``: JSON, or None; ``milliseconds``: until it was there; ``fault``: why it would not count, "" where it would."""

    event: HookEvent
    answer: Any
    milliseconds: float
    fault: str


def list_hooks(issuer: Issuer) -> list[dict[str, Any]]:
    """Every hook as it is set, without secrets; of a URL only where it leads, for its query may be one."""
    return [_described(hook) for hook in issuer.hooks.by_name.values()]


async def try_hook(issuer: Issuer, name: str) -> list[Tried]:
    """Send a made-up event of each kind that the hook is there for. It counts for no circuit. Raises NotFound."""
    hook = issuer.hooks.by_name.get(name)
    if hook is None:
        raise NotFound(f"there is no hook {name!r}; `mintmark hook list` shows all")
    return [await _try(issuer, hook, event) for event in hook.settings.events]


def sample(event: HookEvent) -> dict[str, Any]:
    """Facts as this event has them, of somebody who does not exist."""
    if event in (HookEvent.CLAIMS, HookEvent.REFRESH):
        name = GrantTypeName.REFRESH_TOKEN if event is HookEvent.REFRESH else GrantTypeName.AUTHORIZATION_CODE
        client, grant = Client(_CLIENT), Grant(_CLIENT, _SUBJECT, scope="openid")
        return {**about_token(client, grant, _GRANT_ID, name, "openid", (), _ADDRESS), "test": True}
    if event is HookEvent.REVOKED:
        about = {"grant_id": _GRANT_ID, "subject": _SUBJECT, "client_id": _CLIENT}
        return {**about_revoked(Revoked.GRANT, "test", **about), "test": True}
    return {**about_login(_SUBJECT, "test", _ADDRESS, how="browser"), "session_id": _GRANT_ID, "test": True}


def _described(hook: Hook) -> dict[str, Any]:
    given = hook.settings
    parts = urlsplit(given.url or "")
    return {
        "name": hook.name,
        "place": f"{parts.scheme}://{parts.netloc}{parts.path}" if given.url else f"entry point {given.entry_point}",
        "events": [event.value for event in given.events],
        "timeout": given.timeout,
        "on_failure": given.on_failure,
    }


async def _try(issuer: Issuer, hook: Hook, event: HookEvent) -> Tried:
    message = issuer.hooks.message(event, sample(event))
    answer, fault, began = None, "", time.perf_counter()
    try:
        if event.asks:
            answer = await hook.target.ask(message)
        else:
            await hook.target.tell(message)
    except (HookError, ValueError) as error:
        fault = str(error)
    took = (time.perf_counter() - began) * 1000
    if is_deeper(answer, _MAX_DEPTH):  # it could not be shown
        answer, fault = None, f"its answer is nested more than {_MAX_DEPTH} deep"
    return Tried(event, answer, round(took, 1), fault or _fault_of(message, answer))


def _fault_of(message: Message, answer: Any) -> str:
    if not message.event.asks:
        return ""
    model = ClaimsAnswer if message.event is HookEvent.CLAIMS else Verdict
    try:
        model.model_validate(orjson.loads(orjson.dumps(answer)) or {})
    except ValidationError as error:
        return "; ".join(lines(error, "there is no such member", answer))
    return ""
