"""What a client may ask for in addition to scope and resources, one file each, and the list.

To add one: a file with its ``GRANT_MEMBER``, and its name in the list below. It is carried from the authorization request over
consent, code and refresh to tokens and introspection, none of which knows it.
"""

from collections.abc import Collection, Mapping
from typing import Any

import msgspec

from service.issuer import Issuer
from service.protocol.requested import Granted
from service.records.client import Client
from service.tokens.authorization import Authorization
from service.tokens.members import authorization_details
from service.tokens.members.grant_member import Described, GrantMember

GRANT_MEMBERS: dict[str, GrantMember] = {
    module.GRANT_MEMBER.name: module.GRANT_MEMBER for module in (authorization_details,)
}
"""Every further member by its name."""

__all__ = [
    "GRANT_MEMBERS",
    "Described",
    "GrantMember",
    "concerns_members",
    "described_members",
    "for_audience",
    "granted_members",
    "judge_members",
    "may_have_members",
    "members_concerning",
    "members_open_to",
    "summarized_members",
    "with_members",
]


def granted_members(issuer: Issuer, client: Client, parameters: Mapping[str, str]) -> dict[str, Any] | None:
    """Return what a first request can be granted, None = nothing; calls no hooks. Raises ProtocolError."""
    if GRANT_MEMBERS.keys().isdisjoint(parameters):
        return None
    requested = {name: member for name, member in GRANT_MEMBERS.items() if name in parameters}
    return {name: member.grant(issuer, client, parameters[name]) for name, member in requested.items()}


async def judge_members(issuer: Issuer, client: Client, subject: str, members: Mapping[str, Any] | None) -> None:
    """Let hooks allow all this for a subject, "" = not known yet. Raises ProtocolError.

    Only where the client or the user has authenticated, so that unknown callers cannot make us call hooks without end.
    """
    for name, value in (members or {}).items():
        if (member := GRANT_MEMBERS.get(name)) is not None:
            await member.judge(issuer, client, subject, value)


def concerns_members(authorization: Authorization, parameters: Mapping[str, str]) -> bool:
    """Whether ``with_members`` has anything to do; for most requests it has not."""
    return bool(authorization.granted.members) or not parameters.keys().isdisjoint(GRANT_MEMBERS)


async def with_members(
    issuer: Issuer, client: Client, authorization: Authorization, parameters: Mapping[str, str]
) -> Authorization:
    """Add what the token request asks for where it begins a grant; narrow what was granted where it spends a credential.

    The tokens get the part that concerns the resource servers of their audience. Raises ProtocolError.
    """
    grant, granted = authorization.grant, authorization.granted
    is_requested = not GRANT_MEMBERS.keys().isdisjoint(parameters)
    if not is_requested and not granted.members:
        return authorization
    members = granted.members
    if authorization.spends is None and authorization.exchange is None and is_requested:
        requested = granted_members(issuer, client, parameters)
        await judge_members(issuer, client, grant.subject, requested)
        members = (grant.members or {}) | (requested or {})
        grant = msgspec.structs.replace(grant, members=members)
    elif is_requested:
        texts = {name: text for name, text in parameters.items() if name in GRANT_MEMBERS}
        held = members or {}
        members = held | {name: GRANT_MEMBERS[name].narrow(issuer, held.get(name), texts[name]) for name in texts}
    granted = for_audience(msgspec.structs.replace(granted, members=members))
    if not grant.subject:  # a client grant issues nothing but this token
        grant = msgspec.structs.replace(grant, members=granted.members or None)
    return msgspec.structs.replace(authorization, grant=grant, granted=granted)


def for_audience(granted: Granted) -> Granted:
    """Return what concerns the resource servers of its audience, all of it where it names none."""
    if not granted.members or not granted.audience:
        return granted
    return msgspec.structs.replace(granted, members=members_concerning(granted.members, granted.audience))


def members_concerning(members: Mapping[str, Any], resources: Collection[str]) -> dict[str, Any]:
    """Return the members, and the part of each, that concern these resource servers."""
    found = {
        name: GRANT_MEMBERS[name].concerning(value, resources) if name in GRANT_MEMBERS else value
        for name, value in members.items()
    }
    return {name: value for name, value in found.items() if value}


async def described_members(
    issuer: Issuer, client: Client, subject: str, members: Mapping[str, Any] | None
) -> list[Described]:
    """Return what the user has to allow, in words. Raises ProtocolError where the user may not."""
    described: list[Described] = []
    for name, value in (members or {}).items():
        if (member := GRANT_MEMBERS.get(name)) is not None:
            described += await member.describe(issuer, client, subject, value)
    return described


def summarized_members(issuer: Issuer, members: Mapping[str, Any] | None) -> list[str]:
    """Return what a user has allowed, a line each."""
    known = ((GRANT_MEMBERS.get(name), value) for name, value in (members or {}).items())
    return [line for member, value in known if member is not None for line in member.summarize(issuer, value)]


def may_have_members(client: Client, members: Mapping[str, Any] | None) -> bool:
    """Whether the client, as it is now, may still ask for all this."""
    return all(_open_to(client, name, value) == value for name, value in (members or {}).items())


def members_open_to(client: Client, members: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members, and the part of each, that the client, as it is now, may ask for."""
    found = {name: _open_to(client, name, value) for name, value in members.items()}
    return {name: value for name, value in found.items() if value}


def _open_to(client: Client, name: str, value: Any) -> Any:  # noqa: ANN401 (JSON)
    return GRANT_MEMBERS[name].open_to(client, value) if name in GRANT_MEMBERS else value
