"""Operations on trusted issuers, whose assertions are exchanged for tokens (RFC 7523)."""

from typing import Annotated, Any

from pydantic import Field

from service.admin import trusts as admin
from service.admin.client_hints import hints_on_names
from service.admin.input import Input, Name, OptionalIfMatch
from service.admin.operations.operation import (
    Hints,
    Operation,
    OperationResult,
    Output,
    Seconds,
    ShownETag,
    page_of,
    with_etag,
    with_hints,
)
from service.issuer import Issuer
from service.protocol.names import SigningAlgorithm, TrustUse
from service.records.trusted_issuer import TrustedIssuer


class NamedTrust(Input):
    """A trusted issuer by its name."""

    issuer: Annotated[Name, Field(description="As its assertions name it in iss.")]


class ShownTrust(Output[TrustedIssuer]):
    """A trusted issuer; an empty list means any value."""

    issuer: str
    jwks: dict[str, Any] | None
    jwks_uri: str | None
    algorithms: tuple[SigningAlgorithm, ...]
    subjects: tuple[str, ...]
    scopes: tuple[str, ...]
    clients: tuple[str, ...]
    audience: str | None
    uses: tuple[TrustUse, ...]
    subject_claim: str
    subject_prefix: str
    reusable: bool
    managed_by: str
    created_at: Seconds
    etag: ShownETag
    hints: Hints = ()

    @classmethod
    def of(cls, result: TrustedIssuer) -> OperationResult:
        """Return the trusted issuer with its entity tag."""
        return with_etag(cls, result)

    @classmethod
    async def seen_by(cls, issuer: Issuer, result: TrustedIssuer) -> OperationResult:
        """Return it with advice on the clients that it names."""
        return with_hints(cls.of(result), await hints_on_names(issuer, "clients", result.clients))


class EndedTrust(NamedTrust):
    """A trusted issuer that is to end."""

    if_match: OptionalIfMatch = None


class RemovedTrust(Output[NamedTrust]):
    """An issuer that is no longer trusted."""

    issuer: str


async def _show(issuer: Issuer, given: NamedTrust) -> TrustedIssuer:
    return await admin.get_trust(issuer, given.issuer)


async def _remove(issuer: Issuer, given: EndedTrust) -> NamedTrust:
    await admin.remove_trust(issuer, given.issuer, given.if_match)
    return given


PUT = Operation(
    "trust.put", "Trust an issuer, in the place of what was said of it before.", admin.add_trust, ShownTrust
)
LIST = Operation(
    "trust.list",
    "List trusted issuers, in no order.",
    admin.list_trusts,
    page_of("trusts", ShownTrust),
    columns=("issuer", "uses", "jwks_uri", "clients", "subjects", "scopes", "created_at"),
)
SHOW = Operation("trust.show", "Show a trusted issuer.", _show, ShownTrust)
REMOVE = Operation("trust.remove", "Trust an issuer no more.", _remove, RemovedTrust, is_destructive=True)
