"""Scopes."""

from service.admin import scopes as admin
from service.admin.operations.operation import NoInput, Operation, OperationResult, Output
from service.issuer import Issuer


class ShownScope(Output):
    """``claims``: what of a user it lets clients see; ``standard``: of OpenID Connect."""

    scope: str
    description: str
    claims: tuple[str, ...]
    standard: bool


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
