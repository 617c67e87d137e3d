"""Trusted issuers: whose JWTs are accepted, and for what (RFC 7523, RFC 8693)."""

import logging
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from service.admin import etags
from service.admin.audit import audited
from service.admin.client_input import PublicKeys
from service.admin.errors import NotFound
from service.admin.input import Input, OptionalIfMatch, Rules
from service.admin.paging import Cursor, Limit, Listing, cursor_checked
from service.crypto.client_keys import is_discoverable
from service.issuer import Issuer
from service.observe.events import Event
from service.protocol.checked_types import ClaimName, Identifier, Identifiers, Scopes, ShortText, WebUri, each_once
from service.protocol.names import SigningAlgorithm, TrustUse
from service.records.trusted_issuer import TrustedIssuer
from service.store.record_store import ChangedMeanwhileError

log = logging.getLogger(__name__)


def _lacks_keys(given: "TrustInput") -> list[str]:
    if given.jwks is not None and given.jwks_uri is not None:
        return ["jwks: give the keys, or jwks_uri, and not both"]
    is_found = given.jwks is not None or given.jwks_uri is not None or is_discoverable(given.issuer)
    return (
        []
        if is_found
        else ["jwks: give the keys, or jwks_uri: an issuer that is no https URL has no discovery document"]
    )


def _uses(uses: tuple[TrustUse, ...]) -> tuple[TrustUse, ...]:
    if not uses:
        raise ValueError("must name at least one use; remove an issuer that is trusted for nothing")
    return each_once(uses)


class TrustInput(Input):
    """A trusted issuer as an operator describes it; ``records.trusted_issuer`` describes the members."""

    DISAGREEMENTS: ClassVar[Rules] = (_lacks_keys,)
    issuer: Annotated[Identifier, Field(description="As its assertions say it in iss.")]
    jwks: Annotated[PublicKeys | None, Field(description="Its public keys, a JWK set.")] = None
    jwks_uri: Annotated[
        WebUri | None,
        Field(description="Where its public keys are; where its discovery document says, unless they are given."),
    ] = None
    algorithms: Annotated[
        tuple[SigningAlgorithm, ...],
        AfterValidator(each_once),
        Field(description="What it signs with; anything unless said."),
    ] = ()
    subjects: Annotated[Identifiers, Field(description="A user that it may assert; anyone unless said.")] = ()
    scopes: Annotated[
        Scopes,
        Field(description="Scopes that its tokens may be for, without authorization details; anything unless said."),
    ] = ()
    clients: Annotated[Identifiers, Field(description="Who may bring its assertions; anyone unless said.")] = ()
    audience: Annotated[
        Identifier | None, Field(description="What it may call this service, besides its own names.")
    ] = None
    uses: Annotated[
        tuple[TrustUse, ...],
        AfterValidator(_uses),
        Field(description="What its JWTs are taken for; jwt-bearer unless said."),
    ] = (TrustUse.JWT_BEARER,)
    subject_claim: Annotated[
        Literal["sub"] | ClaimName, Field(description="The claim that says which user here is meant; sub unless said.")
    ] = "sub"
    subject_prefix: Annotated[
        Literal[""] | Identifier,
        Field(description="What is put in front of it, so that its users are none of another's."),
    ] = ""
    reusable: Annotated[
        bool,
        Field(description="Its assertions are used until they end, a day at most, as tokens of Kubernetes; else once."),
    ] = False
    managed_by: Annotated[
        ShortText, Field(description="Where it is declared: a Kubernetes object, or a set of files.")
    ] = ""


@audited("trust.put", "trust:given.issuer")
async def add_trust(issuer: Issuer, given: TrustInput, if_match: OptionalIfMatch = None) -> TrustedIssuer:
    """Trust an issuer from now on; this replaces its earlier record.

    Raises Outdated (``etags.check``), also with ``*`` where it is not trusted yet (RFC 9110 13.1.1).
    """
    members = {name: getattr(given, name) for name in TrustInput.model_fields}
    trust = TrustedIssuer(**members, created_at=int(issuer.clock()))
    seen = None if if_match is None else await issuer.store.trusted_issuers.get(given.issuer)
    if if_match is not None:
        if seen is None:
            raise etags.outdated()
        etags.check(seen, if_match)
    try:
        await issuer.store.trusted_issuers.save(trust, seen if etags.is_named(if_match) else None)
    except ChangedMeanwhileError as error:
        raise etags.outdated() from error
    log.info(Event.TRUSTED_ISSUER_ADDED, extra={"trusted_issuer": trust.issuer, "clients": trust.clients})
    return trust


@audited("trust.remove", "trust:name")
async def remove_trust(issuer: Issuer, name: str, if_match: str | None = None) -> None:
    """Stop trusting an issuer: its assertions are refused from now on; tokens that were issued for them stay.

    Raises NotFound, Outdated (``etags.check``).
    """
    seen = await get_trust(issuer, name) if etags.is_named(if_match) else None
    if seen is not None:
        etags.check(seen, if_match)
    try:
        if not await issuer.store.trusted_issuers.delete(name, seen):
            raise _no_trust(name)
    except ChangedMeanwhileError as error:
        raise etags.outdated() from error
    log.info(Event.TRUSTED_ISSUER_REMOVED, extra={"trusted_issuer": name})


async def get_trust(issuer: Issuer, name: str) -> TrustedIssuer:
    """Return a trusted issuer. Raises NotFound."""
    trust = await issuer.store.trusted_issuers.get(name)
    if trust is None:
        raise _no_trust(name)
    return trust


async def list_trusts(issuer: Issuer, cursor: Cursor = "", limit: Limit = 100) -> Listing[TrustedIssuer]:
    """Return a page of trusted issuers in no order. Raises InvalidInput for a bad cursor."""
    with cursor_checked(cursor):
        return Listing(*await issuer.store.trusted_issuers.list_page(cursor, limit))


def _no_trust(name: str) -> NotFound:
    return NotFound(f"there is no trusted issuer {name!r}; `mintmark trust list` shows all")
