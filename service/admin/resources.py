"""Registered resources: the APIs and MCP servers that access tokens are for."""

import logging
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar

import msgspec
from pydantic import Field

from service.admin import etags
from service.admin.audit import audited, note_changed
from service.admin.errors import AlreadyExists, Contended, InvalidInput, NotFound
from service.admin.input import Input, Name, OptionalIfMatch, Rules
from service.issuer import Issuer
from service.observe.events import Event
from service.protocol.checked_types import Lifetime, Scopes, ShortText
from service.protocol.checked_types import Resource as Identifier
from service.protocol.names import AccessTokenFormat, SigningAlgorithm
from service.records.resource import Resource
from service.store.record_store import ChangedMeanwhileError
from service.store.resources import Known

log = logging.getLogger(__name__)

MOST = 1000
"""The most resources, as every process holds all of them."""


def _disagrees_on_signing(given: "ResourceMembers") -> list[str]:
    is_opaque = given.access_token_format is AccessTokenFormat.OPAQUE
    return (
        ["access_token_signing_alg: opaque access tokens are not signed"]
        if is_opaque and given.access_token_signing_alg
        else []
    )


class ResourceMembers(Input):
    """The members of a resource without its identifier; ``records.resource`` describes them."""

    DISAGREEMENTS: ClassVar[Rules] = (_disagrees_on_signing,)
    name: Annotated[ShortText, Field(description="What people call it.")] = ""
    scopes: Annotated[
        Scopes,
        Field(
            description="What clients that registered themselves may ask for there; a client of yours has its own scopes."
        ),
    ] = ()
    access_token_format: Annotated[
        AccessTokenFormat | None,
        Field(description="Format of its access tokens, where the client has none of its own."),
    ] = None
    access_token_signing_alg: Annotated[
        SigningAlgorithm | None, Field(description="Signature of its JWT access tokens; RS256 unless said.")
    ] = None
    access_token_lifetime: Annotated[
        Lifetime | None, Field(description="Lifetime of its access tokens in seconds, at most.")
    ] = None
    self_registered: Annotated[
        bool, Field(description="Clients that registered themselves may have tokens for it, with its scopes.")
    ] = False
    managed_by: Annotated[
        ShortText, Field(description="Where it is declared: a Kubernetes object, or a set of files.")
    ] = ""


class ResourceInput(ResourceMembers):
    """A resource as an operator describes it."""

    resource: Annotated[Identifier, Field(description="As clients name it: a URI such as https://mcp.example.com/mcp.")]


class NamedResource(Input):
    """A resource by its identifier."""

    resource: Annotated[Name, Field(description="As clients name it.")]


class EndedResource(NamedResource):
    """A resource that is to end."""

    if_match: OptionalIfMatch = None


@audited("resource.create", "resource:given.resource")
async def create_resource(issuer: Issuer, given: ResourceInput) -> Resource:
    """Register a resource. Raises AlreadyExists, InvalidInput."""
    _check_here(issuer, given.access_token_format, given.access_token_signing_alg)
    made = Resource(
        **{name: getattr(given, name) for name in ResourceInput.model_fields}, created_at=int(issuer.clock())
    )

    def added(known: Known) -> Known:
        if made.resource in known:
            raise AlreadyExists(f"there is a resource {made.resource!r} already; `mintmark resource update` changes it")
        if len(known) >= MOST:
            raise InvalidInput(f"resource: there are {MOST} already")
        return {**known, made.resource: made}

    await _change(issuer, added)
    log.info(Event.RESOURCE_CREATED, extra={"resource": made.resource, "self_registered": made.self_registered})
    return made


@audited("resource.update", "resource:name", changed="changes")
async def update_resource(
    issuer: Issuer, name: str, changes: Mapping[str, Any], *, if_match: str | None = None
) -> Resource:
    """Change members of ``ResourceMembers``. Raises NotFound, Outdated (``etags.check``), Contended, InvalidInput."""
    changed: list[Resource] = []
    names: list[str] = []

    def updated(known: Known) -> Known:
        seen = _found(known, name)
        etags.check(seen, if_match)
        members = {one: getattr(seen, one) for one in ResourceMembers.model_fields} | dict(changes)
        given = ResourceMembers.read(members)
        _check_here(issuer, given.access_token_format, given.access_token_signing_alg)
        wanted = msgspec.structs.replace(seen, **{one: getattr(given, one) for one in ResourceMembers.model_fields})
        changed.append(wanted)
        names[:] = (one for one in ResourceMembers.model_fields if getattr(wanted, one) != getattr(seen, one))
        return {**known, name: wanted}

    await _change(issuer, updated)
    note_changed(names)
    log.info(Event.RESOURCE_UPDATED, extra={"resource": name, "changed": sorted(names)})
    return changed[-1]


@audited("resource.delete", "resource:given.resource")
async def delete_resource(issuer: Issuer, given: EndedResource) -> Resource:
    """Delete a resource: clients that registered themselves get no tokens for it any more.

    Raises NotFound, Outdated (``etags.check``).
    """
    deleted: list[Resource] = []

    def without(known: Known) -> Known:
        held = _found(known, given.resource)
        etags.check(held, given.if_match)
        deleted.append(held)
        return {name: one for name, one in known.items() if name != given.resource}

    await _change(issuer, without)
    log.info(Event.RESOURCE_DELETED, extra={"resource": given.resource})
    return deleted[-1]


async def get_resource(issuer: Issuer, given: NamedResource) -> Resource:
    """Return a resource. Raises NotFound."""
    return _found(await issuer.store.resources.read(), given.resource)


async def list_resources(issuer: Issuer) -> list[Resource]:
    """Return all resources, ordered by identifier."""
    known = await issuer.store.resources.read()
    return [known[name] for name in sorted(known)]


def _found(known: Known, name: str) -> Resource:
    if name not in known:
        raise NotFound(f"there is no resource {name!r}; `mintmark resource list` shows all")
    return known[name]


def _check_here(issuer: Issuer, form: AccessTokenFormat | None, algorithm: SigningAlgorithm | None) -> None:
    """Check that there are keys for the format and algorithm. Raises InvalidInput."""
    if issuer.keyring is None:
        if form not in (None, AccessTokenFormat.OPAQUE):
            raise InvalidInput(
                "access_token_format: there is no key to sign with (settings master_key, signing_key_files)"
            )
        return
    if algorithm is not None and algorithm not in issuer.keyring.algorithms:
        raise InvalidInput(f"access_token_signing_alg: there is no key for {algorithm.value} here")


async def _change(issuer: Issuer, change: Callable[[Known], Known]) -> None:
    try:
        await issuer.store.resources.change(change)
    except ChangedMeanwhileError as error:
        raise Contended("resources are being changed by others at the same time; try again") from error
