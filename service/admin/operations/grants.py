"""Operations on grants: issue codes on a user's behalf, list, show and end grants."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from service.admin import grants as admin
from service.admin.grants import KnownGrant
from service.admin.input import Input, PropertyInput, describe_property
from service.admin.operations.operation import Operation, OperationResult, Output, Seconds, page_of
from service.admin.paging import Cursor, Limit, Listing
from service.issuer import Issuer
from service.tokens.authorization_codes import Code


class WhoseGrants(Input):
    """The grants of a user, or of a client: one of the two."""

    user: Annotated[str | None, Field(description="Username, or subject.")] = None
    client: Annotated[str | None, Field(description="client_id, or alias.")] = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.user is None) == (self.client is None):
            raise ValueError("user: say whose: either user or client")
        return self


class IssuedCode(Output[Code]):
    """An authorization code."""

    code: str
    expires_in: Annotated[int, Field(description="Seconds.")]


class ShownGrant(Output[KnownGrant]):
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

    @classmethod
    def of(cls, result: KnownGrant) -> OperationResult:
        """Return the grant with its id, its end, and whether it is valid now."""
        grant = result.grant
        own = {"grant_id": result.grant_id, "username": grant.name, "active": result.active, "ends_at": result.ends_at}
        own |= {"issued_at": grant.began_at, "properties": [describe_property(member) for member in grant.properties]}
        return OperationResult(own | {name: getattr(grant, name) for name in cls.model_fields if name not in own})


class EndedCount(Output[int]):
    """The number of ended grants."""

    grants_ended: Annotated[int, Field(description="Exactly how many were alive.")]

    @classmethod
    def of(cls, result: int) -> OperationResult:
        """Return the count."""
        return OperationResult({"grants_ended": result})


async def _list(issuer: Issuer, whose: WhoseGrants, cursor: Cursor = "", limit: Limit = 100) -> Listing[KnownGrant]:
    if whose.user is not None:
        return await admin.list_of_user(issuer, whose.user, cursor, limit)
    return await admin.list_of_client(issuer, whose.client or "", cursor, limit)


async def _revoke(issuer: Issuer, grant_id: admin.GrantId) -> int:
    await admin.revoke_grant(issuer, grant_id)
    return 1


ISSUE_CODE = Operation(
    "grant.issue_code",
    "Issue a code for a user, as if they had signed in and agreed.",
    admin.issue_code,
    IssuedCode,
)
LIST = Operation(
    "grant.list",
    "List the living grants of a user or of a client.",
    _list,
    page_of(
        "grants", ShownGrant, "A user's grants, the one that ends first in front; those of a client are in no order."
    ),
    columns=("grant_id", "client_id", "username", "grant_type", "scope", "ends_at"),
)
SHOW = Operation("grant.show", "Show a grant.", admin.get_grant, ShownGrant)
FIND = Operation("grant.find", "Show the grant that an ID token was issued from.", admin.open_by_id_token, ShownGrant)
REVOKE = Operation("grant.revoke", "End a grant, with every token it issued.", _revoke, EndedCount, is_destructive=True)
REVOKE_OF_USER = Operation(
    "grant.revoke_of_user",
    "End all grants of a user, or those to one client.",
    admin.revoke_of_user,
    EndedCount,
    is_destructive=True,
)
