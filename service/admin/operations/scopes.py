"""Scopes."""

from typing import Annotated

from pydantic import Field

from service.admin import scopes as admin
from service.admin.operations.operation import NoInput, Operation, OperationResult, Output
from service.issuer import Issuer


class ShownScope(Output):
    """A scope."""

    scope: str
    description: str
    claims: Annotated[tuple[str, ...], Field(description="What of a user it lets clients see.")]
    standard: Annotated[bool, Field(description="Whether it is one of OpenID Connect.")]


class ScopeList(Output):
    """By name."""

    scopes: tuple[ShownScope, ...]


async def _list(issuer: Issuer, _: NoInput) -> OperationResult:
    return OperationResult({"scopes": admin.list_scopes(issuer)})


LIST = Operation(
    "scope.list",
    "List the scopes that the settings describe.",
    NoInput,
    ScopeList,
    _list,
    columns=("scope", "description", "claims", "standard"),
)

OPERATIONS = (LIST,)
