"""Hooks: listing them, and trying one."""

import time
from typing import Annotated, Any, NamedTuple

import orjson
from pydantic import BaseModel, Field, ValidationError

from service.admin import clients, users
from service.admin.errors import NotFound
from service.admin.input import Name
from service.hooks.answers import ClaimsAnswer, DetailsVerdict, Verdict
from service.hooks.facts import Revoked, about_details, about_exchange, about_login, about_revoked, about_token
from service.hooks.hook import Hook
from service.hooks.message import HookError, Message
from service.issuer import Issuer
from service.protocol.claims import is_deeper
from service.protocol.names import GrantTypeName, HookEvent
from service.protocol.token_exchange import TokenType
from service.records.client import Client
from service.records.grant import Grant
from service.settings.faults import lines

_SUBJECT, _CLIENT, _ADDRESS = "test-subject", "test-client", "192.0.2.1"
_GRANT_ID = "A" * 22
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
    """Return made-up facts of an event."""
    client, scope = about.client, " ".join(about.client.scopes) or "openid"
    if event in (HookEvent.CLAIMS, HookEvent.REFRESH):
        name = GrantTypeName.REFRESH_TOKEN if event is HookEvent.REFRESH else GrantTypeName.AUTHORIZATION_CODE
        grant = Grant(client.client_id, about.subject, about.username, scope)
        return {**about_token(client, grant, _GRANT_ID, name, scope, client.audiences, _ADDRESS), "test": True}
    if event is HookEvent.REVOKED:
        ended = {"grant_id": _GRANT_ID, "subject": about.subject, "client_id": client.client_id}
        return {**about_revoked(Revoked.GRANT, "test", **ended), "test": True}
    if event is HookEvent.EXCHANGE:
        grant = Grant(client.client_id, about.subject, about.username, scope)
        return {**_sample_of_exchange(client, grant), "test": True}
    if event is HookEvent.AUTHORIZATION_DETAILS:
        return {**about_details(client.client_id, about.subject, [{"type": "test"}]), "test": True}
    login = about_login(about.subject, about.username, _ADDRESS, how="browser")
    return {**login, "session_id": _GRANT_ID, "test": True}


def _sample_of_exchange(client: Client, grant: Grant) -> dict[str, Any]:
    return about_exchange(
        client.client_id,
        grant,
        subject_token_type=TokenType.ACCESS_TOKEN,
        subject_client_id=_CLIENT,
        issued_token_type=TokenType.ACCESS_TOKEN,
        actor=None,
        scope=grant.scope,
        audience=client.audiences,
        address=_ADDRESS,
    )


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
