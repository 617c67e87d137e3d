"""Trusted issuers: whose assertions are exchanged for tokens (RFC 7523)."""

from typing import Annotated, Any

from pydantic import Field

from service.admin import trusts as admin
from service.admin.input import Input
from service.admin.operations.operation import Name, NextCursor, Operation, OperationResult, Output, PageInput, Seconds
from service.admin.trusts import TrustInput
from service.issuer import Issuer
from service.protocol.names import SigningAlgorithm


class NamedTrust(Input):
    """A trusted issuer, as its assertions say it in iss."""

    issuer: Annotated[Name, Field(description="As its assertions name it in iss.")]


class ShownTrust(Output):
    """A trusted issuer; an empty list: anything."""

    issuer: str
    jwks: dict[str, Any] | None
    jwks_uri: str | None
    algorithms: tuple[SigningAlgorithm, ...]
    subjects: tuple[str, ...]
    scopes: tuple[str, ...]
    clients: tuple[str, ...]
    audience: str | None
    created_at: Seconds


class TrustList(Output):
    """A page of trusted issuers in no order."""

    trusts: tuple[ShownTrust, ...]
    cursor: NextCursor


class RemovedTrust(Output):
    """Who is not trusted any more."""

    issuer: str


async def _put(issuer: Issuer, given: TrustInput) -> OperationResult:
    return OperationResult(admin.describe(await admin.add_trust(issuer, given)))


async def _list(issuer: Issuer, given: PageInput) -> OperationResult:
    page = await admin.list_trusts(issuer, given.cursor, given.limit)
    return OperationResult.of_list("trusts", page, admin.describe)


async def _show(issuer: Issuer, given: NamedTrust) -> OperationResult:
    return OperationResult(admin.describe(await admin.get_trust(issuer, given.issuer)))


async def _remove(issuer: Issuer, given: NamedTrust) -> OperationResult:
    await admin.remove_trust(issuer, given.issuer)
    return OperationResult({"issuer": given.issuer})


PUT = Operation(
    "trust.put", "Trust an issuer, in the place of what was said of it before.", TrustInput, ShownTrust, _put
)
LIST = Operation(
    "trust.list",
    "List trusted issuers, in no order.",
    PageInput,
    TrustList,
    _list,
    columns=("issuer", "jwks_uri", "clients", "subjects", "scopes", "created_at"),
)
SHOW = Operation("trust.show", "Show a trusted issuer.", NamedTrust, ShownTrust, _show)
REMOVE = Operation("trust.remove", "Trust an issuer no more.", NamedTrust, RemovedTrust, _remove, is_destructive=True)

OPERATIONS = (PUT, LIST, SHOW, REMOVE)
