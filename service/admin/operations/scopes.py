"""Scopes."""

from service.admin import scopes as admin
from service.admin.operations.operation import Answer, Nothing, Operation, Shown
from service.issuer import Issuer


class ShownScope(Shown):
    """``claims``: what of a person it lets clients see; ``standard``: of OpenID Connect."""

    scope: str
    description: str
    claims: tuple[str, ...]
    standard: bool


class ScopeList(Shown):
    """By name."""

    scopes: tuple[ShownScope, ...]


async def _list(issuer: Issuer, _: Nothing) -> Answer:
    return Answer({"scopes": admin.list_scopes(issuer)})


LIST = Operation("scope.list", "List the scopes that the settings describe.", Nothing, ScopeList, _list)

OPERATIONS = (LIST,)
