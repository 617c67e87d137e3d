"""What a client may ask for beside scope and resources, one file each, and the list.

To add one: a file with its ``GRANT_MEMBER``, and its name in the list below. It is carried from the authorization request over
consent, code and refresh to tokens and introspection without any of them knowing it.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from service.issuer import Issuer
from service.records.client import Client
from service.tokens.authorization import Authorization
from service.tokens.members.grant_member import GrantMember

GRANT_MEMBERS: dict[str, GrantMember] = {}
"""Every further member by its name."""

__all__ = ["GRANT_MEMBERS", "GrantMember", "described_members", "granted_members", "with_members"]


def granted_members(issuer: Issuer, client: Client, parameters: Mapping[str, str]) -> dict[str, Any] | None:
    """Return what a first request can be granted, None = nothing. Raises ProtocolError."""
    asked = {name: member for name, member in GRANT_MEMBERS.items() if name in parameters}
    return {name: member.grant(issuer, client, parameters[name]) for name, member in asked.items()} or None


def with_members(
    issuer: Issuer, client: Client, authorization: Authorization, parameters: Mapping[str, str]
) -> Authorization:
    """Add what the token request asks for where it begins a grant, narrow what was granted where it spends something.

    Raises ProtocolError.
    """
    grant, granted = authorization.grant, authorization.granted
    if not GRANT_MEMBERS:
        return authorization
    if authorization.spends is None:
        members = (grant.members or {}) | (granted_members(issuer, client, parameters) or {}) or None
        grant = msgspec.structs.replace(grant, members=members)
    else:
        members = {name: _narrowed(name, value, parameters) for name, value in (granted.members or {}).items()} or None
    granted = msgspec.structs.replace(granted, members=members)
    return msgspec.structs.replace(authorization, grant=grant, granted=granted)


def described_members(issuer: Issuer, members: Mapping[str, Any] | None) -> list[str]:
    """Return what the user has to allow, in words."""
    known = ((GRANT_MEMBERS.get(name), value) for name, value in (members or {}).items())
    return [line for member, value in known if member is not None for line in member.describe(issuer, value)]


def _narrowed(name: str, value: object, parameters: Mapping[str, str]) -> object:
    member, text = GRANT_MEMBERS.get(name), parameters.get(name)
    return value if member is None or text is None else member.narrow(value, text)
