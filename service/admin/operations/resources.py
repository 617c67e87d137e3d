"""Operations on registered resources: the APIs and MCP servers that access tokens are for."""

from typing import Annotated, Any

from pydantic import Field

from service.admin import resources as admin
from service.admin.input import Name, OptionalIfMatch
from service.admin.operations.operation import (
    Operation,
    OperationResult,
    Output,
    Seconds,
    ShownETag,
    list_of,
    with_etag,
)
from service.admin.resources import ResourceMembers
from service.issuer import Issuer
from service.protocol.names import AccessTokenFormat, SigningAlgorithm
from service.records.resource import Resource


class ShownResource(Output[Resource]):
    """A registered resource."""

    resource: str
    name: str
    scopes: tuple[str, ...]
    access_token_format: AccessTokenFormat | None
    access_token_signing_alg: SigningAlgorithm | None
    access_token_lifetime: int | None
    self_registered: bool
    managed_by: str
    created_at: Seconds
    etag: ShownETag

    @classmethod
    def of(cls, result: Resource) -> OperationResult:
        """Return the resource with its entity tag."""
        return with_etag(cls, result)


class DeletedResource(Output[Resource]):
    """A deleted resource."""

    resource: str


class ResourceChanges(ResourceMembers):
    """The members that are to be changed; a list is replaced as a whole."""

    resource: Annotated[Name, Field(description="As clients name it.")]
    if_match: OptionalIfMatch = None


async def _update(issuer: Issuer, given: ResourceChanges) -> Resource:
    changes: dict[str, Any] = {
        name: getattr(given, name) for name in ResourceMembers.model_fields if name in given.model_fields_set
    }
    return await admin.update_resource(issuer, given.resource, changes, if_match=given.if_match)


CREATE = Operation(
    "resource.create", "Register a resource that access tokens may be for.", admin.create_resource, ShownResource
)
LIST = Operation(
    "resource.list",
    "List registered resources, by their identifiers.",
    admin.list_resources,
    list_of("resources", ShownResource),
    columns=("resource", "name", "scopes", "access_token_format", "access_token_lifetime", "self_registered"),
)
SHOW = Operation("resource.show", "Show a registered resource.", admin.get_resource, ShownResource)
UPDATE = Operation("resource.update", "Change what is named of a resource.", _update, ShownResource)
DELETE = Operation(
    "resource.delete",
    "Delete a resource: clients that registered themselves get no tokens for it any more.",
    admin.delete_resource,
    DeletedResource,
    is_destructive=True,
)
