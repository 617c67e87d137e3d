"""Trusted issuers: whose assertions are exchanged for tokens (RFC 7523)."""

from typing import Any

from service.admin import trusts as admin
from service.admin.input import Input
from service.admin.operations.operation import Answer, Name, NextCursor, Operation, Page, Seconds, Shown
from service.admin.trusts import TrustInput
from service.issuer import Issuer
from service.protocol.names import SigningAlgorithm


class NamedTrust(Input):
    """A trusted issuer, as its assertions say it in iss."""

    issuer: Name


class ShownTrust(Shown):
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


class TrustList(Shown):
    """A page of trusted issuers in no order."""

    trusts: tuple[ShownTrust, ...]
    cursor: NextCursor


class RemovedTrust(Shown):
    """Who is not trusted any more."""

    issuer: str


async def _put(issuer: Issuer, given: TrustInput) -> Answer:
    return Answer(admin.describe(await admin.add_trust(issuer, given)))


async def _list(issuer: Issuer, given: Page) -> Answer:
    page = await admin.list_trusts(issuer, given.cursor, given.limit)
    return Answer({"trusts": [admin.describe(trust) for trust in page.trusts], "cursor": page.cursor})


async def _show(issuer: Issuer, given: NamedTrust) -> Answer:
    return Answer(admin.describe(await admin.get_trust(issuer, given.issuer)))


async def _remove(issuer: Issuer, given: NamedTrust) -> Answer:
    await admin.remove_trust(issuer, given.issuer)
    return Answer({"issuer": given.issuer})


PUT = Operation(
    "trust.put", "Trust an issuer, in the place of what was said of it before.", TrustInput, ShownTrust, _put
)
LIST = Operation("trust.list", "List trusted issuers, in no order.", Page, TrustList, _list)
SHOW = Operation("trust.show", "Show a trusted issuer.", NamedTrust, ShownTrust, _show)
REMOVE = Operation("trust.remove", "Trust an issuer no more.", NamedTrust, RemovedTrust, _remove)

OPERATIONS = (PUT, LIST, SHOW, REMOVE)
