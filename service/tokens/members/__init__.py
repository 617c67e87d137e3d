"""What a client may ask for beside scope and resources, one file each, and the list.

To add one: a file with its ``GRANT_MEMBER``, and its name in the list below. It is carried from the authorization request over
consent, code and refresh to tokens and introspection without any of them knowing it.
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
    "summarized_members",
    "with_members",
]


def granted_members(issuer: Issuer, client: Client, parameters: Mapping[str, str]) -> dict[str, Any] | None:
    """Return what a first request can be granted, None = nothing; nobody else is asked. Raises ProtocolError."""
    if GRANT_MEMBERS.keys().isdisjoint(parameters):
        return None
    asked = {name: member for name, member in GRANT_MEMBERS.items() if name in parameters}
    return {name: member.grant(issuer, client, parameters[name]) for name, member in asked.items()}


async def judge_members(issuer: Issuer, client: Client, subject: str, members: Mapping[str, Any] | None) -> None:
    """Let who else has a say allow all this for a subject, "" = not known yet. Raises ProtocolError.

    Only where the client or the user has proved who they are: a stranger must not make us call hooks without end.
    """
    for name, value in (members or {}).items():
        if (member := GRANT_MEMBERS.get(name)) is not None:
            await member.judge(issuer, client, subject, value)


def concerns_members(authorization: Authorization, parameters: Mapping[str, str]) -> bool:
    """Whether ``with_members`` has anything to do: for most requests it has not."""
    return bool(authorization.granted.members) or not GRANT_MEMBERS.keys().isdisjoint(parameters)


async def with_members(
    issuer: Issuer, client: Client, authorization: Authorization, parameters: Mapping[str, str]
) -> Authorization:
    """Add what the token request asks for where it begins a grant, narrow what was granted where it spends something.

    Of that the tokens get what concerns the resource servers that they are for. Raises ProtocolError.
    """
    grant, granted = authorization.grant, authorization.granted
    is_asked = not GRANT_MEMBERS.keys().isdisjoint(parameters)
    if not is_asked and not granted.members:
        return authorization
    members = granted.members
    if authorization.spends is None and authorization.exchange is None and is_asked:
        asked = granted_members(issuer, client, parameters)
        await judge_members(issuer, client, grant.subject, asked)
        members = (grant.members or {}) | (asked or {})
        grant = msgspec.structs.replace(grant, members=members)
    elif is_asked:
        asked_for = {name: text for name, text in parameters.items() if name in GRANT_MEMBERS}
        held = members or {}
        members = held | {
            name: GRANT_MEMBERS[name].narrow(issuer, held.get(name), asked_for[name]) for name in asked_for
        }
    granted = for_audience(msgspec.structs.replace(granted, members=members))
    if not grant.subject:  # of a client grant nothing but this token is issued
        grant = msgspec.structs.replace(grant, members=granted.members or None)
    return msgspec.structs.replace(authorization, grant=grant, granted=granted)


def for_audience(granted: Granted) -> Granted:
    """Return what concerns the resource servers of its audience, all of it where it names none."""
    if not granted.members or not granted.audience:
        return granted
    return msgspec.structs.replace(granted, members=members_concerning(granted.members, granted.audience))


def members_concerning(members: Mapping[str, Any], resources: Collection[str]) -> dict[str, Any]:
    """Return those members, and that much of each, that these resource servers have to do with."""
    found = {
        name: GRANT_MEMBERS[name].concerning(value, resources) if name in GRANT_MEMBERS else value
        for name, value in members.items()
    }
    return {name: value for name, value in found.items() if value}


async def described_members(
    issuer: Issuer, client: Client, subject: str, members: Mapping[str, Any] | None
) -> list[Described]:
    """Return what the user has to allow, in words. Raises ProtocolError where they may not."""
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
    """Tell whether the client, as it is now, may still ask for all this."""
    known = ((GRANT_MEMBERS.get(name), value) for name, value in (members or {}).items())
    return all(member is None or member.may_have(client, value) for member, value in known)
