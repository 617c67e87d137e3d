"""The operation that lists scopes, with their texts for the consent page."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field

from service.admin import scopes as admin
from service.admin.operations.operation import Operation, Output, list_of


class ShownScope(Output[Mapping[str, Any]]):
    """A scope."""

    scope: str
    description: str
    claims: Annotated[tuple[str, ...], Field(description="What of a user it lets clients see.")]
    standard: Annotated[bool, Field(description="Whether it is one of OpenID Connect.")]


LIST = Operation(
    "scope.list",
    "List the scopes that the settings describe.",
    admin.list_scopes,
    list_of("scopes", ShownScope, "By name."),
    columns=("scope", "description", "claims", "standard"),
)
