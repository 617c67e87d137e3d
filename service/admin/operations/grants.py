"""Grants: codes on a user's behalf, what users have allowed clients, and how that ends."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from service.admin import grants as admin
from service.admin.grants import CodeInput
from service.admin.input import Input, PropertyInput
from service.admin.operations.operation import Name, NextCursor, Operation, OperationResult, Output, PageInput, Seconds
from service.issuer import Issuer

# input


class WhoseGrants(PageInput):
    """Of a user, or of a client: one of the two."""

    user: Annotated[str | None, Field(description="Username, or subject.")] = None
    client: Annotated[str | None, Field(description="client_id, or alias.")] = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.user is None) == (self.client is None):
            raise ValueError("user: say whose: either user or client")
        return self


class NamedGrant(Input):
    """A grant by its id."""

    grant_id: Annotated[Name, Field(description="The 22 characters after mm_at_ or mm_rt_ in a token.")]


class IdToken(Input):
    """An ID token that was issued here, expired or not."""

    id_token: Annotated[str, Field(min_length=1, max_length=16_384)]


class EndedGrants(Input):
    """Whose grants are to end."""

    user: Annotated[Name, Field(description="Username, or subject.")]
    client: Annotated[Name | None, Field(description="Only those to this client: client_id, or alias.")] = None


# output


class IssuedCode(Output):
    """An authorization code."""

    code: str
    expires_in: Annotated[int, Field(description="Seconds.")]


class ShownGrant(Output):
    """A grant."""

    grant_id: str
    client_id: str
    subject: str
    username: str
    grant_type: str
    scope: str
    audience: tuple[str, ...]
    active: Annotated[bool, Field(description="False while its client is disabled.")]
    issued_at: Seconds
    ends_at: Seconds
    auth_time: Seconds
    acr: str
    amr: tuple[str, ...]
    properties: tuple[PropertyInput, ...]


class GrantList(Output):
    """A user's grants, the one that ends first in front; those of a client are in no order."""

    grants: tuple[ShownGrant, ...]
    cursor: NextCursor


class EndedCount(Output):
    """What ended."""

    grants_ended: Annotated[int, Field(description="Exactly how many were alive.")]


# what is done


async def _issue_code(issuer: Issuer, given: CodeInput) -> OperationResult:
    code = await admin.issue_code(issuer, given)
    return OperationResult({"code": code.code, "expires_in": code.expires_in})


async def _list(issuer: Issuer, given: WhoseGrants) -> OperationResult:
    if given.user is not None:
        page = await admin.list_of_user(issuer, given.user, given.cursor, given.limit)
    else:
        page = await admin.list_of_client(issuer, given.client or "", given.cursor, given.limit)
    return OperationResult.of_list("grants", page, admin.describe)


async def _show(issuer: Issuer, given: NamedGrant) -> OperationResult:
    return OperationResult(admin.describe(await admin.get_grant(issuer, given.grant_id)))


async def _find(issuer: Issuer, given: IdToken) -> OperationResult:
    return OperationResult(admin.describe(await admin.open_by_id_token(issuer, given.id_token)))


async def _revoke(issuer: Issuer, given: NamedGrant) -> OperationResult:
    await admin.revoke_grant(issuer, given.grant_id)
    return OperationResult({"grants_ended": 1})


async def _revoke_of_user(issuer: Issuer, given: EndedGrants) -> OperationResult:
    return OperationResult({"grants_ended": await admin.revoke_of_user(issuer, given.user, given.client)})


ISSUE_CODE = Operation(
    "grant.issue_code",
    "Issue a code for a user, as if they had signed in and agreed.",
    CodeInput,
    IssuedCode,
    _issue_code,
)
LIST = Operation(
    "grant.list",
    "List the living grants of a user or of a client.",
    WhoseGrants,
    GrantList,
    _list,
    columns=("grant_id", "client_id", "username", "grant_type", "scope", "ends_at"),
)
SHOW = Operation("grant.show", "Show a grant.", NamedGrant, ShownGrant, _show)
FIND = Operation("grant.find", "Show the grant that an ID token was issued from.", IdToken, ShownGrant, _find)
REVOKE = Operation(
    "grant.revoke", "End a grant, with every token it issued.", NamedGrant, EndedCount, _revoke, is_destructive=True
)
REVOKE_OF_USER = Operation(
    "grant.revoke_of_user",
    "End all grants of a user, or those to one client.",
    EndedGrants,
    EndedCount,
    _revoke_of_user,
    is_destructive=True,
)

OPERATIONS = (ISSUE_CODE, LIST, SHOW, FIND, REVOKE, REVOKE_OF_USER)
