"""What a row of the client metadata table says: which group a member is in, its words, and its names in the views."""

from enum import StrEnum
from typing import Any

import msgspec
from pydantic import Field


class MemberGroup(StrEnum):
    """Members that belong together, for people."""

    WHAT = "What it is"
    MAY = "What it may do"
    AUTHENTICATES = "How it authenticates"
    REQUESTS = "Authorization requests"
    SIGN_IN = "Signing users in"
    SIGN_OUT = "Signing users out"
    TOKENS = "Tokens"
    LIFETIMES = "Lifetimes"
    LINKS = "Links and contacts"


SAME = "="
"""The registered name is that of the member."""


class Member(msgspec.Struct, frozen=True):
    """What a row says beside name, type, check and default. An operator may set every member."""

    group: MemberGroup
    label: str
    help: str
    """Its effect, in one or two sentences, for the command line and the console."""
    registered: str = ""
    """Its name in RFC 7591 and OpenID Connect; "" if a client that registers itself may not set it."""
    authlete: str = ""
    """Its name in Authlete's Client object; ``extension.`` before those of its extension."""
    flag: str = ""
    """The command-line option, if it is not called like the member."""
    metavar: str = ""
    """What the option takes, if the type does not tell."""
    protects: bool = False
    """Whether the client is safer where it is set: one that registered itself cannot take it off."""


MemberValue = Any
"""The value of a member: its row says of which type."""


def row(
    default: MemberValue,
    group: MemberGroup,
    label: str,
    help_: str,
    *,
    registered: str = "",
    authlete: str = "",
    flag: str = "",
    metavar: str = "",
    protects: bool = False,
) -> MemberValue:
    """A field of the model with its ``Member``; as Any, like pydantic's own ``Field``, so that it can stand for its default."""
    field = Field(default, description=help_)
    field.metadata.append(Member(group, label, help_, registered, authlete, flag, metavar, protects))
    return field
