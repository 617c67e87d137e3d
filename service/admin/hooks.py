"""Hooks: listing them, and trying one."""

import time
from collections.abc import Callable, Mapping
from typing import Annotated, Any, NamedTuple

import orjson
from pydantic import BaseModel, Field, ValidationError

from service.admin import clients, users
from service.admin.errors import NotFound
from service.admin.input import Name
from service.hooks.answers import ClaimsAnswer, DetailsVerdict, Verdict
from service.hooks.facts import (
    Revoked,
    about_backchannel,
    about_details,
    about_exchange,
    about_login,
    about_revoked,
    about_token,
)
from service.hooks.hook import Hook
from service.hooks.message import HookError, Message
from service.issuer import Issuer
from service.protocol.authorization_request import AuthorizationRequest
from service.protocol.claims import is_deeper
from service.protocol.names import OPENID, GrantTypeName, HookEvent, ResponseMode, ResponseType
from service.protocol.token_exchange import TokenType
from service.records.backchannel_request import WaitingBackchannelRequest
from service.records.client import Client
from service.records.grant import Grant
from service.settings.faults import lines

_SUBJECT, _CLIENT, _ADDRESS = "test-subject", "test-client", "192.0.2.1"
_GRANT_ID = "A" * 22
_REFERENCE = f"{_GRANT_ID}.{_GRANT_ID}"
_WAITS = 120
"""Seconds."""
_MAX_DEPTH = 100


class Tried(NamedTuple):
    """What a hook answered to one event."""

    event: HookEvent
    answer: Any
    """The answer in JSON, or None."""
    milliseconds: float
    """Milliseconds until the answer."""
    fault: str
    """Why the answer is not valid, "" where it is."""


class TriedHook(NamedTuple):
    """The answers of a hook to an event of each kind."""

    hook: str
    events: list[Tried]


async def list_hooks(issuer: Issuer) -> list[Hook]:
    """Return every hook in the settings."""
    return list(issuer.hooks.by_name.values())


async def try_hook(
    issuer: Issuer,
    hook: Name,
    user: Annotated[str, Field(max_length=255, description="Username, or subject.")] = "",
    client: Annotated[str, Field(max_length=255, description="client_id, or alias.")] = "",
) -> TriedHook:
    """Send a made-up event of each kind that the hook handles, about a user who does not exist unless one is given.

    The circuit breaker does not count it. Raises NotFound.
    """
    about = await _about(issuer, user, client)
    found = issuer.hooks.by_name.get(hook)
    if found is None:
        raise NotFound(f"there is no hook {hook!r}; `mintmark hook list` shows all")
    return TriedHook(hook, [await _try(issuer, found, event, about) for event in found.settings.events])


class About(NamedTuple):
    """The user and client of a made-up event."""

    subject: str = _SUBJECT
    username: str = "test"
    client: Client = Client(_CLIENT)


_NOBODY = About()


async def _about(issuer: Issuer, user: str, client: str) -> About:
    about = _NOBODY
    if user:
        person = await users.get_user(issuer, user)
        about = about._replace(subject=person.subject, username=person.username)
    return about._replace(client=await clients.get_client(issuer, client)) if client else about


def sample(event: HookEvent, about: About = _NOBODY) -> dict[str, Any]:
    """Return made-up facts of an event, with the members that real ones have."""
    return {**_SAMPLES[event](about), "test": True}


def _of_token(about: About, grant_type: GrantTypeName) -> dict[str, Any]:
    client, grant = about.client, _grant(about)
    return about_token(client, grant, _GRANT_ID, grant_type, grant.scope, client.audiences, _ADDRESS)


def _of_exchange(about: About) -> dict[str, Any]:
    grant = _grant(about)
    return about_exchange(
        about.client.client_id,
        grant,
        subject_token_type=TokenType.ACCESS_TOKEN,
        subject_client_id=_CLIENT,
        issued_token_type=TokenType.ACCESS_TOKEN,
        actor=None,
        scope=grant.scope,
        audience=about.client.audiences,
        address=_ADDRESS,
    )


def _of_backchannel(about: About) -> dict[str, Any]:
    client = about.client
    request = AuthorizationRequest(client.client_id, "", False, ResponseType.CODE, ResponseMode.QUERY, _scope(client))
    ends_at = int(time.time()) + _WAITS
    waiting = WaitingBackchannelRequest(
        request, client.generation, ends_at, subject=about.subject, username=about.username, binding_message="TEST"
    )
    return about_backchannel(_REFERENCE, waiting, client.name or client.client_id)


def _of_login(about: About) -> dict[str, Any]:
    return about_login(about.subject, about.username, _ADDRESS, how="browser", client_id=about.client.client_id)


def _of_revoked(about: About) -> dict[str, Any]:
    ended = {"grant_id": _GRANT_ID, "subject": about.subject, "client_id": about.client.client_id}
    return about_revoked(Revoked.GRANT, "test", **ended)


def _scope(client: Client) -> str:
    return " ".join(client.scopes) or OPENID


def _grant(about: About) -> Grant:
    return Grant(about.client.client_id, about.subject, about.username, _scope(about.client))


_SAMPLES: Mapping[HookEvent, Callable[[About], dict[str, Any]]] = {
    HookEvent.CLAIMS: lambda about: _of_token(about, GrantTypeName.AUTHORIZATION_CODE),
    HookEvent.REFRESH: lambda about: _of_token(about, GrantTypeName.REFRESH_TOKEN),
    HookEvent.EXCHANGE: _of_exchange,
    HookEvent.LOGIN: _of_login,
    HookEvent.AUTHORIZATION_DETAILS: lambda about: about_details(
        about.client.client_id, about.subject, [{"type": "test"}]
    ),
    HookEvent.BACKCHANNEL_AUTHENTICATION: _of_backchannel,
    HookEvent.LOGGED_IN: lambda about: {**_of_login(about), "session_id": _GRANT_ID, "renewed": False},
    HookEvent.LOGGED_OUT: lambda about: {
        **{"session_id": _GRANT_ID, "subject": about.subject},
        **{"grants_ended": 0, "sessions_ended": 1},
    },
    HookEvent.REVOKED: _of_revoked,
}
"""What makes the facts of each event."""


async def _try(issuer: Issuer, hook: Hook, event: HookEvent, about: About) -> Tried:
    message = issuer.hooks.message(event, sample(event, about))
    answer, fault, began = None, "", time.perf_counter()
    try:
        if event.asks:
            answer = await hook.target.ask(message)
        else:
            await hook.target.notify(message)
    except (HookError, ValueError) as error:
        fault = str(error)
    took = (time.perf_counter() - began) * 1000
    if is_deeper(answer, _MAX_DEPTH):  # it could not be displayed
        answer, fault = None, f"its answer is nested more than {_MAX_DEPTH} deep"
    return Tried(event, answer, round(took, 1), fault or _fault_of(message, answer))


def _fault_of(message: Message, answer: object) -> str:
    if not message.event.asks:
        return ""
    models: dict[HookEvent, type[BaseModel]] = {
        HookEvent.CLAIMS: ClaimsAnswer,
        HookEvent.AUTHORIZATION_DETAILS: DetailsVerdict,
    }
    try:
        models.get(message.event, Verdict).model_validate(orjson.loads(orjson.dumps(answer)) or {})
    except ValidationError as error:
        return "; ".join(lines(error, "there is no such member", answer))
    return ""
