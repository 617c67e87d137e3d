"""What a token would be, and what a grant has issued."""

from typing import Annotated

from pydantic import AfterValidator, Field, JsonValue

from service.admin import grants, inspection, issued
from service.admin.input import Input
from service.admin.inspection import finding
from service.admin.inspection.explanation import explain
from service.admin.operations.operation import Name, NextCursor, Operation, OperationResult, Output, Seconds
from service.issuer import Issuer

_LOOKED_AT = 10_000
"""Keys of the grant's server that a call looks at."""


def _position(cursor: str) -> str:
    if cursor and not (cursor.isascii() and cursor.isdigit() and int(cursor) < 2**64):
        raise ValueError("is not a cursor: give the one that the page before ended with")
    return cursor


# input


class ShownToken(Input):
    """A token of any kind: nothing of it is kept, logged or sent back."""

    token: Annotated[str, Field(min_length=1, max_length=20_000)]


class IssuingGrant(Input):
    """A grant, and where to go on."""

    grant_id: Annotated[Name, Field(description="The 22 characters after mm_at_ or mm_rt_ in a token.")]
    cursor: Annotated[str, Field(max_length=20), AfterValidator(_position)] = ""


# output


class Reason(Output):
    """Why it would be refused: a code for programs, a text for operators."""

    reason: finding.Why
    text: str


class InspectedToken(Output):
    """What it is, whose, what it allows, until when, and why it would be refused. Members that say nothing are left out."""

    what: finding.What
    active: bool
    reasons: tuple[Reason, ...]
    signed_by_us: bool = False
    kind: str = ""
    client_id: str = ""
    subject: str = ""
    username: str = ""
    grant_id: str = ""
    grant_type: str = ""
    scope: str = ""
    audience: tuple[str, ...] = ()
    accepted_by: str = ""
    ended_by: str = ""
    issued_at: Seconds = 0
    ends_at: Seconds = 0
    jti: str = ""
    refreshes_left: int = 0
    redirect_uri: str = ""
    header: dict[str, JsonValue] = Field(default_factory=dict)
    claims: dict[str, JsonValue] = Field(default_factory=dict)


class IssuedCredential(Output):
    """A credential that a grant has issued."""

    kind: str
    handle: Annotated[str, Field(description="Names it, and is of no use as a token.")]
    issued_at: Seconds
    ends_at: Seconds
    scope: Annotated[str | None, Field(description="Null = that of the grant.")]
    used: Annotated[bool, Field(description="Whether it is only remembered.")]


class IssuedList(Output):
    """There is no index: a call looks at some keys, and a page may be empty though more follow."""

    issued: tuple[IssuedCredential, ...]
    cursor: NextCursor


async def _inspect(issuer: Issuer, given: ShownToken) -> OperationResult:
    found = await inspection.inspect(issuer, given.token)
    return OperationResult(finding.describe(found) | await explain(issuer, found))


async def _list_issued(issuer: Issuer, given: IssuingGrant) -> OperationResult:
    if not given.cursor:  # what an ended grant has issued may still be there, but is dead
        await grants.get_grant(issuer, given.grant_id)
    page = await issued.list_issued(issuer, given.grant_id, given.cursor, _LOOKED_AT)
    return OperationResult.of_list("issued", page, issued.describe)


INSPECT = Operation(
    "token.inspect", "Say what a token is, and why it would be refused.", ShownToken, InspectedToken, _inspect
)
LIST_ISSUED = Operation(
    "grant.list_issued", "List what is alive of what a grant has issued.", IssuingGrant, IssuedList, _list_issued
)

OPERATIONS = (INSPECT, LIST_ISSUED)
